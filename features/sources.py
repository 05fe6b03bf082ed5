"""Read what the views need from the journal: encoded columns, times, seqs and the rows each view takes in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from domain.events import EXTENSION
from features.columns import encode_table
from features.conditions import Condition
from features.plan import Plan
from stores.journal import Journal

Words = npt.NDArray[np.int64]


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


def _words(column: pa.ChunkedArray) -> Words:
    # A copy: what Arrow lends is read-only, and the kernel has one signature.
    result: Words = np.array(column.to_numpy(), dtype=np.int64)
    return result
