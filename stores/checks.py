"""The rules of ``domain.events.check_event`` over whole columns: every door accepts the same events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from domain.events import KINDS, MAX_TEXT, ColumnType
from domain.money import CURRENCY, MAX_MINOR
from domain.time import EARLIEST, LATEST

Mask = npt.NDArray[np.bool_]
"""One flag per row."""

_HEAD = {"event_id": ColumnType.KEY, "event_time": ColumnType.TIME, "known_at": ColumnType.TIME}
_TEXT = (ColumnType.KEY, ColumnType.CATEGORY)


@dataclass(frozen=True, slots=True)
class Fault:
    """Rows of one column that an event may not hold.

    Parameters
    ----------
    column : name of the column.
    expected : what every row should hold.
    rows : True where it does not.
    """

    column: str
    expected: str
    rows: Mask


def table_faults(kind: str, table: pa.Table) -> Iterator[Fault]:
    """Everything in a table that ``check_event`` would refuse, column by column.

    Parameters
    ----------
    table : typed by ``stores.schema.event_schema`` (any subset of its columns; null means absent).

    Examples
    --------
    >>> asked = pa.table({"event_id": ["q1", None], "borrower_id": ["b1", "b2"], "purpose": ["x" * 129, "car"]})
    >>> [(fault.column, fault.expected, fault.rows.tolist()) for fault in table_faults("inquiry", asked)]
    [('event_id', 'a key', [False, True]),
     ('purpose', 'printable text of 1 to 128 characters', [True, False])]
    """
    columns = KINDS[kind]
    for name in table.column_names:
        if name in ("seq", "client"):
            continue
        values = table[name]
        declared = columns.get(name)
        found = _HEAD.get(name) or (declared.type if declared is not None else _type_of(values.type))
        if values.null_count and (name in _HEAD or (declared is not None and declared.required)):
            yield Fault(name, f"a {found.value}", mask(pc.is_null(values)))
        yield from _value_faults(name, values, found)
        if declared is not None and declared.values:
            yield from _closed(name, values, declared.values)
        if name == "currency":
            yield from _some(name, "an ISO 4217 code such as CNY", each_distinct(values, CURRENCY.fullmatch))
    if kind == "outcome" and {"event_time", "known_at"} <= set(table.column_names):
        apart = pc.not_equal(table["event_time"], table["known_at"])
        yield from _some("event_time", "event_time = known_at", mask(apart))


def mask(flags: pa.Array | pa.ChunkedArray) -> Mask:
    """A NumPy mask of an Arrow one; null is False."""
    return np.asarray(flags if flags.null_count == 0 else pc.fill_null(flags, fill_value=False))


def each_distinct(values: pa.ChunkedArray, fits: Callable[[str], object]) -> Mask:
    """True where a value does not fit; asked once per distinct value, null fits."""
    distinct = pc.unique(values)
    wrong = [value for value in distinct.to_pylist() if value is not None and not fits(value)]
    return mask(pc.is_in(values, value_set=pa.array(wrong, distinct.type)))


def _value_faults(name: str, values: pa.ChunkedArray, found: ColumnType) -> Iterator[Fault]:
    if found in _TEXT:
        yield from _some(name, f"printable text of 1 to {MAX_TEXT} characters", _wrong_text(values))
    elif found in (ColumnType.MONEY, ColumnType.INTEGER):
        outside = pc.or_(pc.greater(values, MAX_MINOR), pc.less(values, -MAX_MINOR))
        yield from _some(name, f"a whole number within ±{MAX_MINOR}", mask(outside))
    elif found is ColumnType.TIME:
        outside = pc.or_(pc.greater(values, LATEST), pc.less(values, EARLIEST))
        yield from _some(name, "µs since 1970 UTC, between 1901 and 2106", mask(outside))
    elif found is ColumnType.NUMBER:
        yield from _some(name, "a finite number", mask(pc.invert(pc.is_finite(values))))


def _wrong_text(values: pa.ChunkedArray) -> Mask:
    length = pc.binary_length(values)
    fine = pc.and_(pc.ascii_is_printable(values), pc.and_(pc.greater(length, 0), pc.less_equal(length, MAX_TEXT)))
    wrong = mask(pc.invert(fine))
    if wrong.any():
        # Arrow's Unicode tables are not Python's: what is not plain ASCII is asked of Python, value by value.
        places = np.flatnonzero(wrong)
        texts = values.take(pa.array(places)).to_pylist()
        wrong[places] = [not (0 < len(text) <= MAX_TEXT and text.isprintable()) for text in texts]
    return wrong


def _closed(name: str, values: pa.ChunkedArray, allowed: tuple[str, ...]) -> Iterator[Fault]:
    outside = pc.invert(pc.is_in(values, value_set=pa.array(allowed, values.type)))
    yield from _some(name, f"one of {', '.join(allowed)}", mask(pc.and_(pc.is_valid(values), outside)))


def _some(name: str, expected: str, rows: Mask) -> Iterator[Fault]:
    if rows.any():
        yield Fault(name, expected, rows)


def _type_of(dtype: pa.DataType) -> ColumnType:
    return ColumnType.CATEGORY if pa.types.is_string(dtype) else ColumnType.NUMBER
