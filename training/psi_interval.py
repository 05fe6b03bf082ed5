"""The interval of a population stability index: how far two populations may truly lie apart.

The index of two samples is about (1/n + 1/m) times a non-central χ² with one degree of freedom less than bins, whose
non-centrality is the true index over that factor; without a shift it is the central one that `scoring.drift` holds
the index against. The interval is that law turned round.
"""

from __future__ import annotations

import math

from scipy.special import chndtr, chndtrinc

from scoring.drift import Psi
from training.intervals import LEVEL, Interval

_Z = 1.959963984540054
_LARGE = 1_000.0


def psi_interval(found: Psi) -> Interval:
    """95 % interval of the true index, from 0.

    References
    ----------
    Yurdakul & Naranjo, Statistical properties of the population stability index, J. Risk Model Validation 2020.

    Examples
    --------
    >>> psi_interval(Psi(0.02, 1_000, 1_000, 10, 0.018, 0.034, 0.95)).low
    0.0
    >>> made = psi_interval(Psi(0.20, 1_000, 1_000, 10, 0.018, 0.034, 0.95))
    >>> 0.10 < made.low < 0.20 < made.high < 0.30
    True
    """
    if found.n_bins < 2:
        return Interval(0.0, 0.0)
    scale = 1 / found.n_reference + 1 / found.n_current
    x, df = found.value / scale, found.n_bins - 1
    low, high = (scale * _centrality(x, df, q) for q in ((1 + LEVEL) / 2, (1 - LEVEL) / 2))
    return Interval(low, high)


def _centrality(x: float, df: int, probability: float) -> float:
    """The non-centrality under which the law is below x with a probability; 0 where even the central one is less."""
    if x > _LARGE:  # the normal law of the same mean and variance: (x − df − λ)² = z² · 2 (df + 2λ)
        sign = 1.0 if probability < 0.5 else -1.0
        z = _Z * _Z
        return max(0.0, x - df + 2 * z + sign * math.sqrt(4 * z * z + 2 * z * (2 * x - df)))
    if chndtr(x, df, 0.0) <= probability:
        return 0.0
    return float(chndtrinc(x, df, probability))
