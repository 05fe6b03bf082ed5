"""What a model no longer gets: values that are missing more or less often, categories that it never learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.interval import difference, wilson
from training.intervals import LEVEL, Interval


@dataclass(frozen=True, slots=True)
class Missing:
    """Missing shares of a feature before and now; the interval is that of the change (Newcombe)."""

    name: str
    before: float
    now: float
    between: Interval

    @property
    def change(self) -> float:
        """Now less before."""
        return self.now - self.before


@dataclass(frozen=True, slots=True)
class Unseen:
    """Rows whose category is none of those learnt, with Wilson's interval of their share."""

    name: str
    n: int
    share: float
    between: Interval
    examples: tuple[str, ...]


def missing_changes(before: np.ndarray, now: np.ndarray, names: Sequence[str]) -> tuple[Missing, ...]:
    """Each feature's missing shares.

    Parameters
    ----------
    before, now : float64[n, m] and float64[k, m], encoded rows.

    Examples
    --------
    >>> made = missing_changes(np.array([[1.0], [2.0]]), np.array([[np.nan], [2.0]]), ["amount"])
    >>> made[0].before, made[0].now, made[0].change
    (0.0, 0.5, 0.5)
    """
    counts = [np.isnan(rows).sum(axis=0).tolist() for rows in (before, now)]
    return tuple(
        Missing(name, b / len(before), a / len(now), Interval(*difference(a, len(now), b, len(before), LEVEL)))
        for name, b, a in zip(names, *counts, strict=True)
    )


def unseen_categories(table: pa.Table, categories: Mapping[str, Sequence[str]]) -> tuple[Unseen, ...]:
    """Each categorical feature's rows with a value that is not among those learnt; a missing value is not unseen.

    Examples
    --------
    >>> table = pa.table({"channel": ["qr", "fax", None, "fax"]})
    >>> [(each.n, each.share, each.examples) for each in unseen_categories(table, {"channel": ("qr",)})]
    [(2, 0.5, ('fax',))]
    """
    found = []
    for name, known in categories.items():
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        strange = column.filter(
            pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, value_set=pa.array(known, column.type))))
        )
        n = len(strange)
        examples = tuple(sorted({str(each) for each in strange.unique().to_pylist()})[:3])
        between = Interval(*wilson(n, table.num_rows, LEVEL))
        found.append(Unseen(name, n, n / max(1, table.num_rows), between, examples))
    return tuple(found)
