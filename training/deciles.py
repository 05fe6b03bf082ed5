"""Bands of neighbouring scores, riskiest first, as a credit desk reads them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scoring.interval import difference
from training.proportion import jeffreys
from training.reliability import bins_of

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Band:
    """One tenth of the rows.

    Parameters
    ----------
    low, high : Jeffreys' 95 % interval of the rate. lift : rate over that of all rows.
    rows_so_far, events_so_far : shares of all in this band and the riskier ones. rate_so_far : of those.
    """

    n: int
    n_events: int
    least: float
    most: float
    rate: float
    low: float
    high: float
    lift: float
    rows_so_far: float
    events_so_far: float
    rate_so_far: float


def deciles(y: np.ndarray, score: np.ndarray, n_bands: int = 10) -> tuple[Band, ...]:
    """Bands of about equally many rows, riskiest first; rows of equal score stay together, so there may be fewer.

    Parameters
    ----------
    y : int8[n]. score : float64[n], the higher, the riskier.

    Examples
    --------
    >>> made = deciles(np.repeat([0, 1], [90, 10]), np.arange(100.0))
    >>> len(made), made[0].n_events, made[0].lift, made[0].events_so_far
    (10, 10, 10.0, 1.0)
    """
    place = bins_of(-score, n_bands)
    n = np.bincount(place)
    events = np.bincount(place, weights=y).astype(np.int64)
    low, high = jeffreys(events, n)
    base, total = float(y.mean()), int(y.sum())
    rows_so_far, events_so_far = np.cumsum(n), np.cumsum(events)
    return tuple(
        Band(
            int(n[b]), int(events[b]), float(score[place == b].min()), float(score[place == b].max()),
            float(events[b] / n[b]), float(low[b]), float(high[b]),
            float(events[b] / n[b] / base) if base else float("nan"), float(rows_so_far[b] / len(y)),
            float(events_so_far[b] / total) if total else float("nan"), float(events_so_far[b] / rows_so_far[b]),
        )
        for b in range(len(n))
    )  # fmt: skip


def breaks(bands: tuple[Band, ...]) -> int:
    """Neighbours of which the one of lower scores has the higher rate, beyond what chance explains (95 %).

    Examples
    --------
    >>> breaks(deciles(np.repeat([0, 1], [90, 10]), np.arange(100.0)))
    0
    >>> breaks(deciles(np.repeat([1, 0], [10, 90]), np.arange(100.0)))
    1
    """
    return sum(
        difference(safer.n_events, safer.n, riskier.n_events, riskier.n, _CONFIDENCE)[0] > 0
        for riskier, safer in pairwise(bands)
    )
