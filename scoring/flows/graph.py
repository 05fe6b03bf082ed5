"""A graph of payments as columns: who paid whom, when, how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.errors import InputError, expected_got


@dataclass(frozen=True)
class Flows:
    """Payments between accounts, in order of time.

    Parameters
    ----------
    n : accounts, numbered from 0. source, target : int64[m]. time : int64[m], rising. amount : float64[m], above zero.
    """

    n: int
    source: np.ndarray
    target: np.ndarray
    time: np.ndarray
    amount: np.ndarray

    @classmethod
    def of(
        cls, n: int, source: Sequence[int], target: Sequence[int], time: Sequence[int], amount: Sequence[float]
    ) -> Flows:
        """Sorted by time, without payments to oneself and without those of nothing.

        Raises
        ------
        InputError
            When the columns differ in length, or an account is not one of the n.

        Examples
        --------
        >>> Flows.of(3, [0, 1], [1, 2], [5, 4], [10.0, 9.0]).source.tolist()
        [1, 0]
        """
        columns = [np.asarray(each, np.int64) for each in (source, target, time)]
        sums = np.asarray(amount, np.float64)
        if len({len(sums), *map(len, columns)}) != 1:
            raise InputError(expected_got("columns of one length", [len(sums), *map(len, columns)], "flows"))
        ends = np.concatenate(columns[:2])
        if len(ends) and not (ends.min() >= 0 and ends.max() < n):
            raise InputError(expected_got(f"accounts from 0 to {n - 1}", int(ends.max()), "flows"))
        rows = np.flatnonzero((columns[0] != columns[1]) & (sums > 0))
        rows = rows[np.argsort(columns[2][rows], kind="stable")]
        return cls(n, *(each[rows] for each in (*columns, sums)))

    def reversed(self) -> Flows:
        """The same payments seen from the other end; times as they were."""
        return Flows(self.n, self.target, self.source, self.time, self.amount)
