"""Intervals of shares: one share, and the difference of two."""

from __future__ import annotations

import math
from statistics import NormalDist

from domain.errors import InputError, expected_got


def wilson(n_hits: float, n: float, confidence: float) -> tuple[float, float]:
    """Score interval of a share (Wilson, 1927); the whole of [0, 1] when there are no rows.

    Parameters
    ----------
    n_hits, n : need not be whole: rows that come in clusters are worth fewer (`scoring.clusters.effective`).

    Raises
    ------
    InputError
        When there are more hits than rows.

    Examples
    --------
    >>> [round(edge, 4) for edge in wilson(5, 100, 0.95)]
    [0.0215, 0.1118]
    """
    if not 0 <= n_hits <= n:
        raise InputError(expected_got("0 <= hits <= rows", (n_hits, n), "wilson"))
    if n == 0:
        return 0.0, 1.0
    z = two_sided(confidence)
    share = n_hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At the ends the edge is the share itself; rounding must not pass it.
    return (0.0 if n_hits == 0 else middle - half), (1.0 if n_hits == n else middle + half)


def difference(n_hits: float, n: float, m_hits: float, m: float, confidence: float) -> tuple[float, float]:
    """Interval of ``n_hits / n - m_hits / m`` from the two score intervals (Newcombe, 1998, method 10).

    Examples
    --------
    >>> [round(edge, 4) for edge in difference(56, 70, 48, 80, 0.95)]
    [0.0524, 0.3339]
    """
    if n == 0 or m == 0:
        return -1.0, 1.0
    low, high = wilson(n_hits, n, confidence)
    other_low, other_high = wilson(m_hits, m, confidence)
    share, other = n_hits / n, m_hits / m
    between = share - other
    return (
        between - math.hypot(share - low, other_high - other),
        between + math.hypot(high - share, other - other_low),
    )


def two_sided(confidence: float) -> float:
    """The normal quantile that leaves ``1 - confidence`` outside on both sides together.

    Examples
    --------
    >>> round(two_sided(0.95), 3)
    1.96
    """
    if not 0 < confidence < 1:
        raise InputError(expected_got("a confidence between 0 and 1", confidence, "interval"))
    return NormalDist().inv_cdf((1 + confidence) / 2)
