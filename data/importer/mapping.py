"""The mapping: what each column of a file means, as settings; ``data/mappings/template.yaml`` explains every field.

``source`` says how to read the file; ``events`` are templates, one per event that a row gives, which
``for_each`` unfolds over months, say; ``label`` names the column that says what became of the row, and
when that was known.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from data.importer.origins import Filter, Keyed, OneOrMore, Time, Value, ValueSource, Zone
from data.importer.scalars import check_constant
from data.importer.templates import Text
from data.importer.unfold import unfolded
from domain.errors import InputError, expected_got
from domain.events import EXTENSION, KINDS, NAMESPACES, ColumnType
from domain.labels import CREDIT_POLICY, FRAUD_POLICY
from domain.settings import Settings
from domain.time import Duration

SUBJECT_POLICIES = {policy.subject_kind: policy for policy in (FRAUD_POLICY, CREDIT_POLICY)}


class Source(Settings):
    """How to read the file. ``nulls`` are the texts that mean "no value"; ``quote: null`` says that none are used."""

    format: Literal["csv", "parquet"]
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str | None = Field(default='"', min_length=1, max_length=1)
    encoding: str = "utf-8"
    decimal_point: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'"] | None = None
    nulls: tuple[str, ...] = ("",)
    nan: Literal["bad", "null"] = "bad"

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            return codecs.lookup(name).name
        except LookupError:
            raise ValueError(f"expected an encoding such as utf-8, gb18030, latin-1, got {name!r}") from None

    @model_validator(mode="after")
    def _distinct_marks(self) -> Self:
        if self.thousands == self.decimal_point:
            raise ValueError("expected a decimal point and a thousands separator that differ")
        return self


class EventTemplate(Settings):
    """One event per row. ``event_id`` is a text with ``{column}``s and ``{row}``, the number of the row from 1."""

    kind: str
    event_id: str
    event_time: Time
    known_at: Time | None = None
    columns: dict[str, Value] = Field(default_factory=dict)
    times: dict[str, Time] = Field(default_factory=dict)
    when: Annotated[tuple[Filter, ...], OneOrMore] = ()

    @field_validator("event_id")
    @classmethod
    def _tells_rows_apart(cls, text: str) -> str:
        if not Text.parse(text).parts:
            raise ValueError(expected_got("a text with {row} or the {column} that names the row", text, "event_id"))
        return text

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind not in KINDS:
            raise ValueError(expected_got(f"a kind out of {', '.join(KINDS)}", self.kind, "kind"))
        if self.kind == "outcome" and self.known_at is not None:
            raise ValueError("an outcome happens when it becomes known: give event_time only")
        for name, spec in self.columns.items():
            self._check_value(name, spec)
        for name in self.times:
            declared = KINDS[self.kind].get(name)
            if declared is None or declared.type is not ColumnType.TIME:
                raise ValueError(expected_got(f"a time column of {self.kind}", name, "times"))
        for column in KINDS[self.kind].values():
            given = column.name in self.columns or column.name in self.times
            if column.required and not given and column.name != "currency":
                raise ValueError(f"{self.kind}.{column.name}: expected a source for this required column, got none")
        return self

    def _check_value(self, name: str, spec: ValueSource) -> None:
        declared = KINDS[self.kind].get(name)
        where = f"{self.kind}.{name}"
        if declared is None and not EXTENSION.fullmatch(name):
            known = ", ".join(KINDS[self.kind])
            raise ValueError(expected_got(f"a column out of {known}, or one of your own named x_…", name, self.kind))
        if declared is not None and declared.type is ColumnType.TIME:
            raise ValueError(f"{where}: expected it under `times`, got it under `columns`")
        if (declared is None) != (spec.type is not None):
            raise ValueError(f"{where}: `type: number|category` is needed for x_… columns, and for them only")
        kind = self.type_of(name)
        if kind is not ColumnType.MONEY and (spec.unit is not None or spec.round):
            raise ValueError(f"{where}: `unit` and `round` are for money, this is a {kind.value}")
        if kind is ColumnType.MONEY and spec.map is not None:
            raise ValueError(f"{where}: expected an amount from a column or a constant, got a `map`")
        if (spec.at_least, spec.at_most) != (None, None) and kind not in _COUNTED:
            raise ValueError(f"{where}: `at_least` and `at_most` are for numbers, this is a {kind.value}")
        if spec.template is not None and kind not in (ColumnType.KEY, ColumnType.CATEGORY):
            raise ValueError(f"{where}: a `template` makes text, this is a {kind.value}")
        if kind is not ColumnType.MONEY:
            for value in (spec.constant, spec.otherwise, *(spec.map or {}).values()):
                check_constant(value, kind, declared.values if declared is not None else (), where)

    def type_of(self, name: str) -> ColumnType:
        """Type of one of the template's columns."""
        declared = KINDS[self.kind].get(name)
        return declared.type if declared is not None else ColumnType(self.columns[name].type or "category")

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Columns of the file that it reads."""
        named = [*Text.parse(self.event_id).columns, *self.event_time.columns]
        named.extend(self.known_at.columns if self.known_at is not None else ())
        named.extend(name for spec in self.times.values() for name in spec.columns)
        named.extend(name for spec in self.columns.values() for name in spec.columns)
        return tuple(dict.fromkeys([*named, *(test.column for test in self.when)]))


_COUNTED = (ColumnType.MONEY, ColumnType.INTEGER, ColumnType.NUMBER)


class Label(Settings):
    """A column that says what became of the row: it makes one `outcome` per row.

    A value mapped to null says nothing (still open, say): the row stays unlabelled, and is counted.
    When it became known is a column (``known_at``) or a declared ``delay`` after the event.
    """

    column: str
    map: Annotated[dict[str, str | None], Keyed]
    of: Literal["transaction", "application"] | None = None
    delay: Duration | None = None
    known_at: Time | None = None
    suffix: str = Field(default="-label", min_length=1, max_length=40)
    source: str = "import"
    blank: Literal["unlabelled", "reject"] = "unlabelled"

    @model_validator(mode="after")
    def _known_once(self) -> Self:
        if self.delay is None and self.known_at is None:
            raise ValueError("an outcome without known_at needs a declared delay, such as `delay: 30d`")
        if self.delay is not None and self.known_at is not None:
            raise ValueError("expected one of `delay` and `known_at`, got both")
        return self


class ImportMapping(Settings):
    """A whole mapping file.

    ``client`` owns the event ids (the mapping's name unless given), so that the ids of two sources never
    meet. ``leave_out`` names columns that are deliberately not read, with the reason. More than
    ``at_most_rejected`` of the rows rejected means that the mapping is wrong, and nothing is imported.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    about: str = ""
    source: Source
    client: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    zone: Zone = None
    events: Annotated[tuple[EventTemplate, ...], BeforeValidator(unfolded), Field(min_length=1)]
    label: Label | None = None
    leave_out: dict[str, str] = Field(default_factory=dict)
    at_most_rejected: float = Field(default=0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for place, event in enumerate(self.events):
            where = f"events.{place} ({event.kind})"
            currency = KINDS[event.kind].get("currency")
            money = any(event.type_of(name) is ColumnType.MONEY for name in event.columns)
            if currency is not None and (currency.required or money) and self.currency_of(event) is None:
                raise ValueError(f"{where}: expected `currency: CNY` in the mapping, or a column for it")
            for name, spec in event.columns.items():
                if event.type_of(name) is ColumnType.MONEY and spec.unit is None:
                    raise ValueError(f"{where}.{name}: expected `unit: decimal` (57.16) or `unit: minor` (5716)")
            self._check_times(event, where)
        ids = [event.event_id for event in self.events]
        if len(set(ids)) < len(ids):
            raise ValueError(f"expected another event_id in every template, got {', '.join(ids)}")
        used = sorted(set(self.leave_out) & set(self.source_columns))
        if used:
            raise ValueError(f"leave_out: {', '.join(used)} left out and used at once")
        if self.label is not None:
            self._check_label(self.label)
        return self

    def _check_times(self, event: EventTemplate, where: str) -> None:
        for spec in (event.event_time, event.known_at, *event.times.values()):
            if spec is not None and spec.constant is not None:
                try:
                    spec.instant(self.zone)
                except InputError as error:
                    raise ValueError(f"{where}: {error}") from error
        time = event.event_time
        if event.kind in SUBJECT_POLICIES and time.constant is not None and time.step is None and not time.static:
            raise ValueError(
                f"{where}: a constant event_time puts every {event.kind} at one instant, where no fold can go "
                "forward in time; say `static: true` if the file has no time"
            )

    def _check_label(self, label: Label) -> None:
        subjects = [event for event in self.events if event.kind == (label.of or event.kind) in SUBJECT_POLICIES]
        if len(subjects) != 1:
            kinds = ", ".join(event.kind for event in self.events)
            raise ValueError(f"label: expected one template of a transaction or application to be about, got {kinds}")
        policy = SUBJECT_POLICIES[subjects[0].kind]
        unknown = sorted({code for code in label.map.values() if code is not None} - set(policy.verdicts))
        if unknown:
            raise ValueError(expected_got(f"outcome codes out of {', '.join(policy.verdicts)}", unknown, "label.map"))
        mapped = [f"{e.kind}.{name}" for e in self.events for name, s in e.columns.items() if label.column in s.columns]
        if mapped:
            raise ValueError(f"label: {label.column} is the answer; it may not be a column too ({', '.join(mapped)})")

    # ------------------------------------------------------------ what follows

    @property
    def owner(self) -> str:
        """The client that owns the event ids."""
        return self.client or self.name

    @property
    def subject(self) -> EventTemplate | None:
        """The template that the label is about."""
        if self.label is None:
            return None
        kinds = (self.label.of,) if self.label.of else tuple(SUBJECT_POLICIES)
        return next(event for event in self.events if event.kind in kinds)

    @property
    def static(self) -> bool:
        """Whether the subjects have no time of their own: only a random split can divide them."""
        return any(event.event_time.static for event in self.events)

    @property
    def personal(self) -> dict[str, str]:
        """Columns of the file that name a person, card, device…, with the key whose token stands for them."""
        named: dict[str, str] = {}
        for event in self.events:
            for key, spec in event.columns.items():
                if key in NAMESPACES and spec.column is not None and spec.map is None:
                    named.setdefault(spec.column, key)
        return named

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Columns of the file that the mapping reads, in the order of the mapping."""
        named = [name for event in self.events for name in event.source_columns]
        if self.label is not None:
            named.append(self.label.column)
            named.extend(self.label.known_at.columns if self.label.known_at else ())
        return tuple(dict.fromkeys(named))

    @property
    def hash(self) -> str:
        """SHA-256 of everything that decides what is imported."""
        content = self.model_dump(mode="json", exclude={"about", "leave_out"})
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()

    def currency_of(self, event: EventTemplate) -> ValueSource | None:
        """Where the currency of an event comes from, None when it has none."""
        if "currency" in event.columns:
            return event.columns["currency"]
        return None if self.currency is None else ValueSource(constant=self.currency)
