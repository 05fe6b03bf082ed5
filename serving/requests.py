"""Requests: strict structs made from the kinds table, and events made from them.

A door accepts exactly the columns of its kind, the extensions that were declared, and nothing else;
what was wrong is told without a value of the request (`refusal`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from domain.errors import DataError, InputError
from domain.events import KINDS, MAX_TEXT, Column, ColumnType, Event, check_event
from domain.money import MAX_MINOR, FxTable
from domain.time import EARLIEST, LATEST, to_micros
from serving.problems import Problem
from serving.shape import Shape, says_each_key_once

if TYPE_CHECKING:
    from serving.people_requests import ComplaintRequest

Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
Instant = Annotated[datetime, Meta(tz=True)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Whole = Annotated[int, Meta(ge=-MAX_MINOR, le=MAX_MINOR)]
Amount = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
Deadline = Annotated[int, Meta(ge=1, le=60_000)]

_TYPES: Mapping[ColumnType, Any] = {
    ColumnType.KEY: Text,
    ColumnType.CATEGORY: Text,
    ColumnType.MONEY: Whole,
    ColumnType.INTEGER: Whole,
    ColumnType.NUMBER: float,
    ColumnType.FLAG: bool,
    ColumnType.TIME: Instant,
}
SUBJECT_KIND = {"payment": "transaction", "loan": "application"}
FACT_KINDS = tuple(kind for kind in KINDS if kind != "outcome")


class OutcomeRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False):
    """What became known about an earlier payment or application."""

    subject_event_id: Text
    code: Text
    event_id: Text | None = None
    subject_client: Text | None = None
    source: Text | None = None
    known_at: Instant | None = None
    amount: Amount | None = None
    currency: Currency | None = None


class Asked(NamedTuple):
    """An event as it came in, identifiers still raw, and the answer's deadline."""

    event: Event
    deadline_ms: int | None


class Reader:
    """Decode bodies into events of declared kinds.

    Parameters
    ----------
    rates : the currency of every amount must be convertible.
    extensions : kind → x_… column → number or category, accepted beside the declared columns.

    Examples
    --------
    >>> reader = Reader(FxTable.of("CNY", {}), {})
    >>> body = b'{"event_id":"p1","event_time":"2026-03-01T08:00:00+08:00","amount":5,"currency":"CNY"}'
    >>> reader.score("payment", body, "shop", 1).event.body
    {'amount': 5, 'currency': 'CNY'}
    """

    def __init__(self, rates: FxTable, extensions: Mapping[str, Mapping[str, ColumnType]]) -> None:
        self._rates = rates
        columns = {kind: _columns(kind, extensions.get(kind, {})) for kind in FACT_KINDS}
        self.scores = {product: _score_struct(product, columns[kind]) for product, kind in SUBJECT_KIND.items()}
        self.facts = {kind: _fact_struct(kind, columns[kind]) for kind in FACT_KINDS}
        self._score_shapes = {
            product: Shape(self.scores[product], columns[kind]) for product, kind in SUBJECT_KIND.items()
        }
        self._fact_shapes = {kind: Shape(struct, columns[kind]) for kind, struct in self.facts.items()}
        self._score_decoders = {
            product: msgspec.json.Decoder(struct, strict=True) for product, struct in self.scores.items()
        }
        kinds: Any = None
        for struct in self.facts.values():
            kinds = struct if kinds is None else kinds | struct
        self._fact_decoder = msgspec.json.Decoder(kinds, strict=True)
        self._outcome_decoder = msgspec.json.Decoder(OutcomeRequest, strict=True)

    def score(self, product: str, body: bytes, client: str, received_at: int) -> Asked:
        """The payment or application to decide on.

        Raises
        ------
        Problem
            400 when the body is no JSON, 422 when it does not fit.
        """
        asked = _struct(self._score_decoders[product], body)
        event = self._event(SUBJECT_KIND[product], self._score_shapes[product], asked, body, client, received_at)
        return Asked(event, asked.deadline_ms)

    def fact(self, body: bytes, client: str, received_at: int) -> Event:
        """An event without a decision; raises as `score` does."""
        fact = _struct(self._fact_decoder, body)
        kind = type(fact).__struct_config__.tag
        return self._event(kind, self._fact_shapes[kind], fact, body, client, received_at)

    def outcome(self, body: bytes, received_at: int) -> OutcomeRequest:
        """An outcome, its subject not yet looked up; raises as `score` does."""
        request: OutcomeRequest = decoded(self._outcome_decoder, body)
        if (request.amount is None) != (request.currency is None):
            raise invalid("outcome: expected amount and currency together, got one of them")
        if request.amount is not None and request.currency is not None:
            known_at = received_at if request.known_at is None else to_micros(request.known_at)
            self._check_money("outcome", request.amount, request.currency, (known_at,))
        return request

    def complaint(self, request: ComplaintRequest, client: str, received_at: int) -> Event:
        """The complaint as an event, identifiers still raw; raises as `score` does."""
        at = received_at if request.event_time is None else to_micros(request.event_time)
        body = {name: getattr(request, name) for name in KINDS["complaint"] if getattr(request, name) is not None}
        return self.checked(Event("complaint", request.event_id, at, received_at, body, client))

    def checked(self, event: Event) -> Event:
        """The event when every value fits its column and its money can be converted; raises 422."""
        try:
            check_event(event)
        except InputError as error:
            # The house form of a message is "where: expected …, got …": what came is the caller's.
            raise invalid(str(error).partition(", got ")[0] + ", got another value") from None
        return self._convertible(event)

    def _convertible(self, event: Event) -> Event:
        currency = event.body.get("currency")
        if currency is not None:
            # A policy converts at the time of the event, a feature at the time it became known.
            amount = int(event.body.get("amount", 0))
            self._check_money(event.kind, amount, str(currency), (event.event_time, event.known_at))
        return event

    def _check_money(self, kind: str, amount: int, currency: str, times: tuple[int, ...]) -> None:
        if currency == self._rates.base:
            return
        try:
            for at in times:
                self._rates.to_base(amount, currency, at)
        except DataError:
            raise invalid(
                f"{kind}.currency: expected {self._rates.base}, or one with a rate to it known by then and "
                "an amount within ±2^53 of its minor units, got another"
            ) from None

    def _event(self, kind: str, shape: Shape, struct: Any, raw: bytes, client: str, received_at: int) -> Event:
        body, n_strings, plain = shape.contents(struct)
        if not says_each_key_once(raw, n_strings):
            _check_keys(raw)
        at = to_micros(struct.event_time)
        if not EARLIEST <= at <= LATEST:
            raise invalid(f"{kind}.event_time: expected a time between 1901 and 2106, got another")
        event = Event(kind, struct.event_id, at, received_at, body, client)
        settled = plain and EARLIEST <= received_at <= LATEST
        return self._convertible(event) if settled else self.checked(event)


def invalid(detail: str) -> Problem:
    """A body that is JSON but not what the door expects."""
    return Problem(422, "invalid_field", detail)


def refusal(error: Exception, body: bytes, wanted: str = "object") -> Problem:
    """Why a body was not decoded, without its content; ``wanted`` is what it should have been."""
    message = str(error)
    if isinstance(error, msgspec.ValidationError):
        unknown = _UNKNOWN.match(message)
        if unknown is not None:
            if unknown[1] in _PROTECTED:
                return Problem(422, "protected_field", f"{unknown[1]}: expected no protected column, got one")
            return Problem(422, "unknown_field", "body: expected only the fields of the OpenAPI document, got another")
        value = _VALUE.match(message)
        if value is not None:
            return invalid(f"body: expected one of the listed values, got another{value[1] or ''}")
        return invalid("body: " + message)
    if _has_bare_number(body):
        return Problem(422, "not_finite", "body: expected finite numbers, got NaN or Infinity")
    return Problem(400, "bad_json", f"body: expected one JSON {wanted} in UTF-8, got something else")


_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_VALUE = re.compile(r"Invalid (?:enum )?value .*?( - at `\$[a-z0-9_.\[\]]*`)?\Z", re.DOTALL)
_PROTECTED = {column.name for columns in KINDS.values() for column in columns.values() if column.protected}


def decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """What a decoder reads in a body, each key once; raises Problem otherwise."""
    struct = _struct(decoder, body)
    _check_keys(body)
    return struct


def _struct(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    # A byte that is no UTF-8 surfaces as UnicodeDecodeError, deep nesting as RecursionError.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refusal(error, body) from None


def _check_keys(body: bytes) -> None:
    """Refuse a body that says a key twice: msgspec takes the last of them. A second look costs 8 µs."""
    try:
        json.loads(body, object_pairs_hook=_no_duplicates)
    except RecursionError as error:
        raise refusal(error, body) from None
    except _DuplicateKeyError:
        raise Problem(422, "duplicate_key", "body: expected each key once, got one twice") from None


class _DuplicateKeyError(ValueError):
    pass


def _no_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _DuplicateKeyError


class _BareNumberError(ValueError):
    pass


def _has_bare_number(body: bytes) -> bool:
    """Whether NaN or Infinity is what keeps the body from being JSON."""

    def found(_: str) -> None:
        raise _BareNumberError

    try:
        json.loads(body, parse_constant=found)
    except _BareNumberError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _columns(kind: str, extensions: Mapping[str, ColumnType]) -> dict[str, Column]:
    declared = {name: column for name, column in KINDS[kind].items() if not column.protected}
    added = {name: Column(name, found, "extension") for name, found in sorted(extensions.items())}
    return declared | added


def _field(column: Column) -> tuple[str, Any] | tuple[str, Any, None]:
    kind = _TYPES[column.type]
    if column.name == "currency":
        kind = Currency
    elif column.name == "amount":
        kind = Amount
    elif column.values:
        kind = Literal[column.values]
    return (column.name, kind) if column.required else (column.name, kind | None, None)


def _score_struct(product: str, columns: Mapping[str, Column]) -> type[msgspec.Struct]:
    fields: list[Any] = [
        ("event_id", Text),
        ("event_time", Instant),
        ("deadline_ms", Deadline | None, None),
        *map(_field, columns.values()),
    ]
    # A decision is asked for at the authorisation; what follows it are facts.
    fields = [("stage", Literal["authorisation"] | None, None) if f[0] == "stage" else f for f in fields]
    name = f"{product.capitalize()}ScoreRequest"
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False)


def _fact_struct(kind: str, columns: Mapping[str, Column]) -> type[msgspec.Struct]:
    fields: list[Any] = [("event_id", Text), ("event_time", Instant), *map(_field, columns.values())]
    return msgspec.defstruct(
        "".join(map(str.capitalize, kind.split("_"))), fields,
        tag_field="kind", tag=kind, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False,
    )  # fmt: skip
