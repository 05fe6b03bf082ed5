"""The feature that ranks the outcome best by itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from scoring.metrics import Ranking
from training.intake.auc import encoded, ranked
from training.intervals import Interval, bootstrap


@dataclass(frozen=True)
class Strongest:
    """One feature alone. ``auc`` is at least a half whichever way the feature points; NaN where none can be ranked."""

    name: str
    auc: float
    interval: Interval
    n: int
    n_events: int


def strongest(
    X: np.ndarray,
    y: np.ndarray,
    names: tuple[str, ...],
    categorical: Collection[str],
    *,
    cluster: np.ndarray | None = None,
    n_draws: int = 200,
    seed: int = 0,
) -> Strongest:
    """The greatest AUC of a single column, with a bootstrap interval of that column's.

    A missing number counts as below or above all others, whichever ranks better; a category by the rates of its
    values, learnt on the other four fifths. The best of many columns is a little too good by chance.

    Parameters
    ----------
    X : float64[n, m], encoded. y : int8[n], 0 or 1. cluster : int64[n], what is resampled; rows where None.

    Examples
    --------
    >>> X = np.column_stack([np.tile([0.0, 1.0], 50), np.repeat([3.0, 4.0], 50)])
    >>> found = strongest(X, np.repeat([0, 1], 50), ("noise", "amount"), ())
    >>> found.name, found.auc, found.interval.low
    ('amount', 1.0, 1.0)
    """
    n, n_events = len(y), int(y.sum())
    if n_events in (0, n):
        return Strongest("", float("nan"), Interval(float("nan"), float("nan")), n, n_events)
    best, auc = -1, -1.0
    for place, name in enumerate(names):
        column = X[:, place]
        if name in categorical:
            found = encoded(y, np.where(np.isnan(column), -1, column).astype(np.int64) + 1, seed).auc
        else:
            found = max(ranked(y, filled, "value").auc for filled in _filled(column))
        if found > auc:
            best, auc = place, found
    return Strongest(
        names[best], auc, _interval(X[:, best], y, names[best] in categorical, cluster, n_draws, seed), n, n_events
    )


def _filled(column: np.ndarray) -> list[np.ndarray]:
    missing = np.isnan(column)
    if not missing.any():
        return [column]
    return [np.where(missing, value, column) for value in (-np.inf, np.inf)]


def _interval(
    column: np.ndarray, y: np.ndarray, is_category: bool, cluster: np.ndarray | None, n_draws: int, seed: int
) -> Interval:
    if is_category:
        codes = np.where(np.isnan(column), -1, column).astype(np.int64) + 1
        rate = np.bincount(codes, weights=y) / np.maximum(1, np.bincount(codes))
        score = rate[codes]
    else:
        score = max(_filled(column), key=lambda each: abs(Ranking.of(y, each).auc() - 0.5))
    ranking = Ranking.of(y, score)
    points_up = ranking.auc() >= 0.5

    def auc(weight: np.ndarray) -> dict[str, float]:
        found = ranking.auc(weight)
        return {"auc": found if points_up else 1 - found}

    return bootstrap(auc, len(y), cluster, n_draws, seed)["auc"]
