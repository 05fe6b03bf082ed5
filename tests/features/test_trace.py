"""A traced number comes out of exactly the events that are listed, for every view; and what is listed is the law."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from domain.errors import DataError, InputError
from domain.events import Event
from domain.time import HOUR, MINUTE
from features.aggregates import Count, Max, Mean, SinceLast
from features.catalogue import FeatureSet, compile_set, discover
from features.conditions import REQUESTED
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.trace import trace
from features.traced import Number, Trace
from features.view import FeatureView, Ring, Tiled, ring, tiled
from features.visible import REASONS
from tests.features.naive import of_view
from tests.features.streams import PLATFORM, START, dense_stream, memory_journal
from tests.features.test_every_view import IDS, VIEWS, alone, stream

Rows = dict[int, dict[str, Number]]


def rows_of(chosen: FeatureSet, events: list[Event]) -> Rows:
    table = build_snapshot(chosen, memory_journal(events), PLATFORM, threads=1).table
    return {row["seq"]: row for row in table.to_pylist()}


@pytest.mark.parametrize(("product", "view"), VIEWS, ids=IDS)
def test_every_number_of_every_view_is_that_of_its_events(product: str, view: FeatureView) -> None:
    chosen = alone(product, view)
    events = stream(product, view, seed=5)
    rows, journal = rows_of(chosen, events), memory_journal(events)
    wanted = [seq for seq in rows if events[seq - 1].body.get(view.entity) is not None][-40::5]
    n_seen = 0
    for seq in wanted:
        for feature in chosen.names:
            found = trace(chosen, journal, PLATFORM, seq, feature, rows[seq])
            assert found.proven, (seq, found)
            n_seen += found.seen.num_rows
    assert n_seen > 0


def law(view: FeatureView, events: list[Event], request: Event, window: int) -> list[int]:
    """The sentence of the visibility law; ``seq`` of what is seen, oldest first."""
    t, longest, hop, lateness = request.event_time, max(view.windows), view.retain.hop, PLATFORM.max_lateness

    def floored(time: int) -> int:
        return time - time % hop if hop else time

    key = request.body.get(view.entity)
    mine = [e for e in events if e.seq < request.seq and of_view(view, e) and e.body.get(view.entity) == key]
    if not mine:
        return []
    newest = sorted(mine, key=lambda e: (e.event_time, e.seq))[-view.retain.size :]
    last = max(e.event_time for e in mine)
    low, high = floored(t - window), floored(t) if t < floored(last - lateness) else t
    return [e.seq for e in newest if max(floored(last - longest - lateness), low) <= e.event_time < high]


def dense(retain: Ring | Tiled) -> FeatureSet:
    found = [Count(over=["10m", "1h"]), Mean("amount", over=["1h"]), Max("amount", over=["1h"])]
    view = FeatureView(
        entity="card_id", source="transaction", retain=retain, name="card",
        features=found if isinstance(retain, Tiled) else [*found, SinceLast()],
    )  # fmt: skip
    return compile_set(FeatureSettings(product="payment", own=["amount"]), PLATFORM, (view,), (), {})


def test_what_is_seen_is_the_law_and_every_reason_is_told() -> None:
    told: Counter[str] = Counter()
    for retain in (ring(2), ring(5), tiled("10m")):
        chosen = dense(retain)
        (view,) = chosen.views
        for seed in range(30):
            events = dense_stream(seed, 20)
            rows, journal = rows_of(chosen, events), memory_journal(events)
            for seq in list(rows)[::3]:
                for feature, window in (("card_count_10m", 10 * MINUTE), ("card_amount_mean_1h", HOUR)):
                    found = trace(chosen, journal, PLATFORM, seq, feature, rows[seq])
                    assert found.same, (seed, seq, found)
                    assert found.seen["seq"].to_pylist() == law(view, events, events[seq - 1], window)
                    told.update(found.unseen)
                    assert found.events is not None
                    of_card = [e for e in events if e.kind == "transaction" and e.body["card_id"] == found.key]
                    assert sorted(found.events["seq"].to_pylist()) == [e.seq for e in of_card]
    assert set(told) == set(REASONS), told


def paid(name: str, minutes: int, amount: int, **more: str) -> Event:
    at = START + minutes * MINUTE
    keys = dict.fromkeys(("card_id", "customer_id", "account_id", "device_id", "payee_id", "merchant_id"), "c")
    return Event("transaction", name, at, at, {**keys, "amount": amount, "currency": "CNY", **more})


EVENTS = [
    paid("old", -100, 900), paid("first", -50, 1000), paid("refund", -40, 50, stage="refund"), paid("top", -30, 3000),
    paid("last", -1, 500), paid("tie", 0, 70), paid("asked", 0, 100), paid("late", -10, 10_000),
    Event("transaction", "nobody", START, START, {"amount": 1, "currency": "CNY"}),
]  # fmt: skip
ASKED = 7


def traced(feature: str, seq: int = ASKED, logged: dict[str, Number] | None = None) -> Trace:
    return trace(dense(ring(4096)), memory_journal(EVENTS), PLATFORM, seq, feature, logged)


def test_the_events_of_one_number() -> None:
    mean = traced("card_amount_mean_1h")
    assert (mean.value, mean.expected, mean.same) == (15.0, 15.0, True)
    assert mean.seen.select(["event_id", "value", "without"]).to_pylist() == [
        {"event_id": "first", "value": 10.0, "without": 17.5},
        {"event_id": "top", "value": 30.0, "without": 7.5},
        {"event_id": "last", "value": 5.0, "without": 20.0},
    ]
    why = dict(zip(mean.events["event_id"].to_pylist(), mean.events["why"].to_pylist(), strict=True))  # type: ignore[index]
    assert {name: reason for name, reason in why.items() if reason} == {
        "old": "before the window", "refund": "not of the view: another condition", "tie": "same instant",
        "asked": "the request itself", "late": "arrived later",
    }  # fmt: skip
    assert [w for w in traced("card_amount_max_1h").seen["without"].to_pylist() if w != 30.0] == [10.0]
    assert traced("card_count_1h").seen["without"].to_pylist() == [2.0, 2.0, 2.0]
    assert traced("card_since_last").value == 60.0
    assert traced("amount").value == 1.0


def test_a_number_that_was_not_this_one_is_told() -> None:
    found = traced("card_amount_mean_1h", logged={"card_amount_mean_1h": float(np.nextafter(15.0, 16.0))})
    assert (found.same, found.proven) == (False, False)
    assert found.as_dict()["same"] is False


def test_an_absent_entity_has_no_events() -> None:
    found = traced("card_amount_mean_1h", seq=9)
    assert (found.same, found.key, found.seen.num_rows) == (True, None, 0)
    assert math.isnan(found.value)  # type: ignore[arg-type]
    assert found.as_dict()["value"] is None


def test_a_derived_feature_leads_to_its_inputs() -> None:
    derived = [
        trace(chosen, memory_journal(EVENTS), PLATFORM, ASKED, feature.name)
        for view in discover("payment").views
        for chosen in [alone("payment", view)]
        for feature in chosen.features
        if feature.form == "derived"
    ]
    assert all(one.proven for one in derived)
    found = next(one for one in derived if {"own", "aggregate"} <= {part.form for part in one.inputs})
    assert found.proven
    assert found.form == "derived"
    frame = found.frame()
    assert list(frame.columns[:5]) == ["feature", "seq", "event_id", "event_time", "value"]
    assert len(frame[frame["why"].isna()]) == sum(one.seen.num_rows for one in found.inputs) > 0
    assert str(frame["event_time"].dt.tz) == "UTC"
    assert traced("amount").frame().empty


def test_what_cannot_be_traced_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected a feature of the set such as card_count_1h\b.*got 'card_cuont_1h'"):
        traced("card_cuont_1h")
    with pytest.raises(InputError, match=r"a feature of the set \(`assay features list` names them\), got 'nonsense'"):
        traced("nonsense")
    with pytest.raises(DataError, match="expected a transaction that asks for a decision"):
        traced("amount", seq=3)
    with pytest.raises(DataError, match="a seq of the journal"):
        traced("amount", seq=99)
    assert REQUESTED.holds(EVENTS[0].body)
