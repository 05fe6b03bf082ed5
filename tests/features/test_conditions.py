"""A condition means the same for a table and for one event, in a view and in an aggregate."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DefinitionError
from domain.events import Event, Value
from features.aggregates import Count, CountWhere, Share, SumWhere
from features.conditions import Condition, at_least, is_true, multiple_of, one_of
from features.sources import read_columns
from features.view import FeatureView
from tests.features.naive_values import holds
from tests.features.streams import memory_journal, transactions

CONDITIONS = [
    one_of("channel", "mobile"),
    one_of("stage", "refund", or_null=True),
    is_true("card_present"),
    at_least("amount", 2.5),
    at_least("amount", Decimal("0.01")),
    at_least("amount", -300),
    at_least("latitude", -0.5),
    at_least("x_score", 0.3),
    multiple_of("amount", 1),
    multiple_of("amount", 100),
]


@given(st.lists(st.tuples(transactions(), st.sampled_from([None, 0.3, 0.1 + 0.2, 0.29])), max_size=8))
@settings(max_examples=60)
def test_table_event_and_oracle_agree(found: list[tuple[Event, float | None]]) -> None:
    events = [
        Event(e.kind, f"e{i}", e.event_time, e.known_at, {**e.body, **({} if x is None else {"x_score": x})})
        for i, (e, x) in enumerate(found)
    ]
    journal = memory_journal(events)
    for condition in CONDITIONS:
        table = read_columns(journal, "transaction", ["seq", *condition.needs], 0, 99)
        one = [condition.holds(event.body) for event in events]
        assert condition.mask(table).tolist() == one
        assert [holds(condition, event.body) for event in events] == one


@pytest.mark.parametrize(
    ("condition", "body", "expected"),
    [
        (at_least("amount", 2.5), {"amount": 250, "currency": "CNY"}, True),
        (at_least("amount", 2.5), {"amount": 249, "currency": "CNY"}, False),
        (at_least("amount", 2.5), {"amount": 2, "currency": "JPY"}, False),
        (at_least("amount", 2.5), {"amount": 3, "currency": "JPY"}, True),
        (at_least("amount", 2.5), {"amount": 2500, "currency": "KWD"}, True),
        (at_least("amount", 2.5), {"amount": 2499, "currency": "KWD"}, False),
        (at_least("amount", 0), {"amount": 5}, False),
        (at_least("days_late", 0), {"days_late": 0}, True),
        (at_least("days_late", 0), {}, False),
        (multiple_of("amount", 100), {"amount": 10_000, "currency": "CNY"}, True),
        (multiple_of("amount", 100), {"amount": -10_000, "currency": "CNY"}, True),
        (multiple_of("amount", 100), {"amount": 0, "currency": "CNY"}, False),
        (multiple_of("amount", 100), {"amount": 10_001, "currency": "CNY"}, False),
        (is_true("card_present"), {}, False),
    ],
)
def test_edges(condition: Condition, body: dict[str, Value], expected: bool) -> None:
    assert condition.holds(body) is expected


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (one_of("amount", "5"), "expected a condition on a text, got 'money'"),
        (is_true("channel"), "expected a condition on flag"),
        (is_true("is_night"), "expected a condition on a column that events carry"),
        (at_least("merchant_id", 3), "expected a condition on money or integer or number"),
        (multiple_of("latitude", 3), "expected a condition on money or integer, got 'number'"),
        (at_least("colour", 3), "expected a column out of"),
    ],
)
def test_refused_wherever_it_stands(condition: Condition, message: str) -> None:
    aggregates = [
        CountWhere(where=condition, called="x", over=["1d"]),
        Share(where=condition, called="x", over=["1d"]),
        SumWhere("amount", where=condition, called="x", over=["1d"]),
    ]
    with pytest.raises(DefinitionError, match=message):
        FeatureView(entity="card_id", source="transaction", where=condition, features=[Count(over=["1d"])])
    for aggregate in aggregates:
        with pytest.raises(DefinitionError, match=message):
            FeatureView(entity="card_id", source="transaction", features=[aggregate])


def test_protected_columns_are_refused() -> None:
    for condition in (at_least("age_years", 60), one_of("sex", "x")):
        aggregate = CountWhere(where=condition, called="x", over=["1d"])
        with pytest.raises(DefinitionError, match="protected"):
            FeatureView(entity="borrower_id", source="application", features=[aggregate])


def test_wrong_numbers_are_refused() -> None:
    for wrong in (math.nan, math.inf):
        with pytest.raises(DefinitionError, match="finite"):
            at_least("amount", wrong)
    for wrong in (0, -1, 2.5, True, 10**10):
        with pytest.raises(DefinitionError, match="whole units"):
            multiple_of("amount", wrong)  # type: ignore[arg-type]


def test_equal_meanings_have_equal_words() -> None:
    assert at_least("amount", 2.5).canonical() == at_least("amount", Decimal("2.50")).canonical()
    words = [str(condition.canonical()) for condition in CONDITIONS]
    assert len(set(words)) == len(words)


def test_a_condition_needs_a_word() -> None:
    for called in ("", "Failed", "1st", "a b"):
        with pytest.raises(DefinitionError, match="called= its word"):
            CountWhere(where=is_true("card_present"), called=called, over=["1d"])
    with pytest.raises(DefinitionError, match="where= a condition"):
        CountWhere(called="failed", over=["1d"])
