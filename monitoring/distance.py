"""The Wasserstein distance of two samples, in interquartile ranges of the first, with what chance gives it.

1. both samples, at most 1,000 even quantiles of each  -> distance (scipy)
2. both pooled, drawn apart again 199 times            -> distances by chance
3. a log-normal distribution fitted to these           -> quantile: 199 draws alone have no 99.9th percentile

Rows of one customer are alike and cannot be drawn apart. Where it is known whose each row is, the distances by chance
are areas between two distribution functions whose values at 50 points vary together as whole customers make them vary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import wasserstein_distance

from scoring.clusters import covariance, n_clusters
from scoring.drift import Clusters

_MOST = 1_000
_DRAWS = 199
_SEED = 20_261
_POINTS = 50
_MANY = 2_000


@dataclass(frozen=True, slots=True)
class Transport:
    """A distance; ``expected`` and ``by_chance`` are the mean and a quantile of two samples of one population."""

    value: float
    expected: float
    by_chance: float


def transport(
    reference: NDArray[np.float64], current: NDArray[np.float64], confidence: float, clusters: Clusters = (None, None)
) -> Transport:
    """The distance between two samples without NaN, in interquartile ranges of the reference (its standard deviation
    where that range is 0; 1 where it is constant).

    Parameters
    ----------
    clusters : whose each row is, of the reference and of the current sample; None where rows are independent.

    Examples
    --------
    >>> values = np.arange(1000.0)
    >>> found = transport(values, values + 500, 0.99)
    >>> round(found.value, 2), found.value > found.by_chance
    (1.0, True)
    """
    then, now = _even(reference), _even(current)
    low, high = np.quantile(reference, [0.25, 0.75])
    scale = float(high - low) or float(reference.std()) or 1.0
    value = float(wasserstein_distance(then, now)) / scale
    pooled = np.concatenate([then, now])
    rng = np.random.default_rng(_SEED)
    drawn = np.empty(_DRAWS)
    for place in range(_DRAWS):
        rng.shuffle(pooled)
        drawn[place] = wasserstein_distance(pooled[: len(then)], pooled[len(then) :])
    # Samples were thinned to even quantiles, which vary less than draws: chance is that of the samples' true sizes.
    wider = np.sqrt((1 / len(then) + 1 / len(now)) ** -1 * (1 / len(reference) + 1 / len(current)))
    drawn *= wider / scale
    if any(each is not None for each in clusters):
        # Chance is never less than that of independent rows.
        alike = _of_clusters(reference, current, clusters) / scale
        drawn = max(drawn, alike, key=lambda each: float(each.mean()))
    mean = float(drawn.mean())
    if not drawn.min() > 0:
        return Transport(value, mean, float(drawn.max()))
    logs = np.log(drawn)
    return Transport(value, mean, float(np.exp(logs.mean() + ndtri(confidence) * logs.std(ddof=1))))


def _of_clusters(
    reference: NDArray[np.float64], current: NDArray[np.float64], clusters: Clusters
) -> NDArray[np.float64]:
    """Distances of two samples of one population that come in clusters."""
    pooled = np.concatenate([_even(reference), _even(current)])
    points = np.unique(np.quantile(pooled, (np.arange(_POINTS) + 0.5) / _POINTS))
    edges = np.concatenate([[pooled.min()], (points[1:] + points[:-1]) / 2, [pooled.max()]])
    n_bins = len(points) + 1
    shares = sum(
        (
            covariance(np.searchsorted(points, rows, side="left"), n_bins, mine)
            for rows, mine in zip((reference, current), clusters, strict=True)
        ),
        np.zeros((n_bins, n_bins)),
    )
    functions = np.cumsum(np.cumsum(shares, axis=0), axis=1)[:-1, :-1]
    size, way = np.linalg.eigh(functions)
    rng = np.random.default_rng(_SEED)
    drawn = rng.normal(size=(_MANY, len(points))) @ (way * np.sqrt(np.maximum(size, 0.0))).T
    # How much they vary is itself only known from so many clusters.
    freedom = min(n_clusters(m, len(rows)) for m, rows in zip(clusters, (reference, current), strict=True)) - 1
    drawn *= np.sqrt(max(1, freedom) / rng.chisquare(max(1, freedom), size=(_MANY, 1)))
    return np.asarray(np.abs(drawn) @ np.diff(edges))


def _even(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sample in order, or its even quantiles where it is large."""
    if len(sample) <= _MOST:
        return np.sort(sample)
    return np.asarray(np.quantile(sample, (np.arange(_MOST) + 0.5) / _MOST))
