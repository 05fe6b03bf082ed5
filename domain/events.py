"""Events: immutable facts of declared kinds with typed columns.

The kinds table below is the one declaration of what an event may carry. Arrow schemas, importers,
the simulator and the HTTP doors are all derived from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from domain.errors import InputError, expected_got
from domain.money import CURRENCY, MAX_MINOR
from domain.time import EARLIEST, LATEST

Value = str | int | float | bool
"""What a column may hold; an absent key is null, and null is never written as a value."""

MAX_TEXT = 128
"""Longest text of a column or identifier; identifiers of people arrive shorter, tokens have 22 characters."""

EXTENSION = re.compile(r"x_[a-z][a-z0-9_]{0,60}")
"""Columns a mapping may add to a kind; numbers or categories, typed at their first use."""


class ColumnType(StrEnum):
    """How a column is stored and checked."""

    KEY = "key"  # identifier of an entity: text
    CATEGORY = "category"  # text out of few values
    MONEY = "money"  # int64 minor units of the row's `currency`
    INTEGER = "integer"  # int64
    NUMBER = "number"  # finite float64
    FLAG = "flag"  # bool
    TIME = "time"  # int64 µs UTC


@dataclass(frozen=True, slots=True)
class Column:
    """One typed column of an event kind.

    ``personal`` keys are tokenised at every door; ``protected`` columns are kept for validation and
    never reach a feature or the service; ``values`` closes a category.
    """

    name: str
    type: ColumnType
    doc: str
    required: bool = False
    personal: bool = False
    protected: bool = False
    values: tuple[str, ...] = ()


def _key(name: str, doc: str, *, personal: bool = True, required: bool = False) -> Column:
    return Column(name, ColumnType.KEY, doc, personal=personal, required=required)


def _category(name: str, doc: str, *values: str, required: bool = False, protected: bool = False) -> Column:
    return Column(name, ColumnType.CATEGORY, doc, required=required, protected=protected, values=values)


def _of(kind: ColumnType, name: str, doc: str, *, required: bool = False, protected: bool = False) -> Column:
    return Column(name, kind, doc, required=required, protected=protected)


CHANNELS = ("cash_agent", "bank_card", "third_party_wallet", "mobile", "digital_currency")
AUTH_METHODS = ("none", "password", "otp", "mfa", "qr", "fingerprint", "face", "iris", "voice")
STAGES = ("authorisation", "capture", "reversal", "refund")
COMPLAINT_CLASSES = ("product", "service", "fraud_dispute", "credit_refusal", "other")

_CUSTOMER = _key("customer_id", "the paying customer")
_CARD = _key("card_id", "card")
_ACCOUNT = _key("account_id", "account debited")
_DEVICE = _key("device_id", "device the request came from")
_IP = _key("ip_id", "network address the request came from")
_PAYEE = _key("payee_id", "account or person paid")
_MERCHANT = _key("merchant_id", "merchant", personal=False)
_TERMINAL = _key("terminal_id", "terminal", personal=False)
_BORROWER = _key("borrower_id", "borrower", required=True)
_MONEY = _of(ColumnType.MONEY, "amount", "minor units of currency", required=True)
_CURRENCY = Column("currency", ColumnType.CATEGORY, "ISO 4217 code", required=True)
_LINK = _of(ColumnType.KEY, "links_to", "event_id this event continues (capture, reversal, refund, step-up)")
_CHANNEL = _category("channel", "payment channel", *CHANNELS)
_REGION = _category("region", "region code")

_COLUMNS: dict[str, tuple[Column, ...]] = {
    "transaction": (
        _CUSTOMER, _CARD, _ACCOUNT, _DEVICE, _IP, _MERCHANT, _TERMINAL, _PAYEE,
        _key("bin_id", "first digits of the card: the issuing range", personal=False),
        _MONEY, _CURRENCY,
        _category("stage", "step in the life of a payment; absent means authorisation", *STAGES),
        _LINK, _CHANNEL,
        _category("auth_method", "how the customer was authenticated", *AUTH_METHODS),
        _category("mcc", "merchant category"),
        _category("country", "country of the payee, ISO 3166 alpha-2"),
        _REGION,
        _of(ColumnType.FLAG, "card_present", "the card or phone touched the terminal"),
        _of(ColumnType.NUMBER, "latitude", "degrees north"),
        _of(ColumnType.NUMBER, "longitude", "degrees east"),
    ),
    "authentication": (
        _CUSTOMER, _CARD, _ACCOUNT, _DEVICE, _IP, _LINK, _CHANNEL,
        Column("method", ColumnType.CATEGORY, "authentication method", required=True, values=AUTH_METHODS),
        _category("result", "what came of it", "passed", "failed", "abandoned", required=True),
        _category("purpose", "what it was for", "login", "payment", "step_up"),
    ),
    "profile_change": (
        _CUSTOMER, _ACCOUNT, _DEVICE, _IP,
        _category("changed", "what was changed", "phone", "email", "address", "password", "device", "payee", "limit",
                  required=True),
        _PAYEE,
    ),
    "application": (
        _BORROWER, _CUSTOMER, _DEVICE, _IP, _MONEY, _CURRENCY, _CHANNEL, _REGION,
        _of(ColumnType.INTEGER, "term_months", "months asked for"),
        _category("product", "loan product"),
        _category("purpose", "declared use of the loan"),
        _of(ColumnType.MONEY, "income_monthly", "declared monthly income"),
        _of(ColumnType.MONEY, "debt_monthly", "declared monthly debt service"),
        _category("employment", "kind of employment"),
        _of(ColumnType.INTEGER, "employed_months", "months with the present employer"),
        _category("education", "highest education"),
        _category("housing", "owner, mortgage, rent, family"),
        _of(ColumnType.INTEGER, "n_dependants", "dependants"),
        _of(ColumnType.INTEGER, "age_years", "age", protected=True),
        _category("sex", "sex", protected=True),
        _category("marital_status", "marital status", protected=True),
    ),
    "loan": (
        _BORROWER, _key("loan_id", "loan", required=True),
        _of(ColumnType.KEY, "application_id", "event_id of the application it was granted on"),
        _MONEY, _CURRENCY,
        _of(ColumnType.INTEGER, "term_months", "months to repay"),
        _of(ColumnType.NUMBER, "rate_annual", "nominal annual rate, 0.18 is 18 %"),
        _category("product", "loan product"), _REGION,
    ),
    "statement": (
        _BORROWER, _key("loan_id", "loan or card account"), _CURRENCY,
        _of(ColumnType.MONEY, "balance", "balance on the statement", required=True),
        _of(ColumnType.MONEY, "credit_limit", "credit limit"),
        _of(ColumnType.MONEY, "minimum_due", "least amount due"),
        _of(ColumnType.INTEGER, "months_past_due", "months past due; 0 current, negative paid ahead"),
    ),
    "instalment": (
        _BORROWER, _key("loan_id", "loan", required=True), _MONEY, _CURRENCY,
        _of(ColumnType.INTEGER, "instalment_number", "1 for the first", required=True),
        _of(ColumnType.INTEGER, "days_past_due", "days past due of the loan on this day"),
    ),
    "repayment": (
        _BORROWER, _key("loan_id", "loan or card account"), _MONEY, _CURRENCY,
        _of(ColumnType.INTEGER, "instalment_number", "instalment it pays"),
        _of(ColumnType.INTEGER, "days_late", "days after the due date; negative is early"),
        _of(ColumnType.MONEY, "shortfall", "amount due less amount paid; 0 when paid in full"),
    ),
    "inquiry": (
        _BORROWER,
        _key("lender_id", "lender who asked", personal=False),
        _category("purpose", "why the lender asked"),
    ),
    "complaint": (
        _CUSTOMER, _key("borrower_id", "borrower"),
        _of(ColumnType.KEY, "subject_event_id", "event complained of"),
        _category("complaint_class", "class of the complaint", *COMPLAINT_CLASSES, required=True),
        _CHANNEL,
    ),
    "outcome": (
        Column("subject_event_id", ColumnType.KEY, "event this outcome is about", required=True),
        _category("subject_kind", "kind of that event", "transaction", "application", required=True),
        _of(ColumnType.TIME, "subject_time", "event_time of that event", required=True),
        _category("code", "what became known; the label policy reads it", required=True),
        _category("source", "who said so: issuer, analyst, customer, collections, import"),
        _CUSTOMER, _CARD, _ACCOUNT, _DEVICE, _IP, _MERCHANT, _TERMINAL, _PAYEE, _key("borrower_id", "borrower"),
        _of(ColumnType.MONEY, "amount", "amount at stake, minor units"),
        Column("currency", ColumnType.CATEGORY, "ISO 4217 code"),
    ),
}  # fmt: skip

KINDS: Mapping[str, Mapping[str, Column]] = MappingProxyType(
    {kind: MappingProxyType({column.name: column for column in columns}) for kind, columns in _COLUMNS.items()}
)
"""kind → column name → column."""

NAMESPACES: Mapping[str, str] = MappingProxyType(
    {
        "customer_id": "person",
        "borrower_id": "person",
        "card_id": "card",
        "account_id": "account",
        # One account pays and is paid: money passing through it must keep one token.
        "payee_id": "account",
        "device_id": "device",
        "ip_id": "ip",
        "loan_id": "loan",
    }
)
"""Personal key column → namespace of its tokens; equal identifiers of one namespace get one token."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact.

    Parameters
    ----------
    kind : a key of ``KINDS``.
    event_id : unique per client; the same id again is the same fact.
    event_time, known_at : µs UTC; when it happened and when we could know of it.
    body : column name → value; absent means null.
    client : who sent it.
    seq : its place in the journal; 0 until the journal assigns one.
    """

    kind: str
    event_id: str
    event_time: int
    known_at: int
    body: Mapping[str, Value] = field(default_factory=dict)
    client: str = "local"
    seq: int = 0

    def numbered(self, seq: int) -> Event:
        """The same fact at its place in the journal."""
        # `dataclasses.replace` takes twice as long.
        return Event(self.kind, self.event_id, self.event_time, self.known_at, self.body, self.client, seq)


def column_type(kind: str, name: str, value: Value | None = None) -> ColumnType:
    """Type of a declared column, or of an extension column by its value.

    Raises
    ------
    InputError
        When the kind is unknown or the column is neither declared nor named ``x_…``.

    Examples
    --------
    >>> column_type("transaction", "amount").value, column_type("transaction", "x_score", 0.5).value
    ('money', 'number')
    """
    columns = KINDS.get(kind)
    if columns is None:
        raise InputError(expected_got(f"a kind out of {', '.join(KINDS)}", kind, "event"))
    if name in columns:
        return columns[name].type
    if EXTENSION.fullmatch(name):
        return ColumnType.CATEGORY if isinstance(value, str) else ColumnType.NUMBER
    raise InputError(expected_got(f"a column of {kind} or an extension named x_…", name, kind))


def check_event(event: Event) -> Event:
    """Return the event when every value fits its declared column.

    Raises
    ------
    InputError
        Naming the kind, the column, what was expected and what came.
    """
    columns = KINDS.get(event.kind)
    if columns is None:
        raise InputError(expected_got(f"a kind out of {', '.join(KINDS)}", event.kind, "event"))
    _check_text(event.event_id, f"{event.kind}.event_id")
    _check_time(event.event_time, f"{event.kind}.event_time")
    _check_time(event.known_at, f"{event.kind}.known_at")
    for name, value in event.body.items():
        where = f"{event.kind}.{name}"
        kind = column_type(event.kind, name, value)
        _CHECKS[kind](value, where)
        column = columns.get(name)
        if column is not None and column.values and value not in column.values:
            raise InputError(expected_got(f"one of {', '.join(column.values)}", value, where))
        if name == "currency" and not CURRENCY.fullmatch(str(value)):
            raise InputError(expected_got("an ISO 4217 code such as CNY", value, where))
    for column in columns.values():
        if column.required and column.name not in event.body:
            raise InputError(expected_got(f"a {column.type.value}", None, f"{event.kind}.{column.name}"))
    if event.kind == "outcome" and event.event_time != event.known_at:
        raise InputError(expected_got("event_time = known_at", event.event_time, "outcome.event_time"))
    return event


def _check_text(value: Value, where: str) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.isprintable():
        raise InputError(expected_got(f"printable text of 1 to {MAX_TEXT} characters", value, where))


def _check_integer(value: Value, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_MINOR:
        raise InputError(expected_got(f"a whole number within ±{MAX_MINOR}", value, where))


def _check_number(value: Value, where: str) -> None:
    # A whole number is held as float64: beyond 2^53 it would not come back as it went in.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_MINOR:
        return
    if not isinstance(value, float) or not math.isfinite(value):
        raise InputError(expected_got("a finite number", value, where))


def _check_flag(value: Value, where: str) -> None:
    if not isinstance(value, bool):
        raise InputError(expected_got("true or false", value, where))


def _check_time(value: Value, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not EARLIEST <= value <= LATEST:
        raise InputError(expected_got("µs since 1970 UTC, between 1901 and 2106", value, where))


_CHECKS = {
    ColumnType.KEY: _check_text,
    ColumnType.CATEGORY: _check_text,
    ColumnType.MONEY: _check_integer,
    ColumnType.INTEGER: _check_integer,
    ColumnType.NUMBER: _check_number,
    ColumnType.FLAG: _check_flag,
    ColumnType.TIME: _check_time,
}
