"""One period against those before it: how many times the usual, and whether chance explains it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom, nbinom
from scipy.stats import t as student

LEAST_PAST = 7
"""Periods from which a spread is worth estimating."""

_MAD_TO_SIGMA = 1.4826
_TWO_WEEKS = 14


@dataclass(frozen=True, slots=True)
class AgainstPast:
    """A value as a multiple of the median of the past.

    Parameters
    ----------
    times : value over median. usual : that median. within_chance : the past strays as far as that.
    """

    times: float
    usual: float
    within_chance: bool


def against_past(
    value: float, past: Sequence[float], *, noise: float = 0.0, beyond: float = 1.0, confidence: float = 0.999
) -> AgainstPast | None:
    """Compare on the log scale, where a half and a double are equally far; None where the past does not suffice.

    The spread is the median absolute deviation of the past, so that a wave among it does not widen what is usual, and
    ``noise``, the relative error that counting alone gives the value, is added to it.

    Parameters
    ----------
    past : values of earlier periods; those that are not positive and finite are left out.
    beyond : a value that is no further out than this many times the extremes of the past is chance as well, whatever
        the spread says: series with heavy tails have some large values.
    confidence : that a value of an unchanged series is called chance, were logs normal (Student's t, since the spread
        is estimated).

    Examples
    --------
    >>> past = [100.0, 104.0, 97.0, 101.0, 99.0, 103.0, 98.0] * 3
    >>> against_past(102.0, past).within_chance, round(against_past(250.0, past).times, 2)
    (True, 2.5)
    >>> against_past(102.0, past[:5]) is None
    True
    """
    known = np.asarray([each for each in past if math.isfinite(each) and each > 0], dtype=np.float64)
    if len(known) < LEAST_PAST or not math.isfinite(value) or value <= 0:
        return None
    logs = np.log(known)
    middle = float(np.median(logs))
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(logs - middle)))
    # The median of few values has an error of its own: about 1.25 spreads over the root of their number.
    sigma = math.hypot(spread * math.sqrt(1 + 1.57 / len(known)), noise)
    far = float(student.ppf((1 + confidence) / 2, len(known) - 1))
    away = math.log(value) - middle
    low, high = extremes(known)
    usual = abs(away) <= far * sigma or low / beyond <= value <= high * beyond
    return AgainstPast(math.exp(away), math.exp(middle), usual)


def extremes(past: NDArray[np.float64]) -> tuple[float, float]:
    """The least and the greatest; the second of each where there are two weeks, so that one odd day hides no other.

    Examples
    --------
    >>> extremes(np.array([3.0, 1.0, 2.0])), extremes(np.arange(20.0))
    ((1.0, 3.0), (1.0, 18.0))
    """
    place = int(len(past) >= _TWO_WEEKS)
    ordered = np.sort(past)
    return float(ordered[place]), float(ordered[-1 - place])


def share_against_past(
    hits: int, n: int, past: Sequence[tuple[int, int]], *, confidence: float = 0.999
) -> AgainstPast | None:
    """A share as a multiple of what the past makes usual; None where the past does not suffice.

    The usual share is the median of the past periods' shares where that is not 0, so that a wave among them does not
    become usual, else that of all their rows. Chance is the beta-binomial distribution of the hits, given what is known
    of the share, widened by the spread that the past periods showed beyond counting.

    Parameters
    ----------
    hits, n : of the present period. past : the same of earlier periods; empty ones are left out.

    Examples
    --------
    >>> past = [(2, 100), (3, 100), (1, 100)] * 7
    >>> share_against_past(3, 100, past).within_chance, share_against_past(20, 100, past).within_chance
    (True, False)
    >>> round(share_against_past(20, 100, past).times, 1), share_against_past(2, 50, past[:5]) is None
    (10.0, True)
    """
    known = [(k, m) for k, m in past if m > 0]
    if len(known) < LEAST_PAST or n <= 0:
        return None
    counts, rows = (np.asarray(each, dtype=np.float64) for each in zip(*known, strict=True))
    shares = counts / rows
    usual = float(np.median(shares)) or float(counts.sum() / rows.sum())
    total = float(rows.sum())
    # Pearson's residuals of the past, whose size does not depend on a wave among them.
    floor = max(usual, 0.5 / total)
    residual = (shares - usual) / np.sqrt(floor * max(1 - usual, 1e-9) / rows)
    spread = max(1.0, float(np.median(np.abs(residual))) * _MAD_TO_SIGMA) ** 2
    # Overdispersed counts say as much as fewer even ones.
    seen, now = total / spread, n / spread
    a, b = usual * seen + 0.5, (1 - usual) * seen + 0.5
    scaled, most = hits / spread, max(1, round(now))
    few = max(hits, usual * n) < FEW
    above = float(betabinom.sf(math.floor(scaled) - 1, most, a, b))
    below = float(betabinom.cdf(math.ceil(scaled), most, a, b))
    return AgainstPast((hits / n) / floor, usual, min(above, below) > (1 - confidence) / 2 or few)


def within_counts(value: float, past: NDArray[np.float64], *, confidence: float = 0.999) -> bool:
    """Whether chance explains a count, or an expected count, after those of the past; few are always chance.

    Gamma-Poisson: what is known of the mean from the past days, widened by their spread beyond counting; and nothing
    that a past day reached is more than chance.

    Parameters
    ----------
    past : of days as large as the present one.

    Examples
    --------
    >>> past = np.array([2.0, 4.0, 3.0, 1.0, 3.0, 2.0, 4.0] * 3)
    >>> within_counts(5.0, past), within_counts(15.0, past), within_counts(2.0, past * 0)
    (True, False, True)
    """
    if len(past) < LEAST_PAST or value < FEW or value <= extremes(past)[1]:
        return True
    spread = max(1.0, float(past.var(ddof=1)) / max(float(past.mean()), 1e-9))
    seen, days = (float(past.sum()) + 0.5) / spread, float(len(past))
    return float(nbinom.sf(value / spread - 1, seen, days / (days + 1))) > (1 - confidence) / 2


FEW = 4.0
"""Events of a day below which nothing is more than chance: an incident often has two or three."""
