"""Read what the views need from the journal: encoded columns, times, seqs and the rows each view takes in."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from domain.events import EXTENSION, ColumnType
from features.columns import encode_table
from features.conditions import Condition
from features.plan import Plan
from stores.journal import Journal

Words = npt.NDArray[np.int64]


class EventSource(Protocol):
    """Where events come from, kind by kind in ``seq`` order: the journal, or tables (`features.tables`)."""

    def moment(self) -> AbstractContextManager[None]:
        """While it is open, everything read is of one moment."""

    def last_seq(self) -> int:
        """The newest ``seq``; 0 when there is none."""

    def extensions(self, kind: str) -> Mapping[str, ColumnType]:
        """The ``x_…`` columns that a kind has, with their types."""

    def count(self, kind: str, *, after: int = 0, upto: int | None = None) -> int:
        """Number of events of one kind with ``after < seq <= upto``."""

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
        """Events with ``after < seq <= upto`` as tables of at most ``size`` rows; texts as dictionaries if wanted."""


@dataclass(frozen=True)
class Source:
    """The events of one kind in ``seq`` order.

    Shapes: ``times`` and ``seqs`` int64[n]; ``values`` int64[n, number of encodings].
    """

    table: pa.Table
    times: Words
    seqs: Words
    values: Words

    def rows(self, conditions: tuple[Condition, ...]) -> Words:
        """Positions of the rows that satisfy all conditions."""
        mask = np.ones(self.table.num_rows, dtype=np.bool_)
        for condition in conditions:
            mask &= condition.mask(self.table)
        return np.flatnonzero(mask)


def read_source(plan: Plan, journal: Journal, kind: str, more: tuple[str, ...], after: int, upto: int) -> Source:
    """Read and encode the events of a kind with ``after < seq <= upto``; ``more`` names further columns."""
    names = dict.fromkeys(["seq", "event_time", *more, *plan.columns(kind)])
    table = read_columns(journal, kind, list(names), after, upto)
    return Source(
        table,
        _words(table["event_time"]),
        _words(table["seq"]),
        encode_table(plan.layouts.get(kind, ()), table),
    )


def read_columns(journal: Journal, kind: str, names: list[str], after: int, upto: int) -> pa.Table:
    """Journal columns by name; an extension that was never journalled is all null."""
    known = journal.extensions(kind)
    missing = [name for name in names if EXTENSION.fullmatch(name) and name not in known]
    table = journal.read(kind, after=after, upto=upto, columns=[name for name in names if name not in missing])
    for name in missing:
        # Floats read as text, or text as floats, make no difference where every row is null.
        table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return table


def all_columns(
    source: EventSource, kind: str, names: Sequence[str], after: int, upto: int, size: int, *, dictionaries: bool
) -> Iterator[pa.Table]:
    """Batches with every named column; an extension that was never journalled is all null."""
    known = source.extensions(kind)
    missing = [name for name in names if EXTENSION.fullmatch(name) and name not in known]
    present = [name for name in names if name not in missing]
    for table in source.batches(kind, after=after, upto=upto, columns=present, size=size, dictionaries=dictionaries):
        whole = table
        for name in missing:
            # Floats read as text, or text as floats, make no difference where every row is null.
            whole = whole.append_column(name, pa.nulls(table.num_rows, pa.string()))
        yield whole


def ahead(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same tables, each read on another thread while the one before it is worked on."""
    with ThreadPoolExecutor(1) as reader:
        try:
            coming = reader.submit(next, tables, None)
            while (table := coming.result()) is not None:
                coming = reader.submit(next, tables, None)
                yield table
        finally:
            # Where it was opened, so that it lets go of the source there.
            if isinstance(tables, Generator):
                reader.submit(tables.close).result()


def _words(column: pa.ChunkedArray) -> Words:
    # A copy: what Arrow lends is read-only, and the kernel has one signature.
    result: Words = np.array(column.to_numpy(), dtype=np.int64)
    return result
