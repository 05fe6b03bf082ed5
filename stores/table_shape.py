"""A table of events that arrives as a whole, brought into the schema of its kind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from domain.errors import InputError, expected_got
from domain.events import EXTENSION, ColumnType
from stores.checks import table_faults
from stores.schema import event_schema, extension_type


def shaped_for(kind: str, table: pa.Table, client: str, known: Mapping[str, ColumnType]) -> pa.Table:
    """A table in the schema of its kind, checked column by column; ``seq`` is 0 throughout.

    Parameters
    ----------
    client : owner of the events. known : extension columns that the journal has, with their types.

    Raises
    ------
    InputError
        When it lacks a required column, holds an unknown one, or a value does not fit.
    """
    found = _extensions_of(kind, table, known)
    schema = event_schema(kind, found)
    # An extension that is null throughout has no type yet: there is nothing to keep.
    empty = {n for n in table.column_names if EXTENSION.fullmatch(n)} - found.keys()
    n = table.num_rows
    columns = []
    for wanted in schema:
        if wanted.name == "seq":
            columns.append(pa.array(np.zeros(n, dtype=np.int64)))
        elif wanted.name == "client":
            columns.append(pa.repeat(pa.scalar(client, pa.string()), n))
        elif wanted.name in table.column_names:
            columns.append(_cast(table[wanted.name], wanted, kind))
        else:
            columns.append(pa.nulls(n, wanted.type))
    unknown = sorted(set(table.column_names) - set(schema.names) - empty)
    if unknown:
        raise InputError(expected_got(f"columns of {kind} or extensions named x_…", unknown, kind))
    shaped = pa.table(columns, schema=schema)
    for fault in table_faults(kind, shaped):
        row = int(fault.rows.argmax())
        found = shaped[fault.column][row].as_py()
        where = f"{kind}.{fault.column}, row {row} and {int(fault.rows.sum()) - 1} more of {n}"
        raise InputError(expected_got(fault.expected, found, where))
    return shaped


def _extensions_of(kind: str, table: pa.Table, known: Mapping[str, ColumnType]) -> dict[str, ColumnType]:
    found = {}
    for name in table.column_names:
        if not pa.types.is_null(table[name].type) and EXTENSION.fullmatch(name):
            found[name] = extension_type(kind, name, table[name].type)
        elif name in known:
            found[name] = known[name]
    return found


def _cast(column: pa.ChunkedArray, field: pa.Field, kind: str) -> pa.ChunkedArray:
    where = f"{kind}.{field.name}"
    if not _same_family(column.type, field.type):
        raise InputError(expected_got(f"values of {field.type}", f"values of {column.type}", where))
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(expected_got(f"values of {field.type}", str(error), where)) from error


def _same_family(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Arrow also casts a timestamp in seconds to a count, a number to text, true to 1: errors, not conversions."""
    types = pa.types
    if types.is_dictionary(found):
        found = found.value_type
    if types.is_null(found):
        return True
    if types.is_string(wanted):
        return bool(types.is_string(found) or types.is_large_string(found) or types.is_string_view(found))
    if types.is_boolean(wanted):
        return bool(types.is_boolean(found))
    return bool(types.is_integer(found) or types.is_floating(found))


def in_order(shaped: Mapping[str, pa.Table]) -> pa.Table:
    """One index over all kinds in the order of arrival: known_at, event_time, event_id, code of the kind, its row."""
    index = pa.concat_tables(
        table.select(["known_at", "event_time", "event_id"])
        .append_column("kind", pa.array(np.full(table.num_rows, code, dtype=np.int8)))
        .append_column("row", pa.array(np.arange(table.num_rows, dtype=np.int64)))
        for code, table in enumerate(shaped.values())
    )
    return index.sort_by([(name, "ascending") for name in ("known_at", "event_time", "event_id", "kind", "row")])
