"""Reliability: do events happen as often as was said, by bins of probability, with what chance alone would show."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from training.evaluation import Figure
from training.proportion import jeffreys, wilson

N_BINS = 10
N_DRAWS = 500


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of neighbouring probabilities; ``low`` and ``high`` bound the observed rate with 95 %."""

    n: int
    n_events: int
    least: float
    most: float
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """How far probabilities can be trusted on some rows.

    Parameters
    ----------
    bins : by rising probability.
    calibration_error : mean distance of observed rate and mean probability over the bins, weighted by rows.
    chance : mean and 95 % quantile of that figure if every probability were right; a finite sample is never at 0.
    p_value : share of such samples at least as far off.
    brier : = reliability - resolution + uncertainty + within_bins.
    reliability, resolution, uncertainty : Murphy's parts over the bins. within_bins : what binning hides.
    spiegelhalter : (z, two-sided p-value) of the Brier score if every probability were right.
    """

    bins: tuple[Bin, ...]
    calibration_error: float
    chance: tuple[float, float]
    p_value: float
    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float
    spiegelhalter: tuple[float, float]

    def table(self) -> pd.DataFrame:
        """One row a bin."""
        return pd.DataFrame([asdict(each) for each in self.bins])

    def plot(self) -> Any:
        """A matplotlib figure: observed rate over mean probability with intervals."""
        from training.money_plots import reliability_figure

        return reliability_figure(self)

    def to_json(self) -> str:
        """Everything, as JSON."""
        return json.dumps(asdict(self), indent=2)


def reliability(
    y: np.ndarray, probability: np.ndarray, *, n_bins: int = N_BINS, n_draws: int = N_DRAWS, seed: int = 0
) -> Reliability:
    """Measure the reliability of probabilities on labelled rows that were not used to calibrate them.

    Bins hold equally many rows, rows of equal probability stay together, and the interval of each bin is Jeffreys'.

    Parameters
    ----------
    y : int8[n]. probability : float64[n].

    References
    ----------
    Murphy, A new vector partition of the probability score, J. Applied Meteorology 1973; Stephenson, Coelho &
    Jolliffe, Two extra components in the Brier score decomposition, Weather and Forecasting 2008; Spiegelhalter,
    Probabilistic prediction in patient management and clinical trials, Statistics in Medicine 1986; Bröcker & Smith,
    Increasing the reliability of reliability diagrams, Weather and Forecasting 2007 (the null of the sample).

    Examples
    --------
    >>> p = np.repeat([0.1, 0.9], 100)
    >>> y = np.concatenate([np.arange(100) < 10, np.arange(100) < 80]).astype(np.int8)
    >>> made = reliability(y, p)
    >>> round(made.calibration_error, 3), [(each.n, each.n_events) for each in made.bins]
    (0.05, [(100, 10), (100, 80)])
    """
    place = bins_of(probability, n_bins)
    n, k = len(y), int(place.max()) + 1
    rows = np.bincount(place, minlength=k)
    said, seen = (np.bincount(place, weights=values, minlength=k) / rows for values in (probability, y))
    events = np.bincount(place, weights=y, minlength=k).astype(np.int64)
    low, high = jeffreys(events, rows)
    inside = [probability[place == b] for b in range(k)]
    bins = tuple(
        Bin(int(rows[b]), int(events[b]), float(inside[b].min()), float(inside[b].max()), float(said[b]),
            float(seen[b]), float(low[b]), float(high[b]))
        for b in range(k)
    )  # fmt: skip
    share, rate = rows / n, float(y.mean())
    error = float(share @ np.abs(seen - said))
    null = _chance(probability, place, said, rows, n_draws, seed)
    brier = float(np.mean((probability - y) ** 2))
    parts = (float(share @ (said - seen) ** 2), float(share @ (seen - rate) ** 2), rate * (1 - rate))
    beyond = float((1 + (null >= error).sum()) / (1 + n_draws))
    chance = (float(null.mean()), float(np.quantile(null, 0.95)))
    hidden = brier - (parts[0] - parts[1] + parts[2])
    z = spiegelhalter(y, probability)
    return Reliability(bins, error, chance, beyond, brier, *parts, hidden, z)


def calibration_figures(made: Reliability, y: np.ndarray) -> list[Figure]:
    """As figures of an evaluation; the calibration error stands beside what chance alone would show."""
    n, n_events = len(y), int(y.sum())
    error = f"by chance {made.chance[0]:.3g}, in one sample of twenty over {made.chance[1]:.3g}; p = {made.p_value:.2g}"
    z = f"2-sided p = {made.spiegelhalter[1]:.2g}; rows taken as independent"
    return [
        Figure("calibration_error", made.calibration_error, n=n, n_events=n_events, note=error),
        Figure("spiegelhalter_z", made.spiegelhalter[0], n=n, n_events=n_events, note=z),
    ]


def bins_of(probability: np.ndarray, n_bins: int) -> np.ndarray:
    """Bin of each row, int64[n], numbered from 0 without gaps: about equally many rows, ties together.

    Examples
    --------
    >>> bins_of(np.array([.1, .1, .1, .2, .3, .4]), 3).tolist()
    [0, 0, 0, 1, 2, 2]
    """
    edges = np.quantile(probability, np.arange(1, n_bins) / n_bins, method="inverted_cdf")
    place = np.searchsorted(np.unique(edges), probability, side="left")
    return np.asarray(np.unique(place, return_inverse=True)[1], dtype=np.int64)


def spiegelhalter(y: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    """Spiegelhalter's z and its two-sided p-value, if every probability were right; NaN where nothing can vary.

    Examples
    --------
    >>> z, p = spiegelhalter(np.array([1, 0, 0, 0]), np.full(4, 0.25))
    >>> z, p
    (0.0, 1.0)
    """
    slant = 1 - 2 * probability
    spread = float(np.sum(slant**2 * probability * (1 - probability)))
    if spread <= 0:
        return math.nan, math.nan
    z = float(np.sum((y - probability) * slant)) / math.sqrt(spread)
    return z, math.erfc(abs(z) / math.sqrt(2))


def _chance(
    probability: np.ndarray, place: np.ndarray, said: np.ndarray, rows: np.ndarray, n_draws: int, seed: int
) -> np.ndarray:
    """The calibration error of samples in which every probability is right, float64[n_draws]."""
    rng = np.random.default_rng(seed)
    drawn = np.empty(n_draws)
    for number in range(n_draws):
        events = np.bincount(place, weights=rng.random(len(probability)) < probability, minlength=len(rows))
        drawn[number] = (np.abs(events / rows - said) * rows).sum() / len(probability)
    return drawn


def wilson_bins(made: Reliability) -> pd.DataFrame:
    """The table of bins with Wilson's intervals in place of Jeffreys'."""
    table = made.table()
    table["low"], table["high"] = wilson(table["n_events"].to_numpy(), table["n"].to_numpy())
    return table
