"""Exit 0 when replay and online state obey the law on dense streams, 1 when they do not.

Run with ``NUMBA_DISABLE_JIT=1``: the kernel is then plain Python, and a changed source needs no compiling.
"""

from __future__ import annotations

import sys
import warnings
from types import SimpleNamespace

import features.offline
from features.kernel import entries, loading
from features.online import OnlineState
from features.replay import build_snapshot
from tests.features.streams import PLATFORM, dense_stream, memory_journal
from tests.features.test_clocks import check_row, check_vector, feature_set
from tests.features.test_tiled import HOPS, check
from tests.features.test_tiled import feature_set as tiled_set


def main() -> int:
    warnings.simplefilter("ignore", RuntimeWarning)  # words wrap around on purpose
    doors = {name: getattr(entries, name) for name, _ in loading._SIGNATURES}
    loading._loaded = SimpleNamespace(**doors)  # type: ignore[assignment]
    for size in (2, 5):
        chosen = feature_set(size)
        for seed in range(12):
            events = dense_stream(1000 * size + seed, 20)
            table = build_snapshot(chosen, memory_journal(events), PLATFORM, threads=1).table
            rows = {row["seq"]: row for row in table.to_pylist()}
            state = OnlineState(chosen, PLATFORM)
            for event in events:
                try:
                    if event.seq in rows:
                        check_row(chosen, events, event, rows[event.seq])
                        check_vector(chosen, state, event, rows[event.seq])
                except AssertionError as error:
                    print(f"size {size}, seed {seed}, seq {event.seq}: {error}")  # noqa: T201 - the verdict
                    return 1
                state.apply(event)
    return _tiles()


def _tiles() -> int:
    """The same of views that keep totals; a replay with little room merges them as soon as it may."""
    features.offline._ROWS = 1
    for seed in range(24):
        try:
            check(tiled_set(HOPS[seed % len(HOPS)]), dense_stream(9000 + seed, 20))
        except AssertionError as error:
            print(f"tiled, seed {seed}: {error}")  # noqa: T201 - the verdict
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
