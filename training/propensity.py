"""Figures of all traffic from the part of it whose label could be seen.

What a policy declines has no label, so figures on the rest describe the rest. Where a small random share of declined
requests was let through, each row knows the probability with which its label was to be seen (1 where the policy
approved it), and counts for one over it.

References
----------
Horvitz & Thompson, A generalization of sampling without replacement from a finite universe, JASA 1952 (totals).
Hájek, Comment on an essay by D. Basu, 1971 (means and ratios: weights divided by their sum).
"""

from __future__ import annotations

import numpy as np

from domain.errors import DataError

SUFFIX = "_weighted"
"""Ends the names of figures that stand for all traffic."""


def inverse_weights(propensity: np.ndarray, column: str) -> np.ndarray:
    """1 / propensity, float64[n]; 0 for rows that are not of the sample (NaN).

    Raises
    ------
    DataError
        When a propensity is not above 0 and at most 1.

    Examples
    --------
    >>> inverse_weights(np.array([1.0, 0.05, np.nan]), "x_propensity").tolist()
    [1.0, 20.0, 0.0]
    """
    known = ~np.isnan(propensity)
    wrong = known & ~((propensity > 0) & (propensity <= 1))
    if wrong.any():
        raise DataError(
            f"{column}: expected probabilities above 0 and at most 1, or nothing, got "
            f"{propensity[wrong][0]:g} in {int(wrong.sum()):,} of {len(wrong):,} rows"
        )
    weight = np.zeros(len(propensity))
    weight[known] = 1.0 / propensity[known]
    return weight


def effective_size(weight: np.ndarray) -> float:
    """How many rows of equal weight would say as much (Kish): (Σw)² / Σw².

    Examples
    --------
    >>> effective_size(np.array([1.0, 1.0, 0.0])), effective_size(np.array([20.0, 1.0, 1.0]))
    (2.0, 1.2039...)
    """
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares else 0.0
