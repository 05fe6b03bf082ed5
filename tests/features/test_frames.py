"""`features.as_of`: what a notebook computes is what the journal gives; frames that do not fit are told why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import features
from domain.errors import DefinitionError, InputError
from domain.events import Event
from features.aggregates import Count, Max, Mean, SinceLast, Sum
from features.catalogue import compile_set
from features.conditions import verdict
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView
from tests.features.generated import generated_stream
from tests.features.streams import PLATFORM, START, memory_journal

HOUR = 3_600_000_000
CARD = FeatureView(
    entity="card_id", source="transaction", name="card",
    features=[
        Count(over=["1h", "1d"]), Sum("amount", over=["1d"]), Max("amount", over=["1h"]), SinceLast(),
        SinceLast("merchant_id", same_value=True),
    ],
)  # fmt: skip
FRAUD = FeatureView(
    entity="merchant_id", source="outcome", where=verdict("positive"), prefix="fraud", name="fraud",
    features=[Count(over=["7d"]), Mean("amount", over=["7d"])],
)  # fmt: skip
EVENTS = [
    event
    for event in generated_stream(("transaction", "outcome"), 3 * 24 * HOUR, 300, 3)
    if {"card_id", "merchant_id"} <= set(event.body) and (event.kind == "transaction" or "amount" in event.body)
]


def frame_of(events: list[Event], kind: str) -> pd.DataFrame:
    rows = [
        {"event_id": e.event_id, "event_time": e.event_time, "known_at": e.known_at, "seq": e.seq, **e.body}
        for e in events
        if e.kind == kind
    ]
    return pd.DataFrame(rows)


def payments(**columns: object) -> pd.DataFrame:
    times = pd.to_datetime([START, START + HOUR // 2, START + HOUR], unit="us", utc=True)
    plain = {"event_time": times, "card_id": ["a", "a", "b"], "amount": [100, 300, 500], "merchant_id": list("xyx")}
    return pd.DataFrame({**plain, **columns})


def test_frames_give_what_the_journal_gives() -> None:
    journal = memory_journal(EVENTS)
    numbered = [Event(e.kind, e.event_id, e.event_time, e.known_at, e.body, seq=n + 1) for n, e in enumerate(EVENTS)]
    chosen = compile_set(FeatureSettings(product="payment", own=[]), PLATFORM, (CARD, FRAUD), (), {})
    expected = build_snapshot(chosen, journal, PLATFORM).table.to_pandas()
    frame, outcomes = frame_of(numbered, "transaction"), frame_of(numbered, "outcome")
    shuffled = frame.sample(frac=1, random_state=1)
    made = features.as_of(shuffled, [CARD, FRAUD], events={"outcome": outcomes}, platform=PLATFORM)
    assert list(made.index) == list(shuffled.index)
    made = made.sort_index()
    assert len(made) == len(expected) > 50
    assert list(made.columns) == [*CARD.feature_names(), *FRAUD.feature_names(), "truncated", "stale"]
    for name in made.columns:
        assert made[name].to_numpy().tobytes() == expected[name].to_numpy().tobytes(), name
    assert made["fraud_count_7d"].max() > 0


def test_the_order_of_arrival_is_found() -> None:
    late = payments(known_at=pd.to_datetime([START + 2 * HOUR, START + HOUR // 2, START + HOUR], unit="us", utc=True))
    made = features.as_of(late, [CARD])
    assert made["card_count_1h"].tolist() == [0, 0, 0], "the first payment was not known yet at the second"
    assert features.as_of(payments(), [CARD])["card_count_1h"].tolist() == [0, 1, 0]
    tied = payments(event_time=pd.to_datetime([START] * 3, unit="us", utc=True), card_id=["a"] * 3)
    assert features.as_of(tied, [CARD])["card_count_1h"].tolist() == [0, 0, 0], "rows of one instant see none of it"


def test_times_may_be_microseconds_or_in_any_zone() -> None:
    aware = payments()
    local = payments(event_time=aware["event_time"].dt.tz_convert("Asia/Shanghai"))
    whole = payments(event_time=[START, START + HOUR // 2, START + HOUR])
    coarse = payments(event_time=aware["event_time"].dt.as_unit("s"))
    for other in (local, whole, coarse):
        pd.testing.assert_frame_equal(features.as_of(aware, [CARD]), features.as_of(other, [CARD]))


def test_requests_are_read_for_and_never_remembered() -> None:
    asked = pd.DataFrame(
        {"event_time": [START + HOUR // 4, START + HOUR // 2 + 1, START + 40 * HOUR], "card_id": ["a", "a", None]},
        index=["p", "q", "r"],
    )
    with pytest.raises(InputError, match=r"requests\.card_id: expected a key in each of 3 rows, got 'none in 1'"):
        features.as_of(payments(), [CARD], requests=asked)
    found = features.as_of(payments(), [CARD], requests=asked.iloc[:2])
    assert list(found.index) == ["p", "q"]
    assert found["card_count_1h"].tolist() == [1, 2]
    assert found["card_amount_max_1h"].tolist() == [1.0, 3.0]
    assert features.as_of(payments(), [CARD], requests=asked.iloc[:0]).shape == (0, 8)


def test_views_by_name_and_empty_frames() -> None:
    assert features.as_of(payments().iloc[:0], [CARD]).shape == (0, 8)
    everything = frame_of(EVENTS, "transaction").dropna(subset="terminal_id")
    assert "terminal_customer_id_distinct_30d" in features.as_of(everything, ["terminal"])
    with pytest.raises(DefinitionError, match="expected views of transaction out of account, "):
        features.as_of(payments(), ["purse"])
    with pytest.raises(DefinitionError, match="expected one view at least"):
        features.as_of(payments(), [])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"event_time": pd.to_datetime([1, 2, 3])}, "frame.event_time: expected datetimes with a time zone"),
        ({"event_time": ["today"] * 3}, "frame.event_time: expected whole numbers"),
        ({"event_time": pd.to_datetime([None, 2, 3], utc=True)}, "frame.event_time: expected a time in each of 3 rows"),
        ({"card_id": ["a", None, "b"]}, "frame.card_id: expected a key in each of 3 rows, got 'none in 1'"),
        ({"card_id": ["a", np.nan, "b"]}, "frame.card_id: expected a key in each of 3 rows, got 'none in 1'"),
        ({"card_id": [1, 2, 3]}, "frame.card_id: expected text"),
        ({"card_id": ["a", 2, "b"]}, "frame.card_id: expected text"),
        ({"amount": [1.0, 2.5, 3.0]}, "frame.amount: expected whole minor units"),
        ({"event_id": ["1", "2", "1"]}, "frame.event_id: expected ids that occur once, got \"1 again, such as '1'\""),
        ({"seq": [1, 2, 2]}, "as_of: expected positive seqs that occur once"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_told(columns: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as told:
        features.as_of(payments(**columns), [CARD])
    assert str(told.value).startswith(message)


def test_missing_columns_and_frames_are_told() -> None:
    with pytest.raises(InputError, match=r"frame: expected the columns .*got 'none named amount'"):
        features.as_of(payments().drop(columns="amount"), [CARD])
    with pytest.raises(InputError, match=r"events: expected \"?frames of \['outcome'\]"):
        features.as_of(payments(), [FRAUD])
    with pytest.raises(InputError, match="events: expected frames of no other kind"):
        features.as_of(payments(), [CARD], events={"outcome": payments()})
    with pytest.raises(InputError, match="kind: expected a kind out of"):
        features.as_of(payments(), [CARD], kind="wish")


def test_a_foreign_amount_without_a_rate_is_refused() -> None:
    with pytest.raises(Exception, match="USD"):
        features.as_of(payments(currency=["CNY", "USD", "CNY"]), [CARD])


def test_importing_features_is_light() -> None:
    code = "import sys, features; print(sorted({'pandas', 'numba', 'pyarrow'} & set(sys.modules)), features.as_of)"
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert answer.stdout.startswith("[] <function as_of")
    with pytest.raises(AttributeError, match="no attribute 'as_if'"):
        features.as_if  # noqa: B018 - asked for
