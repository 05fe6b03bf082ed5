"""What a desk catches as its capacity grows: alerts, frauds and money for every number of alerts a day.

1. rows   -> place of each within its day by falling score                     int64[n]
2. days   -> alerts, frauds and money among the first k, for each k            float64[d, k]
3. sums over days of any weights; a resample of days is a row of counts        float64[draws, k]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.alerts import daily_ranks
from training.intervals import LEVEL, resamples


@dataclass(frozen=True)
class AlertCurve:
    """Counts of each day at each capacity.

    Parameters
    ----------
    per_day : int64[k], alerts a day, rising. days : int64[d].
    alerts, hits : float64[d, k]. rows, events : float64[d], all of the day.
    saved : float64[d, k], money of the frauds among the alerts; lost : float64[d], of all; None without amounts.
    """

    per_day: np.ndarray
    days: np.ndarray
    alerts: np.ndarray
    hits: np.ndarray
    rows: np.ndarray
    events: np.ndarray
    saved: np.ndarray | None = None
    lost: np.ndarray | None = None

    @classmethod
    def of(
        cls, y: np.ndarray, score: np.ndarray, day: np.ndarray, amount: np.ndarray | None, per_day: np.ndarray
    ) -> AlertCurve:
        """Count once.

        Parameters
        ----------
        y : int8[n]. score : float64[n]. day : int64[n]. amount : int64[n] or None. per_day : int64[k], rising.

        Examples
        --------
        >>> y, day = np.array([1, 0, 1, 0]), np.array([0, 0, 1, 1])
        >>> made = AlertCurve.of(y, np.array([.9, .8, .3, .4]), day, None, np.array([1, 2]))
        >>> made.figures()["recall"].tolist(), made.figures()["precision"].tolist()
        ([0.5, 1.0], [0.5, 0.5])
        """
        days, member = np.unique(day, return_inverse=True)
        first = np.searchsorted(per_day, daily_ranks(score, day), side="right")
        size = len(days), len(per_day) + 1
        cell = member * size[1] + first

        def grown(weight: np.ndarray) -> np.ndarray:
            summed = np.bincount(cell, weights=weight, minlength=size[0] * size[1]).reshape(size)
            return np.asarray(summed.cumsum(axis=1))

        alerts, hits = grown(np.ones(len(y))), grown(y.astype(np.float64))
        money = None if amount is None else grown(y * amount.astype(np.float64))
        return cls(
            per_day, days, alerts[:, :-1], hits[:, :-1], alerts[:, -1], hits[:, -1],
            None if money is None else money[:, :-1], None if money is None else money[:, -1],
        )  # fmt: skip

    def figures(self, times: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Each figure at each capacity, float64[k], or [draws, k] for counts of the days, [draws, d].

        Parameters
        ----------
        times : how often each day counts, float64[d] or [draws, d]; once by default.
        """
        weight = np.ones(len(self.days)) if times is None else times
        alerts, hits = weight @ self.alerts, weight @ self.hits
        rows, events = (np.asarray(weight @ each)[..., None] for each in (self.rows, self.events))
        with np.errstate(divide="ignore", invalid="ignore"):
            found = {
                "precision": hits / alerts,
                "recall": hits / events,
                "false_per_fraud": (alerts - hits) / hits,
                "lift": (hits / alerts) / (events / rows),
            }
            if self.saved is not None and self.lost is not None:
                found["value_detection_rate"] = (weight @ self.saved) / np.asarray(weight @ self.lost)[..., None]
        return found

    def bands(self, n_draws: int, seed: int) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
        """95 % bootstrap limits of each figure over whole days, float64[k] each; NaN where no draw gives a value."""
        times = np.array(list(resamples(len(self.days), None, n_draws, seed)), np.float64)
        return {name: _limits(values) for name, values in self.figures(times).items()}


def _limits(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of each column, NaN left out; infinite where alarms without any fraud are that frequent."""
    low, high = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    for place, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if len(known):
            low[place] = np.quantile(known, (1 - LEVEL) / 2, method="lower")
            high[place] = np.quantile(known, (1 + LEVEL) / 2, method="higher")
    return low, high


def capacities(budget: int, most: int, n: int = 16) -> np.ndarray:
    """Numbers of alerts a day by equal steps of the logarithm up to ``most``, with the budget, half and twice of it.

    Examples
    --------
    >>> capacities(40, 200, 4).tolist()
    [1, 6, 20, 34, 40, 80, 200]
    """
    grid = np.geomspace(1, max(2, most), n).round().astype(np.int64)
    own = [each for each in (budget // 2, budget, 2 * budget) if 1 <= each <= most]
    return np.unique([*grid.tolist(), *own])
