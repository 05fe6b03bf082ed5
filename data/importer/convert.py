"""Values of a file as values of a column: typed, exact, with the rows that do not fit.

A bad value becomes null here and a reason against its row; whether null is allowed is judged later,
by the same rules as at every other door (``stores.checks``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.importer.columns import Columns
from data.importer.origins import ValueSource
from data.importer.scalars import Scalar, canonical
from domain.errors import DefinitionError, expected_got
from domain.events import ColumnType
from domain.money import MAX_MINOR
from stores.checks import Mask, mask
from stores.schema import ARROW_TYPES

Places = npt.NDArray[np.int64]
"""Decimals of the currency of each row."""

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
_WHOLE = (ColumnType.INTEGER, ColumnType.MONEY)


@dataclass(slots=True)
class Converted:
    """One column of one event template.

    Parameters
    ----------
    values : typed; null where there is no value or a bad one.
    wrong : what was expected → rows that hold something else.
    """

    values: pa.Array
    wrong: dict[str, Mask] = field(default_factory=dict)

    def faults(self) -> Iterator[tuple[str, Mask]]:
        """Reasons that hold against any row at all."""
        yield from ((expected, rows) for expected, rows in self.wrong.items() if rows.any())


def converted(spec: ValueSource, kind: ColumnType, columns: Columns, places: Places | None = None) -> Converted:
    """The column that a source gives; not for times and templates.

    Parameters
    ----------
    places : decimals of each row's currency, for money.

    Raises
    ------
    DefinitionError
        When a constant amount does not fit its currency.
    """
    if spec.constant is not None:
        return Converted(_constant(spec.constant, spec, kind, columns.n_rows, places))
    assert spec.column is not None  # noqa: S101 - the settings allow one origin
    if spec.map is not None:
        found = _mapped(spec, kind, columns)
    elif kind in (ColumnType.KEY, ColumnType.CATEGORY):
        found = Converted(columns.text(spec.column))
    elif kind is ColumnType.FLAG:
        found = _flags(spec.column, columns)
    elif kind is ColumnType.NUMBER:
        found = number_column(spec.column, columns)
    else:
        decimals = places if kind is ColumnType.MONEY and spec.unit == "decimal" else None
        found = _wholes(spec, kind, columns, decimals)
    if not columns.is_number(spec.column):
        found.wrong["text in the declared encoding"] = columns.undecodable(spec.column)
    if spec.nulls:
        absent = columns.one_of(spec.column, tuple(canonical(value) or "" for value in spec.nulls))
        found.values = pc.if_else(pa.array(~absent), found.values, pa.scalar(None, found.values.type))
        found.wrong = {expected: rows & ~absent for expected, rows in found.wrong.items()}
    _check_limits(spec, kind, found, places)
    return found


def _constant(value: Scalar, spec: ValueSource, kind: ColumnType, n_rows: int, places: Places | None) -> pa.Array:
    dtype = ARROW_TYPES[kind]
    if kind is not ColumnType.MONEY:
        typed = canonical(value) if pa.types.is_string(dtype) else value
        return pa.repeat(pa.scalar(typed, dtype), n_rows)
    if spec.unit != "decimal" or places is None:
        places = np.zeros(n_rows, dtype=np.int64)
    counts = np.zeros(n_rows, dtype=np.int64)
    for place in np.unique(places).tolist():
        try:
            count = Fraction(str(value)) * 10**place
        except ValueError as error:
            raise DefinitionError(expected_got("an amount", value, "constant")) from error
        if count.denominator != 1 or abs(count) > MAX_MINOR:
            raise DefinitionError(expected_got(f"an amount with at most {place} decimals", value, "constant"))
        counts[places == place] = int(count)
    return pa.array(counts, dtype)


def _mapped(spec: ValueSource, kind: ColumnType, columns: Columns) -> Converted:
    assert spec.map is not None  # noqa: S101 - asked for maps only
    assert spec.column is not None  # noqa: S101
    dtype = ARROW_TYPES[kind]
    encoded = columns.text(spec.column).dictionary_encode()
    keys = encoded.dictionary.to_pylist()
    known = np.array([key in spec.map or spec.otherwise is not None for key in [*keys, None]], dtype=bool)
    known[-1] = True
    results = [_typed(spec.map.get(key, spec.otherwise), dtype) for key in keys]
    # Null has a place of its own after the last key.
    results.append(_typed(spec.map.get(None), dtype))
    places = pc.fill_null(encoded.indices, len(keys)).to_numpy()
    listed = ", ".join(key if key is not None else "null" for key in spec.map)
    return Converted(pa.array(results, dtype).take(pa.array(places)), {f"one of {listed}": ~known[places]})


def _typed(value: Scalar | None, dtype: pa.DataType) -> Scalar | None:
    if value is None or pa.types.is_boolean(dtype):
        return value
    if pa.types.is_string(dtype):
        return canonical(value)
    return int(value) if pa.types.is_integer(dtype) else float(value)


def _flags(name: str, columns: Columns) -> Converted:
    lower = pc.ascii_lower(columns.text(name))
    true = pc.is_in(lower, value_set=pa.array(["true", "1"]))
    false = pc.is_in(lower, value_set=pa.array(["false", "0"]))
    known = pc.or_(true, false)
    wrong = mask(pc.and_(pc.is_valid(lower), pc.invert(known)))
    return Converted(pc.if_else(known, true, pa.scalar(None, pa.bool_())), {"true, false, 1 or 0": wrong})


def number_column(name: str, columns: Columns) -> Converted:
    """A column of the file as finite float64."""
    if columns.is_number(name):
        values = columns.raw(name).cast(pa.float64(), safe=False)
        present = mask(pc.is_valid(values))
    else:
        numeral = columns.numeral(name)
        present = mask(pc.is_valid(numeral))
        values = _numerals(numeral).cast(pa.float64())
    finite = pc.is_finite(values)
    values = pc.if_else(finite, values, pa.scalar(None, pa.float64()))
    return Converted(values, {"a finite number": present & ~mask(finite)})


def _numerals(texts: pa.Array) -> pa.Array:
    """The texts that are decimal numbers; null instead of the others."""
    return pc.if_else(pc.match_substring_regex(texts, _NUMBER), texts, pa.scalar(None, pa.string()))


def _wholes(spec: ValueSource, kind: ColumnType, columns: Columns, places: Places | None) -> Converted:
    """Whole numbers, or amounts scaled by the decimals of their currency; exactly, or not at all."""
    assert spec.column is not None  # noqa: S101 - asked for columns only
    distinct = [0] if places is None else np.unique(places).tolist()
    scale = _scaled_numbers if columns.is_number(spec.column) else _scaled_texts
    values = pa.nulls(columns.n_rows, pa.int64())
    for place in distinct:
        here = np.ones(columns.n_rows, dtype=bool) if places is None else places == place
        scaled = scale(spec.column, columns, place)
        values = scaled if len(distinct) == 1 else pc.if_else(pa.array(here), scaled, values)
    numbers = number_column(spec.column, columns)
    inexact = mask(pc.and_(pc.is_valid(numbers.values), pc.is_null(values)))
    if spec.round and inexact.any():
        values = _rounded(values, inexact, columns.numeral(spec.column), places)
        inexact &= mask(pc.is_null(values))
    noun = "an amount with no more decimals than its currency has" if kind is ColumnType.MONEY else "a whole number"
    return Converted(values, {**numbers.wrong, f"{noun}, within ±{MAX_MINOR}": inexact})


def _scaled_numbers(name: str, columns: Columns, place: int) -> pa.Array:
    raw = columns.raw(name)
    present = mask(pc.is_valid(raw))
    given = pc.fill_null(raw, 0).to_numpy(zero_copy_only=False)
    if pa.types.is_integer(raw.type):
        bound = MAX_MINOR // 10**place
        fits = present & (given <= bound) & (given >= -bound)
        scaled = np.where(fits, given, 0).astype(np.int64) * 10**place
    else:
        # An amount of n decimals is the float nearest to it, and dividing the count by 10^n gives that float
        # back: so 57.16 is 5716 although 57.16 × 100 is not.
        with np.errstate(over="ignore", invalid="ignore"):
            counts = np.rint(given.astype(np.float64) * 10**place)
            fits = present & (np.abs(counts) <= MAX_MINOR) & (counts / 10**place == given)
        scaled = np.where(fits, counts, 0).astype(np.int64)
    return pa.array(scaled, mask=~fits)


def _scaled_texts(name: str, columns: Columns, place: int) -> pa.Array:
    pattern = rf"^(?P<sign>[+-]?)(?P<whole>[0-9]{{0,16}})(?:\.(?P<part>[0-9]{{0,{place}}})0*)?$"
    parts = pc.extract_regex(_numerals(columns.numeral(name)), pattern)
    sign, whole, part = (pc.struct_field(parts, index) for index in range(3))
    digits = pc.binary_join_element_wise("0", whole, pc.utf8_rpad(part, place, "0"), "")
    # 16 digits and 3 decimals at most: it fits int64.
    counts = digits.cast(pa.int64())
    counts = pc.if_else(pc.equal(sign, "-"), pc.negate(counts), counts)
    within = pc.less_equal(pc.abs(counts), MAX_MINOR)
    return pc.if_else(within, counts, pa.scalar(None, pa.int64()))


def _rounded(values: pa.Array, rows: Mask, numerals: pa.Array, places: Places | None) -> pa.Array:
    """Amounts of too many decimals, half to even; asked for by `round: true`, so few rows and slow is fine."""
    filled = values.to_pylist()
    with localcontext() as context:
        context.prec = 400
        for row in np.flatnonzero(rows).tolist():
            amount = Decimal(numerals[row].as_py())
            place = 0 if places is None else int(places[row])
            if amount.adjusted() < len(str(MAX_MINOR)):
                count = int(amount.scaleb(place).to_integral_value(rounding=ROUND_HALF_EVEN))
                filled[row] = count if abs(count) <= MAX_MINOR else None
    return pa.array(filled, pa.int64())


def _check_limits(spec: ValueSource, kind: ColumnType, found: Converted, places: Places | None) -> None:
    if spec.at_least is None and spec.at_most is None:
        return
    counts = found.values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if kind is not ColumnType.MONEY or spec.unit != "decimal" or places is None:
        places = np.zeros(len(counts), dtype=np.int64)
    if spec.at_least is not None:
        found.wrong[f"at least {spec.at_least}"] = counts < _amount(spec.at_least, places)
    if spec.at_most is not None:
        found.wrong[f"at most {spec.at_most}"] = counts > _amount(spec.at_most, places)


def _amount(limit: float, places: Places) -> npt.NDArray[np.float64]:
    """A limit in minor units; by way of decimals, because 0.07 × 100 is more than 7."""
    return np.array([float(Decimal(str(limit)).scaleb(place)) for place in range(4)])[places]
