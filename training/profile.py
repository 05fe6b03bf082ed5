"""What columns hold, part beside part: missing shares, constants, ranges, and prevalence over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from training.proportion import wilson


def missing_shares(X: np.ndarray) -> np.ndarray:
    """Share of NaN in each column of float64[n, m], float64[m]; NaN without rows.

    Examples
    --------
    >>> missing_shares(np.array([[1.0, np.nan], [2.0, 3.0]])).tolist()
    [0.0, 0.5]
    """
    if not len(X):
        return np.full(X.shape[1], np.nan)
    return np.asarray(np.isnan(X).mean(axis=0))


def constants(X: np.ndarray) -> np.ndarray:
    """Columns of float64[n, m] that hold one value or nothing, bool[m]; missing beside one value is two.

    Examples
    --------
    >>> constants(np.array([[1.0, np.nan, 7.0], [1.0, np.nan, np.nan]])).tolist()
    [True, True, False]
    """
    if not len(X):
        return np.zeros(X.shape[1], bool)
    first = X[0]
    return np.asarray(((first == X) | (np.isnan(X) & np.isnan(first))).all(axis=0))


def quantiles(X: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Quantiles of each column without its NaN, float64[len(shares), m]; NaN where a column is empty.

    Examples
    --------
    >>> quantiles(np.array([[1.0, np.nan], [3.0, np.nan]]), (0.0, 0.5, 1.0)).T.tolist()
    [[1.0, 2.0, 3.0], [nan, nan, nan]]
    """
    found = np.full((len(shares), X.shape[1]), np.nan)
    for place in range(X.shape[1]):
        known = X[~np.isnan(X[:, place]), place]
        if len(known):
            found[:, place] = np.quantile(known, shares)
    return found


def outside(X: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Share of known values of each column outside of [low, high], float64[m]; NaN where none is known.

    Examples
    --------
    >>> outside(np.array([[1.0], [5.0], [np.nan]]), np.array([0.0]), np.array([4.0])).tolist()
    [0.5]
    """
    known = ~np.isnan(X)
    beyond = (np.less(X, low) | np.greater(X, high)).sum(axis=0)
    n = known.sum(axis=0)
    return np.where(n > 0, beyond / np.maximum(n, 1), np.nan)


@dataclass(frozen=True)
class Prevalence:
    """Rate of positives of one stretch of time.

    Parameters
    ----------
    label : its first day, ISO 8601, or its month. low, high : Wilson's 95 % interval; NaN without rows.
    """

    label: str
    n: int
    n_events: int
    rate: float
    low: float
    high: float


def by_week(day: np.ndarray, *, most: int = 40) -> bool:
    """Whether days int64[n] lie in few enough weeks to be shown by week; by month otherwise.

    Examples
    --------
    >>> by_week(np.array([0, 100])), by_week(np.array([0, 1_000]))
    (True, False)
    """
    return not len(day) or int(day.max() - day.min()) // 7 < most


def by_period(day: np.ndarray, y: np.ndarray, *, weekly: bool = True) -> tuple[Prevalence, ...]:
    """Prevalence by week, from the first day on, or by month; a stretch without rows is left out.

    Parameters
    ----------
    day : int64[n], days since 1970-01-01. y : int8[n], 0 or 1.

    Examples
    --------
    >>> first, second = by_period(np.array([20454, 20455, 20461]), np.array([0, 1, 1]))
    >>> first.label, first.n, first.rate, second.n_events
    ('2026-01-01', 2, 0.5, 1)
    """
    if not len(day):
        return ()
    if weekly:
        codes = (day - day.min()) // 7
        labels = {int(code): str(pd.Timestamp(int(day.min() + 7 * code), unit="D").date()) for code in np.unique(codes)}
    else:
        dates = pd.DatetimeIndex(pd.to_datetime(day, unit="D"))
        codes = np.asarray(dates.year * 12 + dates.month - 1, np.int64)
        labels = {int(code): f"{code // 12}-{code % 12 + 1:02d}" for code in np.unique(codes)}
    found = []
    for code, label in labels.items():
        mine = codes == code
        n, k = int(mine.sum()), int(y[mine].sum())
        low, high = (float(each) for each in wilson(np.array(k), np.array(n)))
        found.append(Prevalence(label, n, k, k / n, low, high))
    return tuple(found)
