"""How well one column ranks a target by itself, with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.metrics import Ranking

_FOLDS = 5
_BINS = 50
_PRIOR = 10.0


@dataclass(frozen=True, slots=True)
class Alone:
    """An AUC and its 95 % interval; ``how`` says what of the column did it."""

    auc: float
    low: float
    high: float
    how: str
    n: int


def interval(auc: float, n_events: int, n_others: int) -> tuple[float, float]:
    """95 % interval of an AUC by Hanley and McNeil (Radiology 143, 1982), without bounds outside 0…1.

    Examples
    --------
    >>> [round(limit, 3) for limit in interval(0.8, 50, 200)]
    [0.723, 0.877]
    """
    if not (n_events and n_others):
        return float("nan"), float("nan")
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (n_events - 1) * (one - auc**2) + (n_others - 1) * (two - auc**2)
    reach = 1.96 * float(np.sqrt(max(spread, 0.0) / (n_events * n_others)))
    return max(0.0, auc - reach), min(1.0, auc + reach)


def ranked(y: np.ndarray, score: np.ndarray, how: str, *, either: bool = True) -> Alone:
    """The AUC of a score float64[n] without NaN, whichever way it points where ``either``.

    Examples
    --------
    >>> ranked(np.array([1, 1, 0, 0]), np.array([1.0, 2, 3, 4]), "value").auc
    1.0
    """
    n_events = int(y.sum())
    if n_events in (0, len(y)) or not len(y):
        return Alone(float("nan"), float("nan"), float("nan"), how, len(y))
    auc = Ranking.of(y, score).auc()
    auc = max(auc, 1 - auc) if either else auc
    return Alone(auc, *interval(auc, n_events, len(y) - n_events), how, len(y))


def flagged(y: np.ndarray, flag: np.ndarray, how: str) -> Alone:
    """The AUC of a flag bool[n], whichever way it points: half the distance of its rates, above a half.

    Examples
    --------
    >>> flagged(np.array([1, 1, 0, 0]), np.array([True, False, False, False]), "filled").auc
    0.75
    """
    n_events = int(y.sum())
    if n_events in (0, len(y)) or not len(y):
        return Alone(float("nan"), float("nan"), float("nan"), how, len(y))
    auc = 0.5 + abs(float(flag[y == 1].mean() - flag[y == 0].mean())) / 2
    return Alone(auc, *interval(auc, n_events, len(y) - n_events), how, len(y))


def encoded(y: np.ndarray, codes: np.ndarray, seed: int) -> Alone:
    """The AUC of categories int64[n] by target rates learnt on the other four fifths.

    Folds are stratified, so that a category unseen in the rest is given the same rate in each. Not direction-free:
    the rates point the right way, and a rate learnt from others' labels leans against one's own by chance.

    Examples
    --------
    >>> y = np.tile([0, 1], 50)
    >>> encoded(y, y.astype(np.int64), seed=0).auc
    1.0
    """
    fold = (stratified_places(y, seed) * _FOLDS).astype(np.int64)
    n_codes = int(codes.max()) + 1
    cell = fold * n_codes + codes
    n = np.bincount(cell, minlength=_FOLDS * n_codes).reshape(_FOLDS, n_codes)
    hits = np.bincount(cell, weights=y, minlength=_FOLDS * n_codes).reshape(_FOLDS, n_codes)
    # What the other folds say: all less one's own.
    n, hits = n.sum(axis=0) - n, hits.sum(axis=0) - hits
    rate = ((hits + _PRIOR * y.mean()) / (n + _PRIOR)).ravel()[cell]
    return ranked(y, rate, "rates of its values", either=False)


def binned(values: np.ndarray) -> np.ndarray:
    """Quantile bins int64[n] of numbers; 0 is missing.

    Examples
    --------
    >>> binned(np.array([np.nan, 1.0, 2.0])).tolist()
    [0, 1, 50]
    """
    missing = np.isnan(values)
    codes = np.zeros(len(values), np.int64)
    if not missing.all():
        edges = np.unique(np.quantile(values[~missing], np.linspace(0, 1, _BINS + 1)[1:-1]))
        codes[~missing] = 1 + np.searchsorted(edges, values[~missing], side="left")
    return codes


def stratified_places(y: np.ndarray, seed: int) -> np.ndarray:
    """Each row's place in [0, 1) of a seeded order within its class.

    Examples
    --------
    >>> np.sort(stratified_places(np.array([0, 0, 1, 1]), 3)).tolist()
    [0.0, 0.0, 0.5, 0.5]
    """
    rng = np.random.default_rng(seed)
    place = np.empty(len(y))
    for value in np.unique(y):
        mine = np.flatnonzero(y == value)
        place[mine] = rng.permutation(len(mine)) / len(mine)
    return place
