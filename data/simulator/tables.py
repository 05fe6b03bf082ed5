"""Arrow tables of events, from codes, numbers and instants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.simulator.rows import Array
from stores.schema import event_schema

_ASSIGNED = ("seq", "client")  # by the journal


def words(values: Sequence[str] | pa.Array, codes: Array) -> pa.Array:
    """Text of each code, null where the code is below 0.

    Examples
    --------
    >>> words(("mobile", "voice"), np.array([1, -1])).to_pylist()
    ['voice', None]
    """
    texts = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    return texts.take(pa.array(codes.astype(np.int64), mask=codes < 0))


def flags(codes: Array) -> pa.Array:
    """True for 1, false for 0, null below.

    Examples
    --------
    >>> flags(np.array([1, 0, -1])).to_pylist()
    [True, False, None]
    """
    return pa.array(codes > 0, mask=codes < 0)


def numbers(values: Array) -> pa.Array:
    """Floats with NaN as null."""
    return pa.array(values, mask=np.isnan(values))


def event_ids(prefix: str, n: int) -> pa.Array:
    """Identifiers ``prefix-00000000`` and on.

    Examples
    --------
    >>> event_ids("pay", 2).to_pylist()
    ['pay-00000000', 'pay-00000001']
    """
    return pa.array([f"{prefix}-{number:08d}" for number in range(n)], pa.string())


def suffixed(identifiers: pa.Array, suffix: pa.Array) -> pa.Array:
    """Each identifier with a suffix: ``pay-00000007-refund``."""
    return pc.binary_join_element_wise(identifiers, suffix, "-")


def event_table(kind: str, event_id: pa.Array, event_time: Array, known_at: Array, **columns: pa.Array) -> pa.Table:
    """Events of a kind in order of (known_at, event_time, event_id); columns not given are null.

    Raises
    ------
    KeyError
        When a column is not one of the kind.
    """
    schema = event_schema(kind, {})
    given = {"event_id": event_id, "event_time": event_time, "known_at": known_at, **columns}
    unknown = set(given) - set(schema.names)
    if unknown:
        raise KeyError(f"expected columns of {kind}, got {sorted(unknown)}")
    fields = [field for field in schema if field.name not in _ASSIGNED]
    n = len(event_id)
    arrays = []
    for field in fields:
        column = given.get(field.name)
        if column is None:
            arrays.append(pa.nulls(n, field.type))
        elif isinstance(column, np.ndarray):
            arrays.append(pa.array(column, field.type))
        else:
            arrays.append(column.cast(field.type))
    table = pa.table(arrays, schema=pa.schema(fields))
    return table.sort_by([("known_at", "ascending"), ("event_time", "ascending"), ("event_id", "ascending")])
