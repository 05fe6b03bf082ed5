"""The AUC of some rows with its analytic interval, and whether the AUCs of several periods are one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Auc:
    """Area under the ROC curve of independent rows; NaN without two rows of either class.

    Parameters
    ----------
    error : standard error. low, high : 95 % interval, made on the logit scale so that it stays within 0 and 1.
    """

    value: float
    error: float
    low: float
    high: float
    n: int
    n_events: int


def auc_of(y: np.ndarray, score: np.ndarray) -> Auc:
    """AUC with DeLong's standard error; ties count half.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
    characteristic curves, Biometrics 1988; Sun & Xu, Fast implementation of DeLong's algorithm, IEEE Signal
    Processing Letters 2014 (by ranks).

    Examples
    --------
    >>> made = auc_of(np.array([0, 0, 1, 1]), np.array([.1, .4, .35, .8]))
    >>> made.value, round(made.error, 4)
    (0.75, 0.3536)
    """
    from scipy.stats import rankdata

    positive, negative = score[y == 1], score[y == 0]
    m, k = len(positive), len(negative)
    if m < 2 or k < 2:
        return Auc(math.nan, math.nan, math.nan, math.nan, m + k, m)
    ranks = rankdata(np.concatenate([positive, negative]))
    # Share of negatives below each positive, and of positives above each negative.
    above = (ranks[:m] - rankdata(positive)) / k
    beaten = 1 - (ranks[m:] - rankdata(negative)) / m
    value = float(above.mean())
    error = math.sqrt(float(above.var(ddof=1)) / m + float(beaten.var(ddof=1)) / k)
    low, high = _between(value, error)
    return Auc(value, error, low, high, m + k, m)


def _between(value: float, error: float) -> tuple[float, float]:
    if not 0 < value < 1:
        return value, value
    logit, reach = math.log(value / (1 - value)), _Z * error / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-min(700.0, max(-700.0, each)))) for each in (logit - reach, logit + reach))
    return low, high


def heterogeneity(found: Sequence[Auc]) -> float:
    """p-value that all AUCs are one, by Cochran's Q; NaN for fewer than two that have an error.

    References
    ----------
    Cochran, The combination of estimates from different experiments, Biometrics 1954.

    Examples
    --------
    >>> same, other = Auc(0.8, 0.02, 0.76, 0.84, 500, 50), Auc(0.6, 0.02, 0.56, 0.64, 500, 50)
    >>> heterogeneity([same, same]), heterogeneity([same, other]) < 0.001
    (1.0, True)
    """
    known = [each for each in found if math.isfinite(each.error) and each.error > 0]
    if len(known) < 2:
        return math.nan
    value, weight = (np.array(each) for each in ([a.value for a in known], [1 / a.error**2 for a in known]))
    q = float(weight @ (value - np.average(value, weights=weight)) ** 2)
    return float(chdtrc(len(known) - 1, q))
