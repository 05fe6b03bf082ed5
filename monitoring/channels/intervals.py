"""Intervals that channel risk needs beyond those of shares: of a sum of losses, and of any difference."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

Interval = tuple[float, float]


def loss_interval(losses: npt.NDArray[np.float64], largest: float, confidence: float) -> Interval:
    """Interval of the expected sum of losses that come by chance, each of its own size.

    The gamma interval of Fay & Feuer (Statistics in Medicine 16, 1997, 791–801) for a weighted sum of Poisson counts;
    with losses of one size it is the exact interval of Garwood.

    Parameters
    ----------
    losses : float64[k], of the payments that were lost.
    largest : the largest loss that there could have been.

    Examples
    --------
    >>> [round(edge, 3) for edge in loss_interval(np.ones(5), 1.0, 0.95)]
    [1.623, 11.668]
    >>> [round(edge, 3) for edge in loss_interval(np.zeros(0), 2.0, 0.95)]
    [0.0, 7.378]
    """
    tail = (1 - confidence) / 2
    total = float(losses.sum())
    spread = float(np.square(losses).sum())
    low = 0.0 if total <= 0 else spread / (2 * total) * float(chi2.ppf(tail, 2 * total * total / spread))
    above, spread_above = total + largest, spread + largest * largest
    if above <= 0:
        return 0.0, 0.0
    high = spread_above / (2 * above) * float(chi2.ppf(1 - tail, 2 * above * above / spread_above))
    return low, high


def difference_of(value: float, interval: Interval, other: float, other_interval: Interval) -> Interval:
    """Interval of ``value - other`` from the interval of each (Zou & Donner's MOVER, 2008).

    Examples
    --------
    >>> from scoring.interval import difference, wilson
    >>> made = difference_of(56 / 70, wilson(56, 70, 0.95), 48 / 80, wilson(48, 80, 0.95))
    >>> [round(edge, 4) for edge in made] == [round(edge, 4) for edge in difference(56, 70, 48, 80, 0.95)]
    True
    """
    between = value - other
    low = between - math.hypot(value - interval[0], other_interval[1] - other)
    high = between + math.hypot(interval[1] - value, other - other_interval[0])
    return low, high
