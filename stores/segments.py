"""Parquet segments of the journal: how they are written, and read whole, in batches, or by other processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import DataError
from stores.whole_files import sha256_of, sync, sync_folder


def n_groups(path: Path) -> int:
    """Number of row groups of a segment.

    Raises
    ------
    DataError
        When the file is gone or damaged.
    """
    with _whole(path):
        return int(pq.read_metadata(path).num_row_groups)


def read_group(path: str | Path, group: int, wanted: pa.Schema, after: int, upto: int) -> pa.Table:
    """Events of one row group with ``after < seq <= upto``; an extension that was not yet known then is null.

    Raises
    ------
    DataError
        When the file is gone or damaged: every page is checked.
    """
    with _whole(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        present = set(file.schema_arrow.names)
        names = [name for name in dict.fromkeys([*wanted.names, "seq"]) if name in present]
        table = file.read_row_group(group, columns=names)
    return _with_absent(_between(table, after, upto), wanted, present)


def write_segment(folder: Path, kind: str, table: pa.Table) -> tuple[int, int, str, str]:
    """Write a table in the order of ``seq``; returns its first and last ``seq``, the file's name and SHA-256."""
    seqs = table["seq"]
    first, last = seqs[0].as_py(), seqs[-1].as_py()
    name = f"{kind}-{first:012d}-{last:012d}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f".{name}.staged"
    # With a checksum per page a flipped bit is found by the next reader, not only by `verify`.
    pq.write_table(table, staged, compression="zstd", write_page_checksum=True)
    sync(staged)
    digest = sha256_of(staged)
    staged.replace(folder / name)
    sync_folder(folder)
    return first, last, name, digest


def read_segment(path: Path, wanted: pa.Schema, after: int, last: int) -> pa.Table:
    """Events with ``after < seq <= last``.

    Raises
    ------
    DataError
        When the file is gone or damaged.
    """
    with _whole(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        present = set(file.schema_arrow.names)
        table = file.read(columns=[n for n in {*wanted.names, "seq"} if n in present])
    return _with_absent(_between(table, after, last), wanted, present)


def stream_segment(path: Path, wanted: pa.Schema, after: int, last: int, size: int) -> Iterator[pa.Table]:
    """The same in tables of at most ``size`` rows; row groups outside of the span are passed over unread.

    Raises
    ------
    DataError
        When the file is gone or damaged.
    """
    texts = [field.name for field in wanted if pa.types.is_dictionary(field.type)]
    with _whole(path):
        present = set(pq.read_schema(path).names)
        texts = [name for name in texts if name in present]
        with pq.ParquetFile(path, read_dictionary=texts, page_checksum_verification=True) as file:
            seq_at = file.schema_arrow.names.index("seq")
            names = [n for n in dict.fromkeys([*wanted.names, "seq"]) if n in present]
            for group in range(file.num_row_groups):
                reach = file.metadata.row_group(group).column(seq_at).statistics
                if reach is not None and reach.has_min_max and (reach.max <= after or reach.min > last):
                    continue
                for batch in file.iter_batches(size, row_groups=[group], columns=names):
                    table = _between(pa.Table.from_batches([batch]), after, last)
                    if table.num_rows:
                        yield _with_absent(table, wanted, present)


def as_dictionary(field: pa.Field) -> pa.Field:
    """The field, with texts as a dictionary."""
    return pa.field(field.name, pa.dictionary(pa.int32(), pa.string())) if pa.types.is_string(field.type) else field


@contextmanager
def _whole(path: str | Path) -> Iterator[None]:
    """Tell a file that is gone or damaged by its name."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: expected a journal segment, got {error}; restore it from a backup") from error


def _between(table: pa.Table, after: int, last: int) -> pa.Table:
    """The rows of a table in ``seq`` order with ``after < seq <= last``."""
    seq = table["seq"].to_numpy()
    start, stop = np.searchsorted(seq, [after, last], side="right")
    return table if stop - start == len(seq) else table.slice(start, stop - start)


def _with_absent(table: pa.Table, wanted: pa.Schema, present: set[str]) -> pa.Table:
    """The wanted columns; a segment written before an extension was first seen lacks its column."""
    arrays = [table[f.name] if f.name in present else pa.nulls(table.num_rows, f.type) for f in wanted]
    return pa.table(arrays, schema=wanted)
