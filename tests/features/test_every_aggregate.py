"""The exam of every aggregate: its words, the oracle, and what must not change it (SQL is in test_sql.py)."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features.aggregates as family
from domain.errors import DefinitionError
from domain.events import ColumnType, Event
from domain.time import HOUR, MINUTE, SECOND
from features.aggregates import (
    AGGREGATES,
    Aggregate,
    CircularTime,
    Count,
    Decayed,
    Degree,
    InterArrival,
    LastK,
    Novelty,
    Rate,
    Ratio,
    SharedWith,
    SinceLast,
    SpeedFromLast,
)
from features.aggregates.conditional import Conditional
from features.catalogue import FeatureSet, compile_set
from features.conditions import Condition, at_least, is_true, multiple_of, one_of
from features.kernel import layout
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView, ring
from tests.features.naive import naive
from tests.features.streams import PLATFORM, START, dense_stream, memory_journal, numbered, same_bits, streams

WINDOWS = ["10s", "30m", "1h"]
NUMBERS: tuple[tuple[str | None, int | None], ...] = (("amount", None), ("card_present", None), ("latitude", 10**6))
TEXTS = ("merchant_id", "device_id", "currency")
CONDITIONS: dict[str, Condition] = {
    "mobile": one_of("channel", "mobile"),
    "blank": one_of("stage", "refund", or_null=True),
    "present": is_true("card_present"),
    "large": at_least("amount", 2.5),
    "north": at_least("latitude", 0),
    "round": multiple_of("amount", 1),
}


def examples(kind: type[Aggregate]) -> list[Aggregate]:
    """Each form of an aggregate, the plainest first; one of them has windows."""
    window = Count(over=WINDOWS)
    make: Any = kind
    if issubclass(kind, Conditional):
        over = {"over": WINDOWS} if kind.WINDOWED else {}
        columns = NUMBERS if kind.NEEDS_COLUMN else ((None, None),)
        pairs = [(called, where, *column) for called, where in CONDITIONS.items() for column in columns]
        return [*(make(c, scale=s, where=where, called=called, **over) for called, where, c, s in pairs), window]
    if kind is SinceLast:
        wheres = [SinceLast(where=where, called=called) for called, where in CONDITIONS.items()]
        return [SinceLast(), SinceLast("merchant_id", same_value=True), *wheres, window]
    if kind is Novelty:
        return [*(Novelty(c, age=age) for c in (*TEXTS, "amount", "card_present") for age in (False, True)), window]
    if kind is LastK:
        wanted = ("mean", "sum", "std", "min", "max", "cv")
        return [*(LastK(c, scale=s, k=k, statistic=w) for c, s in NUMBERS for k in (1, 2, 5) for w in wanted), window]
    if kind is Ratio:
        amounts = [Ratio(c, scale=s, statistic=w, short="30m", long="1h") for c, s in NUMBERS for w in ("sum", "mean")]
        return [Ratio(short="10s", long="1h"), Ratio("amount", statistic="sum", short="10s", long="30m"), *amounts]
    if kind is Decayed:
        return [Decayed(c, scale=s, half_life=["1m", "20m"], over="1h") for c, s in ((None, None), *NUMBERS)]
    if kind is InterArrival:
        return [InterArrival(over=WINDOWS, statistic=statistic) for statistic in ("mean", "cv")]
    if kind is SpeedFromLast:
        return [SpeedFromLast(), SpeedFromLast(statistic="kmh"), window]
    if kind is Rate:
        return [Rate(c, scale=s, prior=0.3, strength=7.5, over=WINDOWS) for c, s in NUMBERS]
    if kind in (Count, CircularTime):
        return [make(over=WINDOWS)]
    if kind in (SharedWith, Degree):
        return [make(c, over=WINDOWS) for c in ("merchant_id", "device_id")]
    if tuple(ColumnType) == kind.ACCEPTS:
        return [make(c, over=WINDOWS) for c in (*TEXTS, "amount", "card_present")]
    return [make(c, over=WINDOWS, scale=scale) for c, scale in NUMBERS]


def alone(kind: type[Aggregate], size: int = 4096) -> FeatureSet:
    view = FeatureView(entity="card_id", source="transaction", retain=ring(size), features=examples(kind), name="card")
    return compile_set(FeatureSettings(product="payment", own=["amount"]), PLATFORM, (view,), (), {})


def test_every_aggregate_is_here() -> None:
    found = {
        c for _, c in inspect.getmembers(family, inspect.isclass) if issubclass(c, Aggregate) and c is not Aggregate
    }
    assert found == set(AGGREGATES)
    used = {operation.kind for kind in AGGREGATES for one in examples(kind) for operation in one.operations()}
    assert used == set(range(layout.COUNT, layout.KMH + 1))


@pytest.mark.parametrize("kind", AGGREGATES)
def test_words(kind: type[Aggregate]) -> None:
    assert ">>>" in (kind.__doc__ or "")
    assert inspect.getmodule(kind).__name__.startswith("features.aggregates.")  # type: ignore[union-attr]
    for aggregate in examples(kind):
        names, docs = aggregate.names("card_id"), aggregate.docs()
        assert len(names) == len(docs) == len(aggregate.reach)
        assert all(re.fullmatch("card_[a-z0-9_]+", name) for name in names)
        assert all(re.fullmatch(r"[a-z0-9].*[^.]", doc) for doc in docs)
        assert aggregate.missing
        assert aggregate.unit("CNY")
        assert replace(aggregate, sign=1).canonical() == aggregate.canonical()
    chosen = examples(kind)
    assert len({json.dumps(aggregate.canonical()) for aggregate in chosen}) == len(chosen)


@pytest.mark.parametrize("kind", AGGREGATES)
def test_refuses(kind: type[Aggregate]) -> None:
    first = examples(kind)[0]
    wrong: list[Any] = [["1h"]]
    if kind is Decayed:
        wrong = ["", "soon", "0s", "9999d"]
    elif kind.WINDOWED:
        wrong = [[], ["soon"], ["0s"], ["1h", "60m"], ["9999d"]]
    for over in wrong:
        with pytest.raises(DefinitionError):
            replace(first, over=over)
    for column, needed in ((None, True), ("amount", False)):
        if kind.NEEDS_COLUMN is needed:
            with pytest.raises(DefinitionError, match="expected a column" if needed else "expected no column"):
                replace(first, column=column)
    with pytest.raises(DefinitionError):
        replace(first, sign=2)


@pytest.mark.parametrize("kind", AGGREGATES)
@given(events=streams(max_size=16), size=st.sampled_from([2, 4096]))
@settings(max_examples=25)
def test_is_the_oracle(kind: type[Aggregate], events: list[Event], size: int) -> None:
    chosen = alone(kind, size)
    rows = build_snapshot(chosen, memory_journal(events), PLATFORM, threads=1).table.to_pylist()
    for row in rows:
        answer = naive(chosen.views[0], events, events[row["seq"] - 1], PLATFORM)
        for name, expected in answer.values.items():
            assert same_bits(np.array([expected]), np.array([row[name]])), (name, expected, row[name])


@pytest.mark.parametrize("size", [50, 4096])
@pytest.mark.parametrize("kind", AGGREGATES)
def test_long_windows_are_the_oracle(kind: type[Aggregate], size: int) -> None:
    """Hundreds of rows in a window, many values, two cards whose hours differ."""
    rng = np.random.default_rng(11)
    events = []
    for index in range(240):
        time = START + index * 20 * SECOND - int(rng.integers(1200)) * SECOND * int(rng.random() < 0.1)
        body: dict[str, Any] = {
            "card_id": "a" if rng.random() < 0.9 else "b",
            "merchant_id": f"m{int(rng.exponential(9))}",
            "device_id": f"d{rng.integers(120)}",
            "channel": str(rng.choice(["mobile", "bank_card"], p=[0.8, 0.2])),
            "card_present": bool(rng.integers(2)),
            "latitude": float(np.round(rng.normal(31, 2), 7)),
            "longitude": float(np.round(rng.normal(121, 3), 7)),
            "stage": "authorisation",
            "amount": int(rng.lognormal(9, 2)) * int(rng.choice([1, 100])),
            "currency": str(rng.choice(["CNY", "USD", "JPY"])),
        }
        for column in ("merchant_id", "card_present", "latitude", "channel"):
            if rng.random() < 0.1:
                del body[column]
        events.append(Event("transaction", f"e{index}", time, time, body))
    events = numbered(events)
    chosen = alone(kind, size)
    rows = build_snapshot(chosen, memory_journal(events), PLATFORM, threads=1).table.to_pylist()
    for row in rows[60::20]:
        answer = naive(chosen.views[0], events, events[row["seq"] - 1], PLATFORM)
        for name, expected in answer.values.items():
            assert same_bits(np.array([expected]), np.array([row[name]])), (name, expected, row[name])


@pytest.mark.parametrize("kind", AGGREGATES)
def test_what_lies_outside_the_windows_changes_nothing(kind: type[Aggregate]) -> None:
    """Events at or after the request, or before the longest window, or of others, or given twice."""
    chosen = alone(kind)
    for seed in range(20):
        events = dense_stream(seed)
        moment = max(event.event_time for event in events) + MINUTE
        request = Event("transaction", "r", moment, moment, {"card_id": "a", "amount": 1, "currency": "CNY"})

        def outside(name: str, time: int, card: str = "a") -> Event:
            body = {"card_id": card, "amount": 777, "currency": "CNY", "merchant_id": "z", "latitude": 80.0}
            return Event("transaction", name, time, time, body)

        strangers = [
            outside("now", moment), outside("later", moment + 1), outside("old", moment - HOUR - 1),
            outside("other", moment - 1, "b"), *events[:5],
        ]  # fmt: skip
        plain = build_snapshot(chosen, memory_journal([*events, request]), PLATFORM).table
        mixed = build_snapshot(chosen, memory_journal([*events, *strangers, request]), PLATFORM).table
        for name in chosen.names:
            assert same_bits(plain[name].to_numpy()[-1:], mixed[name].to_numpy()[-1:]), (seed, name)
