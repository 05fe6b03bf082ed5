"""What an event may hold, column by column, and the table of kinds itself."""

from __future__ import annotations

import pytest

from domain.errors import InputError
from domain.events import EXTENSION, KINDS, NAMESPACES, ColumnType, Event, check_event, column_type
from domain.labels import LABEL_POLICIES
from domain.money import MAX_MINOR
from domain.time import EARLIEST, LATEST
from tests.events import example_body

PAYMENT = {"amount": 100, "currency": "CNY"}


def payment(**body: object) -> Event:
    return Event("transaction", "e1", 5, 5, {**PAYMENT, **body})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_every_column_it_declares(kind: str) -> None:
    event = Event(kind, "e1", 5, 5, example_body(kind))
    assert set(event.body) == set(KINDS[kind])
    assert check_event(event) is event


@pytest.mark.parametrize("kind", KINDS)
def test_every_required_column_is_required(kind: str) -> None:
    body = example_body(kind)
    required = [column.name for column in KINDS[kind].values() if column.required]
    assert required or kind in ("profile_change", "authentication"), kind
    for name in required:
        less = {key: value for key, value in body.items() if key != name}
        with pytest.raises(InputError, match=rf"{kind}\.{name}: expected a "):
            check_event(Event(kind, "e1", 5, 5, less))


WRONG = {
    ColumnType.KEY: ["", "x" * 129, "a\nb", "a\x00", "\u202e", 5, None],
    ColumnType.CATEGORY: ["", "x" * 129, "tab\t", 5, None],
    ColumnType.MONEY: [1.5, "5", True, MAX_MINOR + 1, -MAX_MINOR - 1, None],
    ColumnType.INTEGER: [1.0, "5", False, MAX_MINOR + 1, None],
    ColumnType.NUMBER: [float("nan"), float("inf"), "5", True, MAX_MINOR + 1, 10**400, None],
    ColumnType.FLAG: [0, 1, "true", None],
    ColumnType.TIME: [EARLIEST - 1, LATEST + 1, 1.0, "now", None],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_refuses_what_is_not_its_type(kind: str) -> None:
    body = example_body(kind)
    for column in KINDS[kind].values():
        for value in WRONG[column.type]:
            with pytest.raises(InputError, match=rf"{kind}\.{column.name}: expected"):
                check_event(Event(kind, "e1", 5, 5, {**body, column.name: value}))  # type: ignore[dict-item]
        if column.values:
            with pytest.raises(InputError, match="expected one of"):
                check_event(Event(kind, "e1", 5, 5, {**body, column.name: "something else"}))


@pytest.mark.parametrize("event_id", ["", "x" * 129, "a\nb", None, 7])
def test_an_id_is_printable_text(event_id: str) -> None:
    with pytest.raises(InputError, match="event_id"):
        check_event(Event("transaction", event_id, 5, 5, PAYMENT))


@pytest.mark.parametrize("moment", [EARLIEST - 1, LATEST + 1, 1.0, "2026-01-01", None, True])
def test_times_are_microseconds_of_this_century_or_so(moment: int) -> None:
    with pytest.raises(InputError, match="event_time"):
        check_event(Event("transaction", "e1", moment, 5, PAYMENT))
    with pytest.raises(InputError, match="known_at"):
        check_event(Event("transaction", "e1", 5, moment, PAYMENT))


def test_an_outcome_happens_when_it_becomes_known() -> None:
    body = example_body("outcome")
    with pytest.raises(InputError, match="event_time = known_at"):
        check_event(Event("outcome", "o1", 5, 6, body))
    check_event(Event("outcome", "o1", 6, 6, body))


@pytest.mark.parametrize("currency", ["cny", "RMB1", "EURO", "€", "C"])
def test_a_currency_is_a_code(currency: str) -> None:
    with pytest.raises(InputError, match="ISO 4217"):
        check_event(payment(currency=currency))


def test_text_may_be_in_any_language() -> None:
    check_event(payment(mcc="餐饮", customer_id="客户-17"))


def test_extensions_are_numbers_or_categories() -> None:
    check_event(payment(x_score=0.5, x_segment="gold", x_count=3))
    assert column_type("transaction", "x_segment", "gold") is ColumnType.CATEGORY
    assert column_type("transaction", "x_count", 3) is ColumnType.NUMBER
    for wrong in (True, None, float("nan"), "x" * 129):
        with pytest.raises(InputError, match="x_score"):
            check_event(payment(x_score=wrong))
    for name in ("score", "X_score", "x_", "x_1", "x_é", "x_" + "a" * 62):
        with pytest.raises(InputError, match=r"expected a column of transaction or an extension"):
            check_event(payment(**{name: 1.0}))


def test_unknown_kinds_list_the_known_ones() -> None:
    for call in (lambda: check_event(Event("wish", "e1", 5, 5)), lambda: column_type("wish", "amount")):
        with pytest.raises(InputError, match="application"):
            call()


def test_personal_keys_have_a_namespace_and_protected_columns_are_named() -> None:
    personal = {c.name for columns in KINDS.values() for c in columns.values() if c.personal}
    assert personal == set(NAMESPACES)
    # Money that passes through an account keeps one token on both sides.
    assert NAMESPACES["account_id"] == NAMESPACES["payee_id"]
    protected = {c.name for columns in KINDS.values() for c in columns.values() if c.protected}
    assert protected == {"age_years", "sex", "marital_status"}
    assert not any(EXTENSION.fullmatch(name) for columns in KINDS.values() for name in columns)


def test_money_columns_stand_beside_a_currency() -> None:
    for kind, columns in KINDS.items():
        if any(column.type is ColumnType.MONEY for column in columns.values()):
            assert "currency" in columns, kind


def test_label_policies_speak_of_kinds_that_exist() -> None:
    assert {policy.subject_kind for policy in LABEL_POLICIES.values()} <= set(KINDS)


def test_a_numbered_event_is_the_same_fact() -> None:
    event = payment()
    assert event.numbered(7) == Event("transaction", "e1", 5, 5, PAYMENT, seq=7)
    assert event.seq == 0
