"""The fifteen inputs of the Fraud Detection Handbook, as its chapter 3 computes them.

They exist to compare with: the book's windows hold the transaction itself, which no feature of ours does.
"""

from __future__ import annotations

import numpy as np

from domain.time import DAY, HOUR

WINDOWS = (1, 7, 30)
"""Days."""

NAMES = (
    "amount",
    "weekend",
    "night",
    *(f"customer_{what}_{days}d" for days in WINDOWS for what in ("count", "amount_mean")),
    *(f"terminal_{what}_{days}d" for days in WINDOWS for what in ("count", "risk")),
)


def book_inputs(
    time: np.ndarray, customer: np.ndarray, terminal: np.ndarray, amount: np.ndarray, y: np.ndarray, *, delay: int
) -> np.ndarray:
    """The book's inputs, float64[n, 15], in the order of `NAMES`.

    Parameters
    ----------
    time : int64[n], µs of the book's clock, ascending. customer, terminal : int[n]. amount : float64[n].
    y : int8[n]. delay : of the labels, whole days, µs; the terminal's windows end that long before the transaction.

    References
    ----------
    Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, 2022, chapter 3, "Baseline feature
    transformation".

    Examples
    --------
    >>> time = np.array([0, 1, 8]) * DAY
    >>> one = np.zeros(3, np.int64)
    >>> made = book_inputs(time, one, one, np.array([2.0, 4.0, 9.0]), np.array([1, 0, 0]), delay=7 * DAY)
    >>> row = dict(zip(NAMES, made[2].tolist(), strict=True))
    >>> row["customer_amount_mean_30d"], row["terminal_risk_7d"]
    (5.0, 0.5)
    """
    # 1970-01-01 was a Thursday; the book's week ends with Saturday and Sunday, its night at six.
    weekday, hour = (time // DAY + 3) % 7, time % DAY // HOUR
    columns = [amount, (weekday >= 5).astype(np.float64), (hour <= 6).astype(np.float64)]
    for days in WINDOWS:
        n, spent = _within(time, customer, amount, days * DAY)
        columns += [n, spent / n]
    n_late, late = _within(time, terminal, y, delay)
    for days in WINDOWS:
        n, frauds = _within(time, terminal, y, delay + days * DAY)
        n, frauds = n - n_late, frauds - late
        columns += [n, np.divide(frauds, n, out=np.zeros(len(n)), where=n > 0)]
    return np.column_stack(columns)


def _within(time: np.ndarray, key: np.ndarray, value: np.ndarray, oldest: int) -> tuple[np.ndarray, np.ndarray]:
    """Number and total of a key's rows up to each row itself, less than ``oldest`` before it."""
    order = np.lexsort((np.arange(len(time)), time, key))
    group, at = key[order], time[order]
    # One ascending line: each key's times moved behind those of the key before.
    place = np.unique(group, return_inverse=True)[1].astype(np.int64)
    line = place * (int(np.ptp(time)) + oldest + DAY) + (at - at.min(initial=0))
    first = np.searchsorted(line, line - oldest, side="right")
    running = np.concatenate([[0.0], np.cumsum(value[order], dtype=np.float64)])
    last = np.arange(len(line)) + 1
    n, total = np.empty(len(line)), np.empty(len(line))
    n[order], total[order] = last - first, running[last] - running[first]
    return n, total
