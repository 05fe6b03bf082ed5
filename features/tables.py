"""Events that lie in tables instead of the journal: an `features.sources.EventSource` over memory or a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain.events import EXTENSION, ColumnType
from stores.schema import extension_type

_TEXT = pa.dictionary(pa.int32(), pa.string())


class Tables:
    """Tables in memory, kind by kind, each in the order of its ``seq`` column.

    Parameters
    ----------
    tables : with seq, event_time and known_at (int64, µs UTC) and the columns of their kind.

    Examples
    --------
    >>> inquiries = pa.table({"seq": [1, 3], "event_time": [5, 6], "known_at": [5, 6], "borrower_id": ["a", "b"]})
    >>> source = Tables({"inquiry": inquiries})
    >>> source.last_seq(), source.count("inquiry", after=1)
    (3, 1)
    """

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self._tables = dict(tables)

    def moment(self) -> AbstractContextManager[None]:
        """Tables do not change."""
        return nullcontext()

    def last_seq(self) -> int:
        """The newest ``seq``; 0 when there is none."""
        return max((int(table["seq"].to_numpy().max(initial=0)) for table in self._tables.values()), default=0)

    def extensions(self, kind: str) -> dict[str, ColumnType]:
        """The ``x_…`` columns of a kind's table."""
        fields = self._tables[kind].schema if kind in self._tables else ()
        found = [field for field in fields if EXTENSION.fullmatch(field.name)]
        return {field.name: extension_type(kind, field.name, field.type) for field in found}

    def count(self, kind: str, *, after: int = 0, upto: int | None = None) -> int:
        """Number of events of one kind with ``after < seq <= upto``."""
        start, stop = self._span(kind, after, upto)
        return stop - start

    def batches(
        self,
        kind: str,
        *,
        after: int = 0,
        upto: int | None = None,
        columns: Sequence[str] | None = None,
        size: int = 2**17,
        dictionaries: bool = False,
    ) -> Iterator[pa.Table]:
        """Events with ``after < seq <= upto`` as tables of at most ``size`` rows."""
        start, stop = self._span(kind, after, upto)
        for at in range(start, stop, size):
            table = self._tables[kind].slice(at, min(size, stop - at))
            names = table.column_names if columns is None else columns
            yield pa.table({name: _typed(table[name], dictionaries) for name in names})

    def _span(self, kind: str, after: int, upto: int | None) -> tuple[int, int]:
        table = self._tables.get(kind)
        if table is None:
            return 0, 0
        seqs = table["seq"].to_numpy()
        last = len(seqs) if upto is None else int(np.searchsorted(seqs, upto, side="right"))
        return int(np.searchsorted(seqs, after, side="right")), last


class ParquetEvents:
    """One kind of events in a Parquet file, in the order in which they arrived: row n has ``seq`` n + 1.

    Parameters
    ----------
    path : with event_time (int64 µs UTC, or a timestamp in µs) and columns of the kind.
    kind : of the events.
    currency : of its money, where the file has no ``currency``; ``known_at`` is ``event_time`` where it has none.
    """

    def __init__(self, path: Path, kind: str, currency: str) -> None:
        self._path = path
        self._kind = kind
        self._currency = currency
        with pq.ParquetFile(path) as file:
            self._n = int(file.metadata.num_rows)
            self._schema = file.schema_arrow

    def moment(self) -> AbstractContextManager[None]:
        """The file does not change."""
        return nullcontext()

    def last_seq(self) -> int:
        """The number of rows."""
        return self._n

    def extensions(self, kind: str) -> dict[str, ColumnType]:
        """The ``x_…`` columns of the file."""
        names = [name for name in self._schema.names if kind == self._kind and EXTENSION.fullmatch(name)]
        return {name: extension_type(kind, name, self._schema.field(name).type) for name in names}

    def count(self, kind: str, *, after: int = 0, upto: int | None = None) -> int:
        """Number of events of one kind with ``after < seq <= upto``."""
        last = self._n if upto is None else min(upto, self._n)
        return max(last - after, 0) if kind == self._kind else 0

    def batches(
        self,
        kind: str,
        *,
        after: int = 0,
        upto: int | None = None,
        columns: Sequence[str] | None = None,
        size: int = 2**17,
        dictionaries: bool = False,
    ) -> Iterator[pa.Table]:
        """Events with ``after < seq <= upto`` as tables of at most ``size`` rows."""
        if kind != self._kind:
            return
        last = self._n if upto is None else upto
        names = [*self._schema.names, "seq", "known_at", "currency"] if columns is None else list(columns)
        texts = [f.name for f in self._schema if pa.types.is_string(f.type)] if dictionaries else []
        present = [name for name in dict.fromkeys([*names, "event_time"]) if name in self._schema.names]
        at = 0
        with pq.ParquetFile(self._path, read_dictionary=texts) as file:
            for batch in file.iter_batches(size, columns=present):
                start, stop = max(after - at, 0), min(last - at, batch.num_rows)
                first, at = at + start, at + batch.num_rows
                if start < stop:
                    yield self._completed(pa.Table.from_batches([batch.slice(start, stop - start)]), names, first)

    def _completed(self, table: pa.Table, names: Sequence[str], first: int) -> pa.Table:
        n = table.num_rows
        time = table["event_time"]
        absent = {
            "seq": lambda: pa.chunked_array([np.arange(first + 1, first + n + 1)]),
            "known_at": lambda: time.cast(pa.int64()),
            "event_time": lambda: time.cast(pa.int64()),
            "currency": lambda: pa.chunked_array(
                [pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), [self._currency])]
            ),
        }
        made = {}
        for name in names:
            has = name in table.column_names and name != "event_time"
            made[name] = table[name] if has else absent[name]() if name in absent else pa.nulls(n, pa.string())
        return pa.table(made)


def _typed(column: pa.ChunkedArray, dictionaries: bool) -> pa.ChunkedArray:
    is_text = pa.types.is_string(column.type) or pa.types.is_dictionary(column.type)
    if not is_text:
        return column
    wanted = _TEXT if dictionaries else pa.string()
    return column if column.type == wanted else column.cast(wanted)
