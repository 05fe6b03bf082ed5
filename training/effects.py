"""How a score moves along a feature, and where two features do not simply add up.

ALE         differences of the score across the bin that a row lies in, the rest of it as it is, summed over bins: no
            row is asked about a place far from where it is (Apley and Zhu, 2020)
ICE, PDP    the score of each row with every value of a grid, and its mean: rows may leave the data (Friedman, 2001)
H           share of the spread of two features' joint partial dependence that their single ones do not add up to
            (Friedman and Popescu, 2008)

All on raw scores, log-odds. A row without a value has no place along the feature and is left out of its ALE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from domain.errors import InputError, expected_got
from training.intervals import interval_of, resamples

Raw = Callable[[np.ndarray], np.ndarray]
"""float64[n, m] → raw scores float64[n]."""


@dataclass(frozen=True)
class Ale:
    """Accumulated local effects of one feature.

    Parameters
    ----------
    edges : float64[k + 1], rising. effect, low, high : float64[k + 1], 0 on the mean of the rows, with the 95 %
        bootstrap interval. n : int64[k], rows of each bin. n_missing : rows without a value.
    """

    edges: np.ndarray
    effect: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    n_missing: int

    @property
    def span(self) -> float:
        """From the lowest effect to the highest."""
        return float(self.effect.max() - self.effect.min())


def accumulated_effects(
    raw: Raw,
    X: np.ndarray,
    column: int,
    *,
    n_bins: int = 20,
    cluster: np.ndarray | None = None,
    n_draws: int = 200,
    seed: int = 0,
) -> Ale | None:
    """ALE of a number in bins of equal counts; None where it has fewer than two values.

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(size=(500, 2))
    >>> made = accumulated_effects(lambda rows: 3 * rows[:, 0] + rows[:, 1], X, 0, n_bins=4, n_draws=20)
    >>> bool(np.allclose(np.diff(made.effect), 3 * np.diff(made.edges)))
    True
    """
    known = np.flatnonzero(np.isfinite(X[:, column]))
    x = X[known, column]
    if len(np.unique(x)) < 2:
        return None
    edges = np.unique(np.quantile(x, np.linspace(0, 1, n_bins + 1), method="inverted_cdf"))
    place = np.clip(np.searchsorted(edges, x, side="left") - 1, 0, len(edges) - 2)
    low, high = X[known].copy(), X[known].copy()
    low[:, column], high[:, column] = edges[place], edges[place + 1]
    rises = raw(high) - raw(low)

    def effect(weight: np.ndarray) -> np.ndarray:
        mass = np.bincount(place, weight, len(edges) - 1)
        steps = np.bincount(place, weight * rises, len(edges) - 1) / np.maximum(mass, 1e-300)
        path = np.concatenate([[0.0], np.cumsum(steps)])
        return np.asarray(path - np.sum(mass * (path[:-1] + path[1:]) / 2) / mass.sum())

    counts = resamples(len(X), cluster, n_draws, seed)
    drawn = np.array([effect(each[known]) for each in counts if each[known].any()])
    spans = [interval_of(each) for each in drawn.T]
    return Ale(
        edges, effect(np.ones(len(x))), np.array([span.low for span in spans]), np.array([span.high for span in spans]),
        np.bincount(place, minlength=len(edges) - 1), len(X) - len(known),
    )  # fmt: skip


def conditional_scores(raw: Raw, X: np.ndarray, column: int, grid: np.ndarray) -> np.ndarray:
    """ICE: the raw score of each row with each value of a grid, float64[n, k]; its mean over rows is the PDP."""
    swept = np.repeat(X, len(grid), axis=0)
    swept[:, column] = np.tile(grid, len(X))
    return raw(swept).reshape(len(X), len(grid))


def grid_of(column: np.ndarray, n: int = 20) -> np.ndarray:
    """At most n values of a column from its 2 % to its 98 % quantile, rising; all of them where they are few.

    Examples
    --------
    >>> grid_of(np.array([3.0, 1.0, np.nan, 1.0])).tolist()
    [1.0, 3.0]
    """
    known = column[np.isfinite(column)]
    if len(np.unique(known)) <= n:
        return np.unique(known)
    return np.unique(np.quantile(known, np.linspace(0.02, 0.98, n), method="inverted_cdf"))


def interactions(raw: Raw, X: np.ndarray, columns: tuple[int, ...]) -> dict[tuple[int, int], float]:
    """H of each pair of columns: 0 where their parts add up, 1 where only both together move the score.

    The n rows of X are both the points and the rows averaged over: n² scores a pair. A pair that moves nothing has 0.

    Raises
    ------
    InputError
        When there are fewer than two rows.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> found = interactions(lambda rows: rows[:, 0] + rows[:, 1] * rows[:, 2], X, (0, 1, 2))
    >>> round(found[0, 1], 6), found[1, 2] > 0.9
    (0.0, True)
    """
    if len(X) < 2:
        raise InputError(expected_got("at least two rows", len(X), "interactions"))
    single = {column: _dependence(raw, X, (column,)) for column in columns}
    found = {}
    for a, b in combinations(columns, 2):
        joint = _dependence(raw, X, (a, b))
        whole = float(joint @ joint)
        rest = joint - single[a] - single[b]
        found[a, b] = float(np.sqrt(min(1.0, float(rest @ rest) / whole))) if whole > 1e-18 else 0.0
    return found


def _dependence(raw: Raw, X: np.ndarray, columns: tuple[int, ...]) -> np.ndarray:
    """Centred partial dependence at each row's own values, float64[n]."""
    n = len(X)
    mixed = np.tile(X, (n, 1))
    mixed[:, list(columns)] = np.repeat(X[:, list(columns)], n, axis=0)
    means = raw(mixed).reshape(n, n).mean(axis=1)
    return np.asarray(means - means.mean())
