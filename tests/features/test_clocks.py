"""One kernel, two clocks, one law: replay, online state and the naive oracle agree bit for bit."""

from __future__ import annotations

import math
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import Event
from domain.time import from_micros
from features.aggregates import (
    AGGREGATES,
    CircularTime,
    CoefficientOfVariation,
    Concentration,
    Count,
    CountWhere,
    Decayed,
    Degree,
    Distinct,
    Entropy,
    First,
    InterArrival,
    Last,
    LastK,
    Max,
    Mean,
    Min,
    Novelty,
    Rate,
    Ratio,
    Share,
    SharedWith,
    SinceLast,
    SpeedFromLast,
    Std,
    Streak,
    Sum,
    SumWhere,
    TopShare,
    Trend,
)
from features.catalogue import FeatureSet, compile_set
from features.conditions import at_least, is_true, multiple_of, one_of, verdict
from features.derived import (
    Derived,
    clock_cos,
    clock_sin,
    column_is_null,
    day_of_week,
    difference,
    equals,
    hour_of_day,
    log1p,
    ratio,
)
from features.online import OnlineState
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView, ring
from tests.features.naive import naive
from tests.features.streams import PLATFORM, dense_stream, memory_journal, same_bits, streams

EVERYTHING = [
    Count(over=["10s", "1m", "1h"]),
    Sum("amount", over=["1m", "1h"]),
    Mean("amount", over=["10s", "1h", "1m"]),
    Std("amount", over=["1h", "10s"]),
    Min("amount", over=["1m", "1h"]),
    Max("amount", over=["10s"]),
    Distinct("merchant_id", over=["10s", "1h"]),
    Distinct("amount", over=["1h"]),
    Mean("card_present", over=["1h"]),
    Sum("latitude", over=["1h"], scale=1_000_000),
    Std("latitude", over=["1h"], scale=1_000_000),
    Max("latitude", over=["1h"], scale=1_000_000),
    Mean("is_night", over=["1h"]),
    SinceLast(),
    SinceLast("device_id", same_value=True),
    SinceLast(where=is_true("card_present"), called="present"),
    CountWhere(where=one_of("channel", "mobile"), called="mobile", over=["10s", "1h"]),
    SumWhere("amount", where=at_least("amount", 10), called="large", over=["1h"]),
    Share(where=multiple_of("amount", 1), called="round", over=["1m", "1h"]),
    CoefficientOfVariation("amount", over=["1m", "1h"]),
    Rate("card_present", over=["1h"], prior=0.2, strength=3),
    Ratio(short="1m", long="1h"),
    Ratio("amount", statistic="mean", short="10s", long="1h"),
    Ratio("amount", statistic="sum", short="1m", long="1h"),
    First("amount", over=["1m", "1h"]),
    Last("latitude", over=["1m", "1h"], scale=1_000_000),
    LastK("amount", k=3, statistic="mean"),
    LastK("amount", k=2, statistic="cv"),
    Degree("device_id", over=["1m", "1h"]),
    SharedWith("merchant_id", over=["10s", "1h"]),
    Concentration("merchant_id", over=["1m", "1h"]),
    TopShare("device_id", over=["1h"]),
    Entropy("merchant_id", over=["1m", "1h"]),
    Novelty("merchant_id"),
    Novelty("device_id", age=True),
    Streak(where=one_of("channel", "mobile"), called="mobile"),
    InterArrival(over=["1m", "1h"]),
    InterArrival(over=["1h"], statistic="cv"),
    CircularTime(over=["1m", "1h"]),
    Decayed(half_life=["1m", "20m"], over="1h"),
    Decayed("amount", half_life=["5m"], over="1h"),
    Trend("amount", over=["1h"]),
    SpeedFromLast(),
    SpeedFromLast(statistic="kmh"),
]


def test_everything_is_there() -> None:
    assert {type(aggregate) for aggregate in EVERYTHING} == set(AGGREGATES)


def views(size: int) -> tuple[FeatureView, ...]:
    return (
        FeatureView(entity="card_id", source="transaction", retain=ring(size), features=EVERYTHING, name="card"),
        FeatureView(
            entity="card_id", source="outcome", prefix="fraud", where=verdict("positive", "negative"), name="fraud",
            retain=ring(size), features=[Count(over=["1h"]), Mean("is_positive", over=["1m", "1h"]), SinceLast()],
        ),
        FeatureView(
            entity="customer_id", source="transaction", prefix="returned", where=one_of("stage", "refund"),
            features=[Count(over=["1h"]), Sum("amount", over=["1h"])], name="returned",
        ),
        FeatureView(
            entity="account_id", key="payee_id", source="transaction", prefix="inflow", where=at_least("amount", 0),
            features=[Count(over=["1h"]), SharedWith("customer_id", over=["1h"])], name="inflow",
        ),
    )  # fmt: skip


DERIVED = (
    Derived("amount_ratio", ratio("amount", "card_amount_mean_1h"), group="g"),
    Derived("amount_z", ratio(difference("amount", "card_amount_mean_1h"), "card_amount_std_1h"), group="g"),
    Derived("amount_log", log1p("amount"), group="g"),
    Derived("hour", hour_of_day(), group="g"),
    Derived("hour_sin", clock_sin(), group="g"),
    Derived("hour_cos", clock_cos(), group="g"),
    Derived("weekday", day_of_week(), group="g"),
    Derived("on_mobile", equals("channel", "mobile"), group="g"),
    Derived("no_device", column_is_null("device_id"), group="g"),
)


def feature_set(size: int) -> FeatureSet:
    return compile_set(FeatureSettings(product="payment"), PLATFORM, views(size), DERIVED, {})


def check_row(chosen: FeatureSet, events: list[Event], request: Event, row: dict[str, object]) -> None:
    """A snapshot row against the oracle."""
    answers = [naive(view, events, request, PLATFORM) for view in chosen.views]
    for answer in answers:
        for name, expected in answer.values.items():
            assert same_bits(np.array([expected]), np.array([row[name]])), (name, expected, row[name])
    assert row["truncated"] == any(answer.truncated for answer in answers)
    assert row["stale"] == any(answer.stale for answer in answers)


@given(streams(), st.sampled_from([1, 2, 3, 5, 4096]), st.sampled_from([1, 2]))
@settings(max_examples=100)
def test_replay_is_the_law(events: list[Event], size: int, threads: int) -> None:
    chosen = feature_set(size)
    snapshot = build_snapshot(chosen, memory_journal(events), PLATFORM, threads=threads)
    requests = [e for e in events if e.kind == "transaction" and e.body.get("stage") in (None, "authorisation")]
    rows = snapshot.table.to_pylist()
    assert [row["seq"] for row in rows] == [request.seq for request in requests]
    for row, request in zip(rows, requests, strict=True):
        check_row(chosen, events, request, row)


@given(streams(), st.sampled_from([1, 2, 3, 5, 4096]))
@settings(max_examples=60)
def test_online_is_replay_at_every_step(events: list[Event], size: int) -> None:
    chosen = feature_set(size)
    journal = memory_journal(events)
    rows = {row["seq"]: row for row in build_snapshot(chosen, journal, PLATFORM, threads=1).table.to_pylist()}
    state = OnlineState(chosen, PLATFORM)
    for event in events:
        if event.seq in rows:
            check_vector(chosen, state, event, rows[event.seq])
        state.apply(event)
    assert state.seq == len(events)


@given(streams(), st.integers(0, 24), st.sampled_from([1, 3, 4096]))
@settings(max_examples=60)
def test_a_restart_changes_nothing(events: list[Event], at: int, size: int) -> None:
    chosen = feature_set(size)
    rows = {
        row["seq"]: row for row in build_snapshot(chosen, memory_journal(events), PLATFORM, threads=1).table.to_pylist()
    }
    state = OnlineState(chosen, PLATFORM)
    assert state.warm(memory_journal(events[:at])) == min(at, len(events))
    for event in events[at:]:
        if event.seq in rows:
            check_vector(chosen, state, event, rows[event.seq])
        state.apply(event)


def check_vector(chosen: FeatureSet, state: OnlineState, event: Event, row: dict[str, object]) -> None:
    vector = state.vector(event)
    numbers = np.array([np.nan if name in chosen.categorical else row[name] for name in chosen.names], dtype=np.float64)
    assert same_bits(vector.values, numbers)
    assert vector.texts == tuple(row[name] for name in chosen.categorical)
    assert (vector.truncated, vector.stale) == (row["truncated"], row["stale"])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 4096])
def test_dense_streams(size: int) -> None:
    chosen = feature_set(size)
    n_rows = n_flagged = 0
    for seed in range(40):
        events = dense_stream(100 * size + seed)
        rows = {
            row["seq"]: row
            for row in build_snapshot(chosen, memory_journal(events), PLATFORM, threads=1).table.to_pylist()
        }
        state = OnlineState(chosen, PLATFORM)
        for event in events:
            if event.seq in rows:
                check_row(chosen, events, event, rows[event.seq])
                check_vector(chosen, state, event, rows[event.seq])
                n_rows += 1
                n_flagged += rows[event.seq]["stale"] or rows[event.seq]["truncated"]
            state.apply(event)
    # The streams must reach what they are meant to test.
    assert n_rows > 400
    assert n_flagged > 50


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing(threads: int) -> None:
    rng = np.random.default_rng(7)
    times = np.sort(rng.integers(0, 3600, 3000)) * 1_000_000
    amounts = rng.integers(1, 9999, 3000)
    events = [
        Event("transaction", f"e{i}", time, time, {"card_id": f"c{amount % 40}", "amount": amount, "currency": "CNY"})
        for i, (time, amount) in enumerate(zip(times.tolist(), amounts.tolist(), strict=True))
    ]
    journal = memory_journal(events)
    chosen = feature_set(64)
    one = build_snapshot(chosen, journal, PLATFORM, threads=1).table
    many = build_snapshot(chosen, journal, PLATFORM, threads=threads).table
    for name in one.column_names:
        if one[name].type == "double":
            assert same_bits(one[name].to_numpy(), many[name].to_numpy()), name
        else:
            assert one[name].equals(many[name]), name


def test_the_clock_face_is_that_of_the_business_zone() -> None:
    events = dense_stream(77, 30)
    rows = build_snapshot(feature_set(4096), memory_journal(events), PLATFORM).table.to_pylist()
    assert len(rows) > 5
    for row in rows:
        local = from_micros(row["event_time"]).astimezone(ZoneInfo(PLATFORM.time_zone))
        passed = local - local.replace(hour=0, minute=0, second=0, microsecond=0)
        angle = 2.0 * math.pi * (passed / timedelta(days=1))
        assert (row["hour"], row["weekday"]) == (local.hour, local.weekday())
        assert (row["hour_sin"], row["hour_cos"]) == (math.sin(angle), math.cos(angle))
