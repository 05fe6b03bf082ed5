"""Arrow schemas of events, derived from the kinds table."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from domain.errors import InputError, expected_got
from domain.events import EXTENSION, KINDS, ColumnType, column_type

ARROW_TYPES: Mapping[ColumnType, pa.DataType] = {
    ColumnType.KEY: pa.string(),
    ColumnType.CATEGORY: pa.string(),
    ColumnType.MONEY: pa.int64(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.FLAG: pa.bool_(),
    ColumnType.TIME: pa.int64(),
}

HEAD: tuple[tuple[str, pa.DataType], ...] = (
    ("seq", pa.int64()),
    ("client", pa.string()),
    ("event_id", pa.string()),
    ("event_time", pa.int64()),
    ("known_at", pa.int64()),
)
"""Columns that every event has, before those of its kind."""


def event_schema(kind: str, extensions: Mapping[str, ColumnType]) -> pa.Schema:
    """Arrow schema of one kind: head, declared columns, then extensions by name.

    Raises
    ------
    InputError
        When the kind is unknown or an extension is not named ``x_…``.

    Examples
    --------
    >>> event_schema("inquiry", {"x_score": ColumnType.NUMBER}).names
    ['seq', 'client', 'event_id', 'event_time', 'known_at', 'borrower_id', 'lender_id', 'purpose', 'x_score']
    """
    if kind not in KINDS:
        raise InputError(expected_got(f"a kind out of {', '.join(KINDS)}", kind, "event"))
    fields = [pa.field(name, dtype) for name, dtype in HEAD]
    fields += [pa.field(column.name, ARROW_TYPES[column.type]) for column in KINDS[kind].values()]
    for name in sorted(extensions):
        if not EXTENSION.fullmatch(name):
            raise InputError(expected_got("an extension named x_…", name, kind))
        fields.append(pa.field(name, ARROW_TYPES[extensions[name]]))
    return pa.schema(fields)


def extension_type(kind: str, name: str, dtype: pa.DataType) -> ColumnType:
    """Type of an ``x_…`` column by its Arrow type.

    Examples
    --------
    >>> extension_type("inquiry", "x_score", pa.float64()).value
    'number'
    """
    is_text = pa.types.is_string(dtype) or pa.types.is_large_string(dtype) or pa.types.is_dictionary(dtype)
    return column_type(kind, name, "" if is_text else 0.0)
