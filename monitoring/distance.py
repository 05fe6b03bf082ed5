"""The Wasserstein distance of two samples, in interquartile ranges of the first, with what chance gives it.

1. both samples, at most 1,000 even quantiles of each  -> distance (scipy)
2. both pooled, drawn apart again 199 times            -> distances by chance
3. a log-normal distribution fitted to these           -> quantile: 199 draws alone have no 99.9th percentile
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import wasserstein_distance

_MOST = 1_000
_DRAWS = 199
_SEED = 20_261


@dataclass(frozen=True, slots=True)
class Transport:
    """A distance; ``expected`` and ``by_chance`` are the mean and a quantile of two samples of one population."""

    value: float
    expected: float
    by_chance: float


def transport(reference: NDArray[np.float64], current: NDArray[np.float64], confidence: float) -> Transport:
    """The distance between two samples without NaN, in interquartile ranges of the reference (its standard deviation
    where that range is 0; 1 where it is constant).

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
    mean = float(drawn.mean())
    if not drawn.min() > 0:
        return Transport(value, mean, float(drawn.max()))
    logs = np.log(drawn)
    return Transport(value, mean, float(np.exp(logs.mean() + ndtri(confidence) * logs.std(ddof=1))))


def _even(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sample in order, or its even quantiles where it is large."""
    if len(sample) <= _MOST:
        return np.sort(sample)
    return np.asarray(np.quantile(sample, (np.arange(_MOST) + 0.5) / _MOST))
