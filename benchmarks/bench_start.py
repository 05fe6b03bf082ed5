"""What a start costs: CPU of the service's process until it takes requests, by what lies in the journal.

    python benchmarks/bench_start.py [--payments 300000] [--repeats 3]

One payment product, a journal of so many payments over thirty days (written by the journal's own bulk append), started
with an empty journal, without a checkpoint, with one that leaves a fifth of the journal to replay, and with one that
leaves nothing. Every start is a process of its own, in turns; figures are medians, imports and the child that scores
golden rows not counted. However it started, a state must answer alike: vectors of the newest payments are compared byte
for byte, or it prints ``"equal": false`` and ends with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from decide_world import CONFIGS, make_world
from peers import verdict

from domain.decision import Product
from domain.events import NAMESPACES, Event
from domain.time import DAY, system_clock
from features.online import OnlineState
from scoring.bundle import Bundle, load_bundle
from serving.books import Books
from serving.deployments import started_state
from serving.load.traffic import Traffic
from stores.bundles import pointed
from stores.home import Home
from stores.states_sqlite import SqliteStates

_AT_ONCE = 20_000
_COMPARED = 50


class _Silent:
    """A log that nobody reads."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: None


def payments(n: int, until: int, seed: int = 7) -> Iterator[Event]:
    """Payments of the thirty days before a moment (µs), in order; tokens stand where the vault would have put some."""
    traffic, rng = Traffic("start", seed, lambda: until), np.random.default_rng(seed)
    for number, at in enumerate(np.sort(rng.integers(until - 30 * DAY, until, n)).tolist()):
        made = msgspec.json.decode(traffic.body(Product.PAYMENT))
        body = {name: value for name, value in made.items() if name not in ("event_id", "event_time")}
        named = {name: f"{body[name]:_<22}" for name in body if name in NAMESPACES}
        yield Event("transaction", f"start-{number}", at, at, {**body, **named}, "bench")


def filled(home: Home, made: Home, events: Sequence[Event], bundle: Bundle, checkpoint_at: float | None) -> None:
    """A home with a deployed bundle, a journal, and a checkpoint taken after a share of it."""
    for source, target in ((made.bundles, home.bundles), (made.pointers, home.pointers), (made.keys, home.keys)):
        shutil.copytree(source, target)
    books = Books.open(home, {}, 30.0)
    edge = 0 if checkpoint_at is None else int(len(events) * checkpoint_at)
    _append(books, events[:edge])
    if checkpoint_at is not None:
        store = SqliteStates(home.states)
        started_state(bundle, home, books.journal, _Silent()).checkpoint(store)
        store.close()
    _append(books, events[edge:])
    books.close()


def _append(books: Books, events: Sequence[Event]) -> None:
    for start in range(0, len(events), _AT_ONCE):
        books.journal.append(events[start : start + _AT_ONCE])


def started(root: str) -> dict[str, float]:
    """Start the service's engine in this process: CPU and wall-clock seconds until it is ready, and peak memory."""
    from scoring.lean import import_lightgbm_alone

    import_lightgbm_alone()
    from serving.engine import Engine

    began, cpu = time.perf_counter(), time.process_time()
    engine = Engine(Home(Path(root)), CONFIGS, os.environ, log=_Silent(), at_hand=list)
    engine.start()
    if not engine.committer.wait_ready(600):
        raise TimeoutError("expected a ready service within ten minutes")
    told = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - began}
    engine.stop()
    # Not that of getrusage, which a process takes over from who started it.
    (peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return {**told, "peak_mb": int(peak.split()[1]) / 1024}


def answers(home: Home, bundle: Bundle, events: Sequence[Event]) -> list[bytes]:
    """Vectors of requests like the newest payments, as a state that has just started gives them."""
    books = Books.open(home, {}, 30.0)
    try:
        state: OnlineState = started_state(bundle, home, books.journal, _Silent())
        asked = [replace(event, event_id=f"again-{event.event_id}", seq=0) for event in events[-_COMPARED:]]
        return [state.vector(event).values.tobytes() for event in asked]
    finally:
        books.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and the line of JSON; 1 when states that started differently answer differently."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=300_000, help="payments in the journal")
    parser.add_argument("--repeats", type=int, default=3, help="starts of each kind")
    parser.add_argument("--perturb", action="store_true", help="change one answer: must print false")
    parser.add_argument("--start", metavar="HOME", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.start:
        sys.stdout.write(json.dumps(started(options.start)))
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
        starts = measure(Path(folder), options.payments, options.repeats)
    holds, text = report(starts, options.perturb)
    sys.stdout.write(text + "\n")
    return 0 if holds else 1


@dataclass(frozen=True, slots=True)
class Starts:
    """What was found of each kind of home: its starts, the size of its checkpoint in MB, and the answers it gave."""

    n_payments: int
    told: dict[str, list[dict[str, float]]]
    checkpoint_mb: dict[str, float]
    answers: dict[str, list[bytes]]


def measure(root: Path, n: int, repeats: int) -> Starts:
    """Start each kind of home in turns."""
    made = make_world(root / "made", n_payments=2_000, n_trees=100).home
    digest = pointed(made.pointers, Product.PAYMENT.value)
    assert digest is not None, "the world has deployed one"
    bundle = load_bundle(made.bundles / digest, score_golden_in_child=False)
    events = list(payments(n, system_clock()))
    kinds = {
        "empty": (events[:0], None),
        "all_replayed": (events, None),
        "a_fifth_replayed": (events, 0.8),
        "nothing_replayed": (events, 1.0),
    }
    homes = {}
    for name, (journalled, checkpoint_at) in kinds.items():
        homes[name] = Home(root / name)
        filled(homes[name], made, journalled, bundle, checkpoint_at)
    told: dict[str, list[dict[str, float]]] = {name: [] for name in homes}
    for _ in range(repeats):
        for name, home in homes.items():
            # A start leaves a checkpoint behind: each one begins from the home as it was.
            copy = Home(root / "copy")
            shutil.copytree(home.root, copy.root)
            command = [sys.executable, str(Path(__file__)), "--start", str(copy.root)]
            found = subprocess.run(command, check=True, capture_output=True, text=True)
            told[name].append(json.loads(found.stdout))
            shutil.rmtree(copy.root)
    sizes = {name: home.states.stat().st_size / 2**20 if home.states.is_file() else 0.0 for name, home in homes.items()}
    given = {name: answers(home, bundle, events) for name, home in homes.items() if name != "empty"}
    return Starts(n, told, sizes, given)


def report(starts: Starts, perturb: bool = False) -> tuple[bool, str]:
    """Whether all answered alike, and what to print; ``perturb`` changes one answer."""
    n = starts.n_payments
    first, *others = starts.answers.values()
    if perturb:
        first = [*first[:-1], b""]
    equal = all(each == first for each in others)
    lines = [f"{n:,} payments in the journal{'':<8}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}{'checkpoint MB':>15}"]
    figures: dict[str, float] = {"n_payments": n}
    for name, found in starts.told.items():
        middle = {key: statistics.median(one[key] for one in found) for key in found[0]}
        figures |= {f"{name}_cpu_s": round(middle["cpu"], 2), f"{name}_peak_mb": round(middle["peak_mb"])}
        size = starts.checkpoint_mb[name]
        lines.append(f"{name:<33}{middle['cpu']:>10.2f}{middle['wall']:>10.2f}{middle['peak_mb']:>10.0f}{size:>15.1f}")
    lines.append(f"vectors of {_COMPARED} requests equal however it started: {str(equal).lower()}")
    lines.append(verdict("start", equal, {}, figures))
    return equal, "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
