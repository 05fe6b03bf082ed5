"""Parquet segments of the journal, read piece by piece by processes that have no connection to its database."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from domain.errors import DataError


def n_groups(path: Path) -> int:
    """Number of row groups of a segment.

    Raises
    ------
    DataError
        When the file is gone or damaged.
    """
    try:
        return int(pq.read_metadata(path).num_row_groups)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: expected a journal segment, got {error}; restore it from a backup") from error


def read_group(path: str | Path, group: int, wanted: pa.Schema, after: int, upto: int) -> pa.Table:
    """Events of one row group with ``after < seq <= upto``; an extension that was not yet known then is null.

    Raises
    ------
    DataError
        When the file is gone or damaged: every page is checked.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            present = set(file.schema_arrow.names)
            names = [name for name in dict.fromkeys([*wanted.names, "seq"]) if name in present]
            table = file.read_row_group(group, columns=names)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: expected a journal segment, got {error}; restore it from a backup") from error
    table = table.filter(pc.and_(pc.greater(table["seq"], after), pc.less_equal(table["seq"], upto)))
    arrays = [table[f.name] if f.name in present else pa.nulls(table.num_rows, f.type) for f in wanted]
    return pa.table(arrays, schema=wanted)
