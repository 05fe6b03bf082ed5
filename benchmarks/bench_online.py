"""One request's aggregates online: `features.online.OnlineState` against plain Python over the same rings.

    python benchmarks/bench_online.py [--seconds 30] [--entities 100000] [--perturb]

Both are fed the same payments and asked for all views of a payment at the same moments, in interleaved rounds; a
figure is the median over rounds of the mean time a request. The plain one keeps, for each entity and view, the same
newest N rows sorted by time with their columns already encoded, finds a window by bisection and uses what Python
has built in (sum, min, max, set). Aggregates it has no words for are left out of both. Answers must be equal
to the last bit, or it prints ``"equal": false`` and ends with 1.

Then what a state costs besides: learning from an event, and a checkpoint and a restore of many entities.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from domain.events import Event
from domain.settings import PlatformSettings
from domain.time import DAY, SECOND
from features.aggregates import (
    Aggregate,
    Concentration,
    Count,
    Degree,
    Distinct,
    Max,
    Mean,
    Min,
    Novelty,
    Rate,
    Ratio,
    Share,
    SharedWith,
    SinceLast,
    Std,
    Sum,
    SumWhere,
    TopShare,
)
from features.catalogue import FeatureSet, compile_set, discover
from features.checkpoint import Taking
from features.columns import Encoding, encoding_of
from features.kernel.layout import NULL
from features.online import OnlineState
from features.plan import ViewPlan
from features.settings import FeatureSettings
from features.view import FeatureView
from features.zone import Zone
from stores.database import Database
from stores.journal import Journal
from stores.states_sqlite import SqliteStates

PLATFORM = PlatformSettings(
    base_currency="CNY", time_zone="Asia/Shanghai", max_lateness="3d", future_tolerance="5m", fx={}
)
START = 1_772_000_000 * SECOND
SPOKEN = (Count, Sum, SumWhere, Mean, Std, Min, Max, Share, Rate, Ratio, Distinct, Degree, SharedWith, Novelty,
          Concentration, TopShare, SinceLast)  # fmt: skip
N_WARM = 30_000
N_ROUNDS = 15
AT_LEAST = {"python": 10.0}


def said_plainly(aggregate: Aggregate) -> bool:
    """Whether the plain peer has words for an aggregate."""
    return type(aggregate) in SPOKEN


def chosen() -> tuple[FeatureSet, int]:
    """All views of a payment, less the aggregates that the peer cannot say; and how many features those are."""
    views, n_left_out = [], 0
    for view in discover("payment").views:
        if not view.on:
            continue
        kept = [aggregate for aggregate in view.features if said_plainly(aggregate)]
        n_left_out += len(view.feature_names())
        if any(aggregate.windows for aggregate in kept):
            views.append(replace(view, features=kept))
            n_left_out -= len(views[-1].feature_names())
    settings = FeatureSettings(product="payment", own=[])
    return compile_set(settings, PLATFORM, tuple(views), (), {}), n_left_out


def stream(n: int, n_people: int, seed: int) -> list[Event]:
    """Payments over thirty days, in order of time, some late; a few merchants take most, a few people are busy."""
    rng = np.random.default_rng(seed)
    times = START + np.sort(rng.integers(0, 30 * DAY, n))
    late = rng.random(n) < 0.05
    times[late] -= rng.integers(0, DAY, int(late.sum()))
    people = np.minimum(rng.zipf(1.3, n), 10 * n_people) % n_people
    shops = np.minimum(rng.zipf(1.4, n), 10_000) % 1500
    amounts = rng.lognormal(8.5, 1.2, n).astype(np.int64) + 1
    methods, channels = ["otp", "password", "none"], ["mobile", "bank_card", "third_party_wallet"]
    events = []
    for place in range(n):
        person, shop, time_ = int(people[place]), int(shops[place]), int(times[place])
        body: dict[str, Any] = {
            "customer_id": f"u{person}", "card_id": f"c{person}", "account_id": f"a{person % 997}",
            "device_id": f"d{person if rng.random() < 0.9 else int(rng.integers(n_people))}",
            "ip_id": f"i{person % 4001}", "merchant_id": f"m{shop}", "terminal_id": f"t{shop * 2 + person % 2}",
            "payee_id": f"p{int(rng.integers(5000))}", "amount": int(amounts[place]), "currency": "CNY",
            "channel": channels[place % 3], "auth_method": methods[place % 3], "mcc": f"{5000 + shop % 40}",
            "country": "CN", "card_present": bool(place % 2),
        }  # fmt: skip
        events.append(Event("transaction", f"e{place}", time_, time_, body, seq=place + 1))
    return events


@dataclass
class Ring:
    """Rows of one entity in one view, oldest first."""

    times: list[int] = field(default_factory=list)
    columns: list[list[int]] = field(default_factory=list)


class Plain:
    """The peer: dictionaries, lists and built-in functions."""

    def __init__(self, feature_set: FeatureSet) -> None:
        self._rings: list[dict[str, Ring]] = []
        self._views: list[tuple[FeatureView, ViewPlan, list[Encoding], list[tuple[Aggregate, int, int]]]] = []
        fx, zone = PLATFORM.fx_table(), Zone(PLATFORM.time_zone)
        for view, plan in zip(feature_set.views, feature_set.plan.views, strict=True):
            encodings: list[Encoding] = []
            aggregates = []
            for aggregate in view.features:
                place, where = -1, getattr(aggregate, "where", None)
                if aggregate.column is not None or where is not None:
                    encoding = encoding_of(view.source, aggregate.column, aggregate.scale, fx, zone, view.policy, where)
                    if encoding not in encodings:
                        encodings.append(encoding)
                    place = encodings.index(encoding)
                aggregates.append((aggregate, place, aggregate.scale or (100 if aggregate.column == "amount" else 1)))
            self._views.append((view, plan, encodings, aggregates))
            self._rings.append({})

    def apply(self, event: Event) -> None:
        """Learn from one event."""
        for (view, _, encodings, _), rings in zip(self._views, self._rings, strict=True):
            key = event.body.get(_key_column(view))
            if event.kind != view.source or key is None:
                continue
            if not all(condition.holds(event.body) for condition in view.conditions):
                continue
            ring = rings.setdefault(str(key), Ring(columns=[[] for _ in encodings]))
            place = bisect_right(ring.times, event.event_time)
            ring.times.insert(place, event.event_time)
            for column, encoding in zip(ring.columns, encodings, strict=True):
                column.insert(place, encoding.one(event))
            if len(ring.times) > view.retain.size:
                for column in (ring.times, *ring.columns):
                    del column[0]

    def answer(self, event: Event) -> list[float]:
        """All aggregates of a request, in the order of the set."""
        values: list[float] = []
        for (view, _, encodings, aggregates), rings in zip(self._views, self._rings, strict=True):
            key = event.body.get(view.entity)
            if key is None:
                values += [math.nan] * len(view.feature_names())
                continue
            ring = rings.get(str(key)) or Ring(columns=[[] for _ in encodings])
            t, times = event.event_time, ring.times
            high = bisect_left(times, t)
            hop = getattr(view.retain, "hop", 0)
            lows: dict[int, int] = {}
            for window in view.windows:
                edge = t - window
                lows[window] = bisect_left(times, edge - edge % hop if hop else edge)
            longest = lows[view.windows[-1]]
            for aggregate, place, scale in aggregates:
                column = ring.columns[place] if place >= 0 else times
                if isinstance(aggregate, Ratio):
                    values.append(_burst(aggregate, column, [lows[each] for each in aggregate.windows], high))
                elif isinstance(aggregate, SinceLast | Novelty):
                    own = encodings[place].one(event) if place >= 0 else 0
                    values.append(_found(aggregate, times, column, own, t, longest, high))
                else:
                    own = encodings[place].one(event) if isinstance(aggregate, SharedWith) else 0
                    for window in aggregate.windows:
                        values.append(_folded(aggregate, column, own, lows[window], high, scale))
        return values


def _key_column(view: FeatureView) -> str:
    return view.key or view.entity


def _found(
    aggregate: SinceLast | Novelty, times: list[int], column: list[int], own: int, t: int, low: int, high: int
) -> float:
    """Seconds since a row, or whether there is one."""
    if isinstance(aggregate, SinceLast) and aggregate.column is None:
        wanted = range(high - 1, low - 1, -1)
        rows = (row for row in wanted if aggregate.where is None or column[row] == 1)
    else:
        if own == NULL:
            return math.nan
        first = getattr(aggregate, "age", False)
        wanted = range(low, high) if first else range(high - 1, low - 1, -1)
        rows = (row for row in wanted if column[row] == own)
    row = next(rows, None)
    if isinstance(aggregate, Novelty) and not aggregate.age:
        return float(row is None)
    return math.nan if row is None else (t - times[row]) / SECOND


def _burst(ratio: Ratio, column: list[int], lows: list[int], high: int) -> float:
    """One window over another."""
    parts = []
    for low in lows:
        given = [x for x in column[low:high] if x != NULL]
        if ratio.statistic == "count":
            parts.append(float(max(high - low, 0)))
        elif not given:
            return math.nan
        else:
            parts.append(sum(given) / (1 if ratio.statistic == "sum" else len(given)))
    return parts[0] / parts[1] if parts[1] else math.nan


def _folded(aggregate: Aggregate, column: list[int], own: int, low: int, high: int, scale: int) -> float:
    """One statistic of one window."""
    if isinstance(aggregate, Count):
        return float(max(high - low, 0))
    given = [x for x in column[low:high] if x != NULL]
    n = len(given)
    if isinstance(aggregate, Distinct | Degree):
        return float(len(set(given)))
    if isinstance(aggregate, SharedWith):
        return float(len(set(given) - {own}))
    if n == 0:
        return math.nan
    if isinstance(aggregate, Concentration | TopShare):
        counts = Counter(given).values()
        return max(counts) / n if isinstance(aggregate, TopShare) else sum([c * c for c in counts]) / (n * n)
    if isinstance(aggregate, Min | Max):
        return (min(given) if isinstance(aggregate, Min) else max(given)) / scale
    total = sum(given)
    if isinstance(aggregate, Rate):
        return (total / scale + aggregate.prior * aggregate.strength) / (n + aggregate.strength)
    if isinstance(aggregate, Sum | SumWhere):
        return total / scale
    if isinstance(aggregate, Mean | Share):
        return total / (n * scale)
    if n < 2:
        return math.nan
    spread = n * sum([x * x for x in given]) - total * total
    return math.sqrt(float(spread) / (n * (n - 1))) / scale


def measured(ways: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Median seconds of one call of each way, in interleaved rounds."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    started = time.perf_counter()
    for turn in range(N_ROUNDS):
        if turn > 2 and time.perf_counter() - started > seconds:
            break
        for name, way in ways.items():
            before = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - before)
    return {name: statistics.median(each) for name, each in times.items()}


def same_bits(left: Sequence[float], right: Sequence[float]) -> bool:
    """Equal to the last bit, one NaN being as good as another."""
    a, b = np.array(left), np.array(right)
    return a.shape == b.shape and bool(np.all((np.isnan(a) & np.isnan(b)) | (a.view(np.int64) == b.view(np.int64))))


def checkpoint_figures(feature_set: FeatureSet, n_entities: int) -> dict[str, float]:
    """Seconds and megabytes of a checkpoint and a restore of about so many entities, and of a full warm start."""
    # Six entities a person, four payments each.
    events = stream(4 * n_entities // 6, n_entities // 6, 11)
    rng = np.random.default_rng(5)
    table = pa.table(
        {
            "event_id": [event.event_id for event in events],
            "event_time": [event.event_time for event in events],
            "known_at": [event.event_time for event in events],
            **{
                name: [f"{name[0]}{who}" for who in rng.integers(0, n_entities // 6, len(events)).tolist()]
                for name in ("customer_id", "card_id", "account_id", "device_id", "ip_id", "payee_id")
            },
            **{name: [event.body[name] for event in events] for name in ("merchant_id", "amount", "currency")},
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "assay.db")
        journal = Journal(database, Path(folder) / "journal")
        journal.append_tables({"transaction": table}, "bench")
        state = OnlineState(feature_set, PLATFORM)
        clock = _Clock()
        state.warm(journal)
        warm = clock()
        store = SqliteStates(Path(folder) / "states.db")
        n_bytes, pauses = sliced(state, store)
        checkpoint = clock()
        for who in range(1000):
            state.holdings.made("customer_id", f"c{who}")
        again = state.checkpoint(store)
        changed = clock()
        other = OnlineState(feature_set, PLATFORM)
        other.restore(store)
        other.follow(journal)
        restore = clock()
        figures = {
            "n_entities": float(state.holdings.n_entities), "n_rows": float(state.holdings.n_rows),
            "warm_s": warm, "checkpoint_s": checkpoint, "checkpoint_mb": n_bytes / 2**20,
            "pause_p50_ms": float(np.percentile(pauses, 50)), "pause_p99_ms": float(np.percentile(pauses, 99)),
            "checkpoint_of_1000_ms": changed * 1e3, "checkpoint_of_1000_kb": again / 2**10, "restore_s": restore,
        }  # fmt: skip
        store.close()
        database.close()
    return figures


def sliced(state: OnlineState, store: SqliteStates) -> tuple[int, list[float]]:
    """A checkpoint as the service takes it: its bytes, and how long (ms) requests would have waited for each slice."""
    taking, pauses, n_bytes, last = Taking(state), [], 0, False
    while not last:
        until = time.perf_counter() + 0.002
        before = time.perf_counter()
        part = taking.slice(lambda _, until=until: time.perf_counter() >= until)  # type: ignore[misc]
        pauses.append((time.perf_counter() - before) * 1e3)
        taking.save(store, part)
        n_bytes += sum(len(body) for body in part.records.values() if body is not None)
        last = part.last
    taking.done()
    return n_bytes, pauses


class _Clock:
    """Seconds since it was last asked."""

    def __init__(self) -> None:
        self._at = time.perf_counter()

    def __call__(self) -> float:
        before, self._at = self._at, time.perf_counter()
        return self._at - before


def run(
    seconds: float, n_entities: int, perturb: bool, *, n_warm: int = N_WARM, n_asked: int = 200
) -> tuple[bool, str]:
    """The comparison; whether it holds, and what to print."""
    feature_set, n_left_out = chosen()
    events = stream(n_warm + n_asked, 3000, 7)
    state, plain = OnlineState(feature_set, PLATFORM), Plain(feature_set)
    for event in events[:n_warm]:
        state.apply(event)
        plain.apply(event)
    # Every answer of the stretch that is timed, and all that is learnt between, is compared first.
    equal, asked = True, events[n_warm:]
    for place, event in enumerate(asked):
        mine, theirs = state.vector(event).values.tolist(), plain.answer(event)
        if perturb and place == n_asked // 2:
            mine[0] = math.nextafter(mine[0], math.inf)
        equal = equal and same_bits(mine, theirs)
    micros = measured(
        {
            "assay": lambda: [state.vector(event) for event in asked],
            "python": lambda: [plain.answer(event) for event in asked],
        },
        seconds,
    )
    micros = {name: value / n_asked * 1e6 for name, value in micros.items()}
    per_request = [
        measured({"a": lambda e=event: state.vector(e), "p": lambda e=event: plain.answer(e)}, 1.0)  # type: ignore[misc]
        for event in asked[:: max(1, n_asked // 50)]
    ]
    typical = statistics.median(each["p"] / each["a"] for each in per_request)
    kernel = _kernel_micros(state, asked)
    clock = _Clock()
    for event in asked:
        state.apply(event)
    applied = clock() / n_asked * 1e6
    for event in asked:
        plain.apply(event)
    plain_applied = clock() / n_asked * 1e6
    ratios = {"python": round(micros["python"] / micros["assay"], 1), "python_typical_request": round(typical, 1)}
    lines = [
        f"one payment, {len(feature_set.plan.views)} views, {len(feature_set.names)} features "
        f"({n_left_out} that plain Python has no words for are left out), {n_warm:,} payments known",
        f"{'':<38}{'µs a request':>13}{'ratio':>8}{'at least':>10}",
        f"{'OnlineState.vector':<38}{micros['assay']:>13.1f}",
        f"{'  of it the compiled kernel':<38}{kernel:>13.1f}",
        f"{'plain Python over the same rings':<38}{micros['python']:>13.1f}{ratios['python']:>8.1f}"
        f"{AT_LEAST['python']:>10.1f}",
        f"{'  the median request of both':<38}{'':>13}{ratios['python_typical_request']:>8.1f}",
        f"learning from one payment: {applied:.1f} µs; plain Python {plain_applied:.1f} µs",
        f"answers of {n_asked} requests equal to the last bit: {str(equal).lower()}",
    ]
    figures = {"vector_us": round(micros["assay"], 1), "kernel_us": round(kernel, 1),
               "python_us": round(micros["python"], 1), "apply_us": round(applied, 1),
               "python_apply_us": round(plain_applied, 1)}  # fmt: skip
    if n_entities:
        cost = checkpoint_figures(feature_set, n_entities)
        lines.append(
            f"{cost['n_entities']:,.0f} entities, {cost['n_rows']:,.0f} rows: from the journal {cost['warm_s']:.2f} s; "
            f"checkpoint {cost['checkpoint_s']:.2f} s, {cost['checkpoint_mb']:.0f} MB; "
            f"restore {cost['restore_s']:.2f} s; checkpoint of 1,000 changed {cost['checkpoint_of_1000_ms']:.0f} ms; "
            f"requests wait for a slice of it p50 {cost['pause_p50_ms']:.1f} ms, p99 {cost['pause_p99_ms']:.1f} ms"
        )
        figures |= {name: round(value, 2) for name, value in cost.items()}
    lines.append(json.dumps({"bench": "online", "equal": equal, "ratios": ratios, "figures": figures}))
    return equal, "\n".join(lines)


def _kernel_micros(state: OnlineState, asked: list[Event]) -> float:
    """Microseconds of the compiled part alone, from a run that does all but call it."""
    door = state._kernel.answer  # noqa: SLF001 - to time it
    spent = 0.0

    def timed(*arguments: object) -> int:
        nonlocal spent
        before = time.perf_counter()
        flags = int(door(*arguments))
        spent += time.perf_counter() - before
        return flags

    kernel = state._kernel  # noqa: SLF001
    state._kernel = replace(kernel, answer=timed)  # noqa: SLF001
    try:
        for event in asked:
            state.vector(event)
    finally:
        state._kernel = kernel  # noqa: SLF001
    return spent / len(asked) * 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and the line of JSON; 1 when answers differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="time spent on the comparison, about")
    parser.add_argument("--entities", type=int, default=100_000, help="entities of the checkpoint; 0 leaves it out")
    parser.add_argument("--perturb", action="store_true", help="move one answer by one last place: must print false")
    options = parser.parse_args(arguments)
    holds, text = run(options.seconds, options.entities, options.perturb)
    sys.stdout.write(text + "\n")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
