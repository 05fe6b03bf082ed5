"""Drop rules: whose rows are taken out of a part that is measured, and how many.

A customer known as defrauded is blocked in life, so catching the next fraud on them proves nothing; an entity that
was learnt from may be recognised instead of judged. Rules apply to validation parts and the test; calibration sees
all later traffic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from domain.errors import DefinitionError, expected_got
from scoring.labels import POSITIVE, Told
from training.dataset import Dataset
from training.dataset_settings import DropRule

MARK = "dropped: "
"""Begins the name under which a part counts the rows of a rule."""


@dataclass(frozen=True)
class Drops:
    """The rules over one dataset."""

    rules: tuple[DropRule, ...]
    dataset: Dataset

    @classmethod
    def of(cls, dataset: Dataset, rules: Sequence[DropRule]) -> Drops:
        """Check that every entity is a key of the rows.

        Raises
        ------
        DefinitionError
            Naming the keys there are.
        """
        keys = [name for name in dataset.table.column_names if name.endswith("_id") and name != "event_id"]
        for rule in rules:
            if rule.entity not in keys:
                raise DefinitionError(expected_got(f"a key column out of {', '.join(keys)}", rule.entity, "drop"))
        return cls(tuple(rules), dataset)

    def apply(self, rows: np.ndarray, start: int, train: np.ndarray) -> tuple[np.ndarray, Mapping[str, int]]:
        """Rows that stay, and how many each rule took; a row is counted by the first rule that takes it.

        Parameters
        ----------
        rows : int64[n], positions of the part. start : when it begins, µs UTC. train : positions learnt from.
        """
        taken: dict[str, int] = {}
        for rule in self.rules:
            out = self._taken(rule, rows, start, train)
            if out.any():
                taken[MARK + rule.name] = int(out.sum())
            rows = rows[~out]
        return rows, taken

    def _taken(self, rule: DropRule, rows: np.ndarray, start: int, train: np.ndarray) -> np.ndarray:
        entity = entity_codes(self.dataset.table, rule.entity)
        mine = entity[rows]
        if rule.in_train:
            return np.asarray((mine >= 0) & np.isin(mine, entity[train]))
        at = self.dataset.event_time[rows] - 1 if rule.known_positive == "before_row" else np.full(len(rows), start)
        return known_positive(entity, self.dataset.told, mine, at)


def entity_codes(table: pa.Table, entity: str) -> np.ndarray:
    """Codes int64[n] of a key column, -1 where a row has none."""
    codes = table[entity].combine_chunks().dictionary_encode().indices
    return np.asarray(codes.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def known_positive(entity: np.ndarray, told: Told, asked: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether any row of an entity was known positive by an instant, bool[q]; a correction ends it.

    1. stretches     each telling outcome holds from its known_at until the next one of the same row
    2. steps         +1 where a positive stretch of an entity begins, -1 where it ends, sorted by (entity, time)
    3. running sum   positives known of the entity after each step; looked up at (asked, at)

    Parameters
    ----------
    entity : int64[n], codes of the rows; negative ones are nobody.
    asked, at : int64[q], entity codes and instants, µs UTC, included.

    Examples
    --------
    >>> told = Told(np.array([0, 0]), np.array([5, 9]), np.array([POSITIVE, POSITIVE + 1], np.int8), 0)
    >>> known_positive(np.array([7]), told, np.array([7, 7, 7]), np.array([4, 5, 9])).tolist()
    [False, True, False]
    """
    positive = told.code == POSITIVE
    followed = np.append(told.row[1:] == told.row[:-1], False) if len(told.row) else np.zeros(0, bool)
    ends = positive & followed
    who = np.concatenate([entity[told.row[positive]], entity[told.row[ends]]])
    when = np.concatenate([told.known_at[positive], told.known_at[np.flatnonzero(ends) + 1]])
    step = np.concatenate([np.ones(int(positive.sum()), np.int64), -np.ones(int(ends.sum()), np.int64)])
    named = who >= 0
    who, when, step = who[named], when[named], step[named]
    order = np.lexsort((when, who))
    who, when, step = who[order], when[order], np.cumsum(step[order])
    # An entity and an instant in one whole number: instants by their rank, so that it cannot overflow.
    instants = np.unique(when)
    width = len(instants) + 1
    keys = who * width + np.searchsorted(instants, when, side="left")
    place = np.searchsorted(keys, asked * width + np.searchsorted(instants, at, side="right") - 1, side="right") - 1
    before = np.searchsorted(keys, asked * width, side="left") - 1
    running = np.concatenate([step, [0]])
    return np.asarray((asked >= 0) & (place > before) & (running[place] - running[before] > 0))
