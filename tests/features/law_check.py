"""Exit 0 when replay and online state obey the law on dense streams, 1 when they do not.

Run with ``NUMBA_DISABLE_JIT=1``: the kernel is then plain Python, and a changed source needs no compiling.
"""

from __future__ import annotations

import sys
import warnings
from types import SimpleNamespace

import features.online
import features.replay
from features.kernel import entries
from features.online import OnlineState
from features.replay import build_snapshot
from tests.features.streams import PLATFORM, dense_stream, memory_journal
from tests.features.test_clocks import check_row, check_vector, feature_set


def main() -> int:
    warnings.simplefilter("ignore", RuntimeWarning)  # words wrap around on purpose
    plain = SimpleNamespace(**{n: getattr(entries, n) for n in ("insert_many", "answer", "replay", "derive", "group")})
    features.replay.load_kernel = features.online.load_kernel = lambda *_: plain  # type: ignore[assignment,misc,return-value]
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
