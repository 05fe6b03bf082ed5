"""Where a value or an instant comes from: a column of the file, a constant, or a text made of columns."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from data.importer.scalars import Scalar, canonical
from data.importer.templates import Text
from domain.errors import InputError
from domain.settings import Settings
from domain.time import Duration, format_duration, parse_instant, zone_of

EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
"""Formats of times that are counts → µs per unit."""


def _zone(name: str | None) -> str | None:
    if name is not None:
        try:
            zone_of(name)
        except InputError as error:
            raise ValueError(str(error)) from error
    return name


Zone = Annotated[str | None, BeforeValidator(_zone)]
OneOrMore = BeforeValidator(lambda value: value if isinstance(value, list | tuple) else [value])
Keyed = BeforeValidator(lambda given: {canonical(k): v for k, v in given.items()} if isinstance(given, dict) else given)
"""Keys of a value map, as the text their values have in a file: 1 and "1" are one key."""


class Filter(Settings):
    """Rows that give this event: the column is one of ``equals``, or has (no) value."""

    column: str
    equals: Annotated[tuple[Scalar, ...], OneOrMore] | None = None
    empty: bool | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if (self.equals is None) == (self.empty is None):
            raise ValueError("expected either `equals: value` or `empty: true|false`")
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """The values of ``equals`` as the texts they have in a file."""
        return tuple(canonical(value) or "" for value in self.equals or ())


class TimeSource(Settings):
    """Where an instant comes from: a column or a constant, plus steps × unit, plus a fixed time."""

    column: str | None = None
    constant: str | None = None
    format: str = "iso"
    zone: Zone = None
    ambiguous: Literal["reject", "earlier", "later"] = "reject"
    step: str | None = None
    unit: Duration | None = None
    plus: Duration | None = None
    static: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("expected one of `column` and `constant`")
        if (self.step is None) != (self.unit is None):
            raise ValueError("expected `step: column` together with `unit: 1d`")
        if self.static and (self.constant is None or self.step is not None):
            raise ValueError("`static: true` says that all rows share one instant: it needs a constant and no step")
        if self.format != "iso" and self.format not in EPOCHS and "%" not in self.format:
            raise ValueError(f"expected format iso, {', '.join(EPOCHS)} or a pattern such as %d/%m/%Y %H:%M")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the file that it reads."""
        return tuple(name for name in (self.column, self.step) if name is not None)

    def instant(self, zone: str | None) -> int:
        """The constant, in µs UTC."""
        return parse_instant(self.constant or "", self.zone or zone)


class ValueSource(Settings):
    """Where a value comes from, and what may become of it on the way.

    ``unit`` is for money: ``decimal`` reads 57.16 as 5716 minor units, ``minor`` takes whole numbers as
    they are. ``type`` is for columns of your own (``x_…``). ``at_least`` and ``at_most`` are in the
    units of the file.
    """

    column: str | None = None
    constant: Scalar | None = None
    template: str | None = None
    map: Annotated[dict[str | None, Scalar | None], Keyed] | None = None
    otherwise: Scalar | None = None
    unit: Literal["decimal", "minor"] | None = None
    round: bool = False
    type: Literal["number", "category"] | None = None
    at_least: int | float | None = None
    at_most: int | float | None = None
    nulls: Annotated[tuple[Scalar, ...], OneOrMore] = ()

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(given is not None for given in (self.column, self.constant, self.template)) != 1:
            raise ValueError("expected one of `column`, `constant` and `template`")
        if self.column is None and (self.map is not None or self.nulls):
            raise ValueError("`map` and `nulls` need a `column`")
        if self.otherwise is not None and self.map is None:
            raise ValueError("`otherwise` needs a `map`")
        if self.template is not None:
            Text.parse(self.template)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the file that it reads."""
        if self.template is not None:
            return Text.parse(self.template).columns
        return () if self.column is None else (self.column,)


Value = Annotated[ValueSource, BeforeValidator(lambda given: {"column": given} if isinstance(given, str) else given)]
Time = Annotated[TimeSource, BeforeValidator(lambda given: {"column": given} if isinstance(given, str) else given)]


def described(spec: TimeSource) -> str:
    """How an instant is found, for records: the order of arrival rests on it.

    Examples
    --------
    >>> described(TimeSource(column="SENT", plus="1d"))
    'column SENT + 1d'
    """
    text = f"column {spec.column}" if spec.column is not None else f"constant {spec.constant}"
    if spec.step is not None and spec.unit is not None:
        text += f" + column {spec.step} × {format_duration(spec.unit)}"
    return text if spec.plus is None else f"{text} + {format_duration(spec.plus)}"
