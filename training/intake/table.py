"""What is audited: inputs as numbers, the target, times, groups, and which rows train and which test."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from scoring.pages.words import Words
from training.intake.auc import Alone, binned, encoded, ranked
from training.intake.settings import IntakeLimits
from training.intake.twins import row_hashes

Form = Literal["number", "category", "time"]

MODEL_ROWS = 8_000
"""Rows that quick models learn from and are measured on, at most each; every figure says how many."""

COLUMN_ROWS = 20_000
"""Rows that figures of single columns are measured on, at most."""

_MANY, _MOSTLY = 0.05, 0.5


@dataclass(frozen=True)
class Column:
    """One input column.

    Parameters
    ----------
    values : float64[n]; numbers, codes of categories (the most frequent first), or times in µs UTC; NaN missing.
    texts : the categories by code. stored : a remark on how it was stored, empty where there is none.
    raw : False for columns that a feature set has computed: they see nothing later than the request.
    """

    name: str
    form: Form
    values: np.ndarray
    texts: tuple[str, ...] = ()
    stored: Words = ""
    raw: bool = True

    @cached_property
    def missing(self) -> np.ndarray:
        """bool[n]."""
        return np.asarray(np.isnan(self.values))

    @cached_property
    def n_values(self) -> int:
        """Distinct values, missing not counted."""
        return len(np.unique(self.values[~self.missing]))

    @property
    def empty(self) -> bool:
        """Without any value."""
        return bool(self.missing.all())

    @cached_property
    def whole(self) -> bool:
        """Numbers without a fraction."""
        known = self.values[~self.missing]
        return self.form == "number" and len(known) > 0 and bool((known == np.round(known)).all())

    @cached_property
    def id_like(self) -> bool:
        """Nearly as many values as rows: text, or whole numbers that count the rows."""
        known = self.values[~self.missing]
        if len(known) < 200 or self.form == "time":
            return False
        if self.form == "category":
            return self.n_values >= 0.95 * len(known)
        dense = self.whole and self.n_values == len(known) and np.ptp(known) < 1.2 * len(known)
        named = self.whole and self.n_values >= 0.98 * len(known) and _says_id(self.name)
        return bool(dense or named)


def _says_id(name: str) -> bool:
    words = name.lower().replace("-", "_").split("_")
    return words[-1] in ("id", "uuid", "no", "nr", "key", "number") or name.lower().endswith("id")


@dataclass(frozen=True)
class Audited:
    """A table ready to be audited; rows without a label are not in it.

    Parameters
    ----------
    y : int8[n], 1 is an event. time : float64[n], µs UTC or steps, or None; ``clock`` says which.
    known_at : float64[n], when the label became known, as ``time``. group : int64[n], codes of an entity, or None.
    train, test : int64, positions. split : how they were chosen. forward : whether the test is later.
    row : int64[n], the row's number in what was read, from 0.
    """

    columns: tuple[Column, ...]
    y: np.ndarray
    train: np.ndarray
    test: np.ndarray
    split: str
    forward: bool
    row: np.ndarray
    limits: IntakeLimits = field(default_factory=IntakeLimits)
    time: np.ndarray | None = None
    clock: Literal["µs", "steps"] = "µs"
    known_at: np.ndarray | None = None
    group: np.ndarray | None = None
    group_name: str = ""
    given_parts: bool = False
    seed: int = 0
    threads: int = 1

    @cached_property
    def looked_at(self) -> np.ndarray:
        """Positions of the rows that figures of single columns use; events are never thinned below half."""
        return self.sample(np.arange(len(self.y)), COLUMN_ROWS)

    def sample(self, rows: np.ndarray, most: int, labels: np.ndarray | None = None) -> np.ndarray:
        """At most so many of the rows, seeded; all events up to half of them, then others. An AUC does not mind.

        ``labels`` int8[n] stand in for y.
        """
        y = self.y if labels is None else labels
        if len(rows) <= most:
            return rows
        rng = np.random.default_rng(self.seed)
        events, others = rows[y[rows] == 1], rows[y[rows] == 0]
        n_events = min(len(events), max(most // 2, most - len(others)))
        kept = [rng.choice(events, n_events, replace=False), rng.choice(others, most - n_events, replace=False)]
        return np.sort(np.concatenate(kept))

    def plain_sample(self, rows: np.ndarray, most: int) -> np.ndarray:
        """At most so many of the rows, each as likely as any other."""
        if len(rows) <= most:
            return rows
        return np.sort(np.random.default_rng(self.seed).choice(rows, most, replace=False))

    @cached_property
    def alone(self) -> dict[str, Alone]:
        """Column → the best AUC it reaches by itself over all rows; no times and no ids."""
        found = {}
        for column in self.columns:
            if column.form == "time" or column.empty or column.id_like:
                continue
            tried = [each for each in self._tried(column) if np.isfinite(each.auc)]
            if tried:
                found[column.name] = max(tried, key=lambda each: each.auc)
        return found

    def _tried(self, column: Column) -> list[Alone]:
        rows = self.looked_at
        values, y, missing = column.values[rows], self.y[rows], column.missing[rows]
        if column.form == "category":
            codes = np.where(missing, -1, values).astype(np.int64) + 1
            return [encoded(y, codes, self.seed)] if column.n_values <= _MANY * len(rows) else []
        tried = [encoded(y, binned(values), self.seed)]
        # Where most rows are empty, the order of the others says little about all.
        if min((~missing).mean(), (~missing[y == 1]).mean()) >= _MOSTLY:
            tried.append(ranked(y[~missing], values[~missing], "its value"))
        return tried

    @cached_property
    def model_columns(self) -> tuple[Column, ...]:
        """Columns a quick model may use: no times, no ids, none that is constant or gives the answer away."""
        leaked = {name for name, each in self.alone.items() if each.auc > self.limits.leaked_auc.value}
        return tuple(
            column
            for column in self.columns
            if column.form != "time" and column.n_values > 1 and not column.id_like and column.name not in leaked
        )

    @cached_property
    def X(self) -> np.ndarray:  # noqa: N802 - the field's name
        """float64[n, m] of `model_columns`."""
        if not self.model_columns:
            return np.empty((len(self.y), 0))
        return np.column_stack([column.values for column in self.model_columns])

    @cached_property
    def hashes(self) -> np.ndarray:
        """uint64[n] of the rows of `X`."""
        return row_hashes(self.X)

    @cached_property
    def order(self) -> np.ndarray:
        """Positions from the first to the last instant; the file's own order where there is no time."""
        return np.argsort(self.row if self.time is None else self.time, kind="stable")
