"""The exam of every aggregate: its words, the oracle, SQL, and what must not change it."""

from __future__ import annotations

import inspect
from dataclasses import replace

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features.aggregates as family
from domain.errors import DefinitionError
from domain.events import Event
from domain.time import HOUR, MINUTE
from features.aggregates import AGGREGATES, Aggregate, Count, Distinct, SinceLast, Sum
from features.catalogue import FeatureSet, compile_set
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView, ring
from tests.features.naive import naive
from tests.features.streams import PLATFORM, dense_stream, memory_journal, same_bits, streams

WINDOWS = ["10s", "30m", "1h"]


def examples(kind: type[Aggregate]) -> list[Aggregate]:
    if kind is SinceLast:
        return [SinceLast(), SinceLast("merchant_id", same_value=True), Count(over=WINDOWS)]
    if kind is Count:
        return [Count(over=WINDOWS)]
    if kind is Distinct:
        return [Distinct(c, over=WINDOWS) for c in ("merchant_id", "amount", "card_present", "currency")]
    return [*(kind(c, over=WINDOWS) for c in ("amount", "card_present")), kind("latitude", over=WINDOWS, scale=10**6)]


def alone(kind: type[Aggregate], size: int = 4096) -> FeatureSet:
    view = FeatureView(entity="card_id", source="transaction", retain=ring(size), features=examples(kind), name="card")
    return compile_set(FeatureSettings(product="payment", own=["amount"]), PLATFORM, (view,), (), {})


def test_every_aggregate_is_here() -> None:
    found = {
        c for _, c in inspect.getmembers(family, inspect.isclass) if issubclass(c, Aggregate) and c is not Aggregate
    }
    assert found == set(AGGREGATES)
    assert len({kind.OPERATION for kind in AGGREGATES}) == len(AGGREGATES)


@pytest.mark.parametrize("kind", AGGREGATES)
def test_words(kind: type[Aggregate]) -> None:
    assert ">>>" in (kind.__doc__ or "")
    assert inspect.getmodule(kind).__name__.startswith("features.aggregates.")  # type: ignore[union-attr]
    for aggregate in examples(kind):
        for name, window in zip(aggregate.names("card_id"), aggregate.windows or (None,), strict=True):
            assert name.startswith("card_")
            assert aggregate.doc(window)
        assert replace(aggregate, sign=1).canonical() == aggregate.canonical()


@pytest.mark.parametrize("kind", AGGREGATES)
def test_refuses(kind: type[Aggregate]) -> None:
    column = None if kind is Count else "amount"
    for over in ([], ["soon"], ["0s"], ["1h", "60m"], ["9999d"]):
        with pytest.raises(DefinitionError):
            kind(column, over=over) if kind is not SinceLast else SinceLast(over=over or ["1h"])
    if kind.NEEDS_COLUMN:
        with pytest.raises(DefinitionError, match="expected a column"):
            kind(over=["1h"])
    with pytest.raises(DefinitionError):
        kind(column, over=["1h"], sign=2)


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


def test_counts_and_sums_are_what_sql_says() -> None:
    rng = np.random.default_rng(3)
    n = 4000
    times = np.sort(rng.integers(0, 3 * 3600, n)) * 1_000_000
    bodies = [
        {"card_id": f"c{rng.integers(30)}", "amount": int(rng.integers(-(10**9), 10**9)), "currency": "CNY"}
        for _ in range(n)
    ]
    events = [
        Event("transaction", f"e{i}", t, t, b) for i, (t, b) in enumerate(zip(times.tolist(), bodies, strict=True))
    ]
    journal = memory_journal(events)
    aggregates = [Count(over=["1m", "1h"]), Sum("amount", over=["1m", "1h"])]
    view = FeatureView(entity="card_id", source="transaction", features=aggregates, name="card")
    chosen = compile_set(FeatureSettings(product="payment", own=[]), PLATFORM, (view,), (), {})
    ours = build_snapshot(chosen, journal, PLATFORM).table.sort_by("seq")
    journalled = journal.read("transaction")  # noqa: F841 - read by name in the query
    frame = "(PARTITION BY card_id ORDER BY event_time RANGE BETWEEN {} PRECEDING AND 1 PRECEDING)"
    columns = [
        f"{what} OVER {frame.format(window)} AS {name}"
        for window, suffix in ((MINUTE, "1m"), (HOUR, "1h"))
        for what, name in (("count(*)", f"count_{suffix}"), ("sum(amount::HUGEINT)", f"sum_{suffix}"))
    ]
    rows = duckdb.sql(f"SELECT seq, {', '.join(columns)} FROM journalled ORDER BY seq").to_arrow_table()  # noqa: S608
    assert rows["seq"].to_pylist() == ours["seq"].to_pylist()
    n_found = 0
    for suffix in ("1m", "1h"):
        assert rows[f"count_{suffix}"].to_pylist() == ours[f"card_count_{suffix}"].to_pylist()
        for theirs, mine in zip(
            rows[f"sum_{suffix}"].to_pylist(), ours[f"card_amount_sum_{suffix}"].to_pylist(), strict=True
        ):
            # Before the finaliser: the integers are equal when the quotients by 100 are and stay below 2^53.
            assert (theirs is None and np.isnan(mine)) or int(theirs) / 100 == mine
            n_found += theirs is not None
    assert n_found > n / 2
