"""Columns as the kernel sees them: int64 with one null, made by the same rule for a table and for one event.

Money becomes minor units of the base currency at the rate known when the event became known; texts become
the first 8 bytes of their BLAKE2b hash, so that no dictionary has to be kept; floats need a declared scale.
"""

from __future__ import annotations

import hashlib
import math
import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import DataError, DefinitionError, expected_got
from domain.events import EXTENSION, KINDS, ColumnType, Event
from domain.labels import LabelPolicy, Verdict
from domain.money import FxTable
from features.conditions import Condition
from features.hashing import KeyHasher
from features.kernel.layout import MAX_ABSOLUTE, NULL
from features.zone import NIGHT_ENDS, SECONDS_A_DAY, Zone

Words = npt.NDArray[np.int64]

COMPUTED: dict[str, tuple[ColumnType, str]] = {
    "is_positive": (ColumnType.FLAG, "the outcome's verdict is positive (1) or negative (0); outcomes only"),
    "is_night": (ColumnType.FLAG, f"the local clock stood between midnight and {NIGHT_ENDS}"),
}
"""Columns that no event carries but a view may aggregate."""

_DIGEST = hashlib.blake2b(digest_size=8)
_INT64 = struct.Struct("<q")

CLOCK_SCALE = 10**9
CLOCK_AXES = {"clock_cos": math.cos, "clock_sin": math.sin}
"""The local time of day as a point on a circle, in units of 1 / CLOCK_SCALE; read by aggregates only."""


@dataclass(frozen=True)
class Encoding(ABC):
    """How one column becomes int64. Equal encodings are kept once."""

    column: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The journal columns it reads."""
        return (self.column,)

    @abstractmethod
    def one(self, event: Event) -> int:
        """The value of one event; NULL where it has none."""

    @abstractmethod
    def many(self, table: pa.Table) -> Words:
        """The values of a table's rows."""


@dataclass(frozen=True)
class Whole(Encoding):
    """Integers and times, as they are."""

    def one(self, event: Event) -> int:
        """The integer."""
        value = event.body.get(self.column)
        return NULL if value is None else checked(int(value), self.column)

    def many(self, table: pa.Table) -> Words:
        """The integers."""
        values: Words = table[self.column].fill_null(NULL).to_numpy()
        return all_checked(values, self.column)


@dataclass(frozen=True)
class Flag(Encoding):
    """Flags as 0 and 1."""

    def one(self, event: Event) -> int:
        """0 or 1."""
        value = event.body.get(self.column)
        return NULL if value is None else int(bool(value))

    def many(self, table: pa.Table) -> Words:
        """0 and 1."""
        values: Words = table[self.column].cast(pa.int64()).fill_null(NULL).to_numpy()
        return values


@dataclass(frozen=True)
class Text(Encoding):
    """Keys and categories as a hash of 8 bytes."""

    def one(self, event: Event) -> int:
        """The hash."""
        value = event.body.get(self.column)
        return NULL if value is None else text_code(str(value))

    def many(self, table: pa.Table) -> Words:
        """The hashes."""
        return text_codes(table[self.column])


@dataclass(frozen=True)
class Fixed(Encoding):
    """Floats as multiples of 1 / scale, rounded half to even."""

    scale: int

    def one(self, event: Event) -> int:
        """The multiple."""
        value = event.body.get(self.column)
        return NULL if value is None else checked(round(float(value) * self.scale), self.column)

    def many(self, table: pa.Table) -> Words:
        """The multiples."""
        column = table[self.column].cast(pa.float64())
        scaled = np.rint(column.fill_null(0.0).to_numpy() * np.float64(self.scale))
        if np.abs(scaled).max(initial=0.0) > MAX_ABSOLUTE:
            raise _too_large(self.column)
        values: Words = scaled.astype(np.int64)
        values[column.is_null().to_numpy()] = NULL
        return values


@dataclass(frozen=True)
class Money(Encoding):
    """Minor units of the base currency; money without a currency is null."""

    fx: FxTable = field(compare=False)

    @property
    def needs(self) -> tuple[str, ...]:
        """The amount, its currency and when it became known."""
        return (self.column, "currency", "known_at")

    def one(self, event: Event) -> int:
        """The amount in base."""
        value, currency = event.body.get(self.column), event.body.get("currency")
        if value is None or currency is None:
            return NULL
        if currency == self.fx.base:
            return checked(int(value), self.column)
        return checked(self.fx.to_base(int(value), str(currency), event.known_at), self.column)

    def many(self, table: pa.Table) -> Words:
        """The amounts in base."""
        column, currency = table[self.column], table["currency"]
        values: Words = column.fill_null(NULL).to_numpy().copy()
        values[currency.is_null().to_numpy()] = NULL
        foreign = pc.fill_null(pc.not_equal(currency, self.fx.base), False).to_numpy() & (values != NULL)
        rows = np.flatnonzero(foreign)
        if rows.size:
            codes = currency.take(pa.array(rows)).to_pylist()
            known_at = table["known_at"].to_numpy()[rows].tolist()
            values[rows] = [
                checked(self.fx.to_base(minor, code, at), self.column)
                for minor, code, at in zip(values[rows].tolist(), codes, known_at, strict=True)
            ]
        return all_checked(values, self.column)


@dataclass(frozen=True)
class Positive(Encoding):
    """1 for outcomes with a positive verdict, 0 for a negative one, null for the rest."""

    policy: LabelPolicy = field(compare=False)
    version: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The outcome's code."""
        return ("code",)

    def one(self, event: Event) -> int:
        """1, 0 or null."""
        return _TELLING.get(self.policy.verdicts.get(str(event.body.get("code")), Verdict.UNKNOWN), NULL)

    def many(self, table: pa.Table) -> Words:
        """1, 0 or null."""
        result = np.full(table.num_rows, NULL, dtype=np.int64)
        for found, value in _TELLING.items():
            codes = [code for code, meaning in self.policy.verdicts.items() if meaning is found]
            result[pc.is_in(table["code"], value_set=pa.array(codes, pa.string())).to_numpy()] = value
        return result


_TELLING = {Verdict.POSITIVE: 1, Verdict.NEGATIVE: 0}


@dataclass(frozen=True)
class Night(Encoding):
    """1 when the local clock stood between midnight and six."""

    zone: Zone = field(compare=False)

    @property
    def needs(self) -> tuple[str, ...]:
        """The time of the event."""
        return ("event_time",)

    def one(self, event: Event) -> int:
        """0 or 1."""
        return int(self.zone.hour(event.event_time) < NIGHT_ENDS)

    def many(self, table: pa.Table) -> Words:
        """0 and 1."""
        return (self.zone.hours(table["event_time"].to_numpy()) < NIGHT_ENDS).astype(np.int64)


@dataclass(frozen=True)
class ClockAxis(Encoding):
    """One coordinate of the local time of day on a circle, to the second, as a multiple of 1 / CLOCK_SCALE."""

    zone: Zone = field(compare=False)

    @property
    def needs(self) -> tuple[str, ...]:
        """The time of the event."""
        return ("event_time",)

    def one(self, event: Event) -> int:
        """The coordinate."""
        return _clock_cells(self.column)[self.zone.second(event.event_time)]

    def many(self, table: pa.Table) -> Words:
        """The coordinates."""
        return _clock_face(self.column)[self.zone.seconds(table["event_time"].to_numpy())]


@lru_cache(maxsize=2)
def _clock_face(axis: str) -> Words:
    # A table: NumPy's vectorised cosine may differ from the scalar one in the last bit.
    turn = 2.0 * math.pi / SECONDS_A_DAY
    return np.array([round(CLOCK_AXES[axis](turn * s) * CLOCK_SCALE) for s in range(SECONDS_A_DAY)], dtype=np.int64)


@lru_cache(maxsize=2)
def _clock_cells(axis: str) -> memoryview[int]:
    """The same to take one number from, a fifth of what NumPy asks for it."""
    return _clock_face(axis).data.cast("B").cast("q")


@dataclass(frozen=True)
class Holds(Encoding):
    """1 where a condition holds, else 0; never null."""

    condition: Condition

    @property
    def needs(self) -> tuple[str, ...]:
        """What the condition reads."""
        return self.condition.needs

    def one(self, event: Event) -> int:
        """0 or 1."""
        return int(self.condition.holds(event.body))

    def many(self, table: pa.Table) -> Words:
        """0 and 1."""
        return self.condition.mask(table).astype(np.int64)


@dataclass(frozen=True)
class Masked(Encoding):
    """Another encoding, null where a condition does not hold."""

    inner: Encoding
    condition: Condition

    @property
    def needs(self) -> tuple[str, ...]:
        """What the encoding and the condition read."""
        return tuple(dict.fromkeys([*self.inner.needs, *self.condition.needs]))

    def one(self, event: Event) -> int:
        """The value, or null."""
        return self.inner.one(event) if self.condition.holds(event.body) else NULL

    def many(self, table: pa.Table) -> Words:
        """The values and nulls."""
        return np.where(self.condition.mask(table), self.inner.many(table), NULL)


def type_of(kind: str, column: str, scale: int | None = None) -> ColumnType:
    """Type of a declared, computed or extension column; extensions with a scale are floats, others categories.

    Raises
    ------
    DefinitionError
        When the kind has no such column, or it is protected.
    """
    found = KINDS[kind].get(column)
    if found is not None:
        if found.protected:
            raise DefinitionError(
                f"{kind}.{column}: protected columns never become features; it may be used to validate"
            )
        return found.type
    if EXTENSION.fullmatch(column):
        return ColumnType.NUMBER if scale is not None else ColumnType.CATEGORY
    if column in COMPUTED and (column != "is_positive" or kind == "outcome"):
        return COMPUTED[column][0]
    raise DefinitionError(expected_got(f"a column out of {', '.join(KINDS[kind])}", column, kind))


def encoding_of(
    kind: str,
    column: str | None,
    scale: int | None,
    fx: FxTable,
    zone: Zone,
    policy: LabelPolicy,
    where: Condition | None = None,
) -> Encoding:
    """The encoding of a column for the kernel; of the condition itself where there is no column.

    Raises
    ------
    DefinitionError
        When the column is unknown or protected, or holds floats and no scale was declared, or the condition does
        not fit its column.
    """
    if where is not None:
        check_condition(kind, where)
        if column is None:
            return Holds(where.column, where)
        return Masked(column, encoding_of(kind, column, scale, fx, zone, policy), where)
    if column is None:
        raise DefinitionError(expected_got("a column or a condition", "neither", kind))
    if column in CLOCK_AXES:
        return ClockAxis(column, zone)
    found = type_of(kind, column, scale)
    if (found is ColumnType.NUMBER) != (scale is not None):
        raise DefinitionError(
            expected_got("a scale for a column of floats, and for no other", scale, f"{kind}.{column}")
        )
    if column == "is_positive":
        return Positive(column, policy, policy.version)
    if column == "is_night":
        return Night(column, zone)
    if scale is not None:
        return Fixed(column, scale)
    if found is ColumnType.MONEY:
        return Money(column, fx)
    if found is ColumnType.FLAG:
        return Flag(column)
    return Text(column) if found in (ColumnType.KEY, ColumnType.CATEGORY) else Whole(column)


def check_condition(kind: str, condition: Condition) -> None:
    """Refuse a condition on a column that the kind has not, that is computed, or is of another type.

    Raises
    ------
    DefinitionError
        Naming the column and what it may be.
    """
    # An extension is text unless numbers are asked for; the scale says that they are.
    found = type_of(kind, condition.column, 1 if ColumnType.NUMBER in condition.ACCEPTS else None)
    where = f"{kind}.{condition.column}"
    if condition.column in COMPUTED:
        raise DefinitionError(expected_got("a condition on a column that events carry", "a computed one", where))
    if found not in condition.ACCEPTS:
        is_text = ColumnType.CATEGORY in condition.ACCEPTS
        accepted = "a text" if is_text else " or ".join(kind.value for kind in condition.ACCEPTS)
        raise DefinitionError(expected_got(f"a condition on {accepted}", found.value, where))


# Few enough that the cache's own dictionary is made anew, as it is now and then, in half a millisecond.
@lru_cache(maxsize=2**12)
def text_code(text: str) -> int:
    """A text as int64, never the null.

    Examples
    --------
    >>> text_code("alice") == text_code("alice"), text_code("alice") == text_code("bob")
    (True, False)
    """
    # A copy and a prepared format: 0.5 instead of 0.8 µs for each identifier that is new.
    digest = _DIGEST.copy()
    digest.update(text.encode())
    code: int = _INT64.unpack(digest.digest())[0]
    return code if code != NULL else NULL + 1


def text_codes(column: pa.ChunkedArray) -> Words:
    """Texts of a column as int64."""
    return KeyHasher()(column)


def encode_table(encodings: tuple[Encoding, ...], table: pa.Table) -> Words:
    """All encodings of all rows: int64[n_rows, n_encodings]."""
    result = np.empty((table.num_rows, len(encodings)), dtype=np.int64)
    for index, encoding in enumerate(encodings):
        result[:, index] = encoding.many(table)
    return result


def encode_event(encodings: tuple[Encoding, ...], event: Event) -> Words:
    """All encodings of one event: int64[1, n_encodings]."""
    return np.array([encoding.one(event) for encoding in encodings], dtype=np.int64).reshape(1, -1)


def checked(value: int, column: str) -> int:
    """The value, refused beyond ±2^53.

    Raises
    ------
    DataError
        Rather than let a sum overflow in silence.
    """
    if abs(value) > MAX_ABSOLUTE:
        raise _too_large(column)
    return value


def all_checked(values: Words, column: str) -> Words:
    """The values, refused beyond ±2^53; nulls pass."""
    if ((values > MAX_ABSOLUTE) | ((values < -MAX_ABSOLUTE) & (values != NULL))).any():
        raise _too_large(column)
    return values


def _too_large(column: str) -> DataError:
    return DataError(f"{column}: expected values within ±2^53 (in base currency or after scaling), got a larger one")
