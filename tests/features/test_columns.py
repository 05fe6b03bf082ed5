"""A column is encoded by one rule, for a table and for one event."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DataError, DefinitionError
from domain.events import Event
from domain.labels import FRAUD_POLICY
from features.columns import Encoding, encode_event, encode_table, encoding_of, text_code
from features.conditions import Condition, at_least, is_true, multiple_of, one_of
from features.kernel.layout import NULL
from features.sources import read_columns
from features.zone import Zone
from tests.features.streams import PLATFORM, START, memory_journal, outcomes, streams, transactions

FX = PLATFORM.fx_table()
ZONE = Zone(PLATFORM.time_zone)


def encoding(kind: str, column: str | None, scale: int | None = None, where: Condition | None = None) -> Encoding:
    return encoding_of(kind, column, scale, FX, ZONE, FRAUD_POLICY, where)


TRANSACTION = (
    *(encoding("transaction", column, scale) for column, scale in [
        ("amount", None), ("card_id", None), ("channel", None), ("card_present", None), ("latitude", 1_000_000),
        ("is_night", None), ("x_score", 1000), ("x_segment", None), ("clock_cos", None), ("clock_sin", None),
    ]),
    encoding("transaction", None, where=is_true("card_present")),
    encoding("transaction", None, where=one_of("stage", "refund", or_null=True)),
    encoding("transaction", "amount", where=multiple_of("amount", 1)),
    encoding("transaction", "latitude", 1000, where=at_least("amount", 1)),
)  # fmt: skip
OUTCOME = tuple(encoding("outcome", column) for column in ("is_positive", "code", "subject_time", "is_night", "amount"))


@given(st.lists(transactions(), max_size=8), st.lists(outcomes(), max_size=8))
@settings(max_examples=60)
def test_table_and_event_agree(payments: list[Event], told: list[Event]) -> None:
    for kind, encodings, found in (("transaction", TRANSACTION, payments), ("outcome", OUTCOME, told)):
        events = [Event(e.kind, f"e{i}", e.event_time, e.known_at, e.body) for i, e in enumerate(found)]
        names = sorted({name for one in encodings for name in one.needs} | {"seq"})
        table = read_columns(memory_journal(events), kind, names, 0, 99)
        many = encode_table(encodings, table)
        one = np.concatenate([many[:0], *(encode_event(encodings, event) for event in events)])
        assert np.array_equal(many, one)


@given(streams(max_size=3))
@settings(max_examples=5)
def test_streams_have_numbers(events: list[Event]) -> None:
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def test_money_is_converted_at_the_rate_known_then() -> None:
    day = 86_400_000_000
    table = PLATFORM.model_copy(update={"fx": {"USD": {"2026-01-01": "7", "2026-03-01": "8"}}}).fx_table()
    money = encoding_of("transaction", "amount", None, table, ZONE, FRAUD_POLICY)
    march = 20513 * day
    for known_at, expected in ((march - 1, 700), (march, 800)):
        event = Event("transaction", "e", march - day, known_at, {"amount": 100, "currency": "USD"})
        assert money.one(event) == expected


def test_money_without_a_rate_stops() -> None:
    event = Event("transaction", "e", START, START, {"amount": 100, "currency": "CHF"})
    with pytest.raises(DataError, match="CHF/CNY"):
        encoding("transaction", "amount").one(event)


def test_too_large_stops_for_both() -> None:
    event = Event("transaction", "e", START, START, {"amount": 2**53, "currency": "USD"})
    table = memory_journal([event]).read("transaction")
    for call in (lambda: encode_event(TRANSACTION[:1], event), lambda: encode_table(TRANSACTION[:1], table)):
        with pytest.raises(DataError, match=r"expected .* within ±"):
            call()
    far = Event("transaction", "e", START, START, {"amount": 1, "currency": "CNY", "latitude": 1e300})
    for call in (
        lambda: encoding("transaction", "latitude", 10).one(far),
        lambda: encoding("transaction", "latitude", 10).many(memory_journal([far]).read("transaction")),
    ):
        with pytest.raises(DataError, match=r"latitude: expected values within"):
            call()


def test_money_without_currency_is_null() -> None:
    body = {"subject_event_id": "s", "subject_kind": "transaction", "subject_time": START, "code": "c", "amount": 5}
    event = Event("outcome", "e", START, START, body)
    money = encoding("outcome", "amount")
    assert money.one(event) == NULL
    assert money.many(memory_journal([event]).read("outcome")).tolist() == [NULL]


@given(st.text())
def test_text_is_never_null(text: str) -> None:
    assert -(2**63) < text_code(text) < 2**63


@pytest.mark.parametrize(
    ("kind", "column", "scale", "message"),
    [
        ("application", "sex", None, "protected columns never become features"),
        ("transaction", "colour", None, "expected a column out of"),
        ("transaction", "is_positive", None, "expected a column out of"),
        ("transaction", "latitude", None, "expected a scale for a column of floats"),
        ("transaction", "amount", 100, "expected a scale for a column of floats, and for no other"),
    ],
)
def test_refused(kind: str, column: str, scale: int | None, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        encoding(kind, column, scale)


def test_equal_encodings_are_equal() -> None:
    """So that they are kept once."""
    for column, scale, where in [
        ("amount", None, None), ("clock_cos", None, None), (None, None, is_true("card_present")),
        ("amount", None, at_least("amount", 2)), ("latitude", 1000, one_of("channel", "mobile")),
    ]:  # fmt: skip
        same = [encoding("transaction", column, scale, where) for _ in range(2)]
        assert same[0] == same[1]
    assert encoding("transaction", "clock_cos") != encoding("transaction", "clock_sin")
    large = [encoding("transaction", "amount", where=at_least("amount", bound)) for bound in (2, 3)]
    assert large[0] != large[1]


def test_the_clock_face_turns_with_the_local_clock() -> None:
    cos, sin = encoding("transaction", "clock_cos"), encoding("transaction", "clock_sin")
    day = 86_400_000_000
    # Midnight in Shanghai is 16:00 UTC.
    for quarter, point in enumerate([(10**9, 0), (0, 10**9), (-(10**9), 0), (0, -(10**9))]):
        time = 16 * day // 24 + quarter * day // 4
        event = Event("transaction", "e", time, time, {})
        assert (cos.one(event), sin.one(event)) == point
