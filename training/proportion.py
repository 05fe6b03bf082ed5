"""Intervals and tests of a share: n trials, k events."""

from __future__ import annotations

import numpy as np

_Z = 1.959963984540054


def jeffreys(k: np.ndarray, n: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Jeffreys' interval: quantiles of Beta(k + ½, n - k + ½); it reaches 0 where k = 0, and 1 where k = n.

    References
    ----------
    Brown, Cai & DasGupta, Interval estimation for a binomial proportion, Statistical Science 2001.

    Examples
    --------
    >>> low, high = jeffreys(np.array([0, 5]), np.array([20, 20]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.102], [0.117, 0.464])
    """
    from scipy.special import betaincinv

    k, n = np.asarray(k, np.float64), np.asarray(n, np.float64)
    low, high = (betaincinv(k + 0.5, n - k + 0.5, q) for q in ((1 - level) / 2, (1 + level) / 2))
    return np.where(k == 0, 0.0, low), np.where(k == n, 1.0, high)


def wilson(k: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95 % score interval.

    Examples
    --------
    >>> low, high = wilson(np.array([0, 5]), np.array([20, 20]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.112], [0.161, 0.469])
    """
    k, n = np.asarray(k, np.float64), np.asarray(n, np.float64)
    rate, weight = k / n, 1 + _Z**2 / n
    centre = (rate + _Z**2 / (2 * n)) / weight
    reach = _Z * np.sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n**2)) / weight
    return np.maximum(0.0, centre - reach), np.minimum(1.0, centre + reach)


def too_low(k: np.ndarray, n: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """p-value of the one-sided Jeffreys test that a stated probability is not too low for what happened.

    It is the posterior chance, under Jeffreys' prior, that the true rate is at or below the stated one.

    References
    ----------
    European Central Bank, Instructions for reporting the validation results of internal models, 2019, 2.5.3.1.

    Examples
    --------
    >>> too_low(np.array([2, 10]), np.array([100, 100]), np.array([0.02, 0.02])).round(3).tolist()
    [0.452, 0.0]
    """
    from scipy.special import betainc

    return np.asarray(betainc(np.asarray(k) + 0.5, np.asarray(n) - np.asarray(k) + 0.5, probability))


def binomial_tail(k: np.ndarray, n: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Chance of k or more events in n independent trials of a probability: the binomial test that it is too low.

    Examples
    --------
    >>> binomial_tail(np.array([0, 1]), np.array([2, 2]), np.array([0.5, 0.5])).tolist()
    [1.0, 0.75]
    """
    from scipy.special import betainc

    k, n = np.asarray(k, np.float64), np.asarray(n, np.float64)
    return np.where(k <= 0, 1.0, betainc(np.maximum(k, 1), n - np.maximum(k, 1) + 1, probability))
