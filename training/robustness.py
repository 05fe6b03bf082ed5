"""Robustness: what happens to ranks and grades when inputs are noisy, missing, old, unknown or extreme.

Rows are a sample with weights: all events, and as many of the others as there is room for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.metrics import Ranking
from training.cutoffs import grade_codes
from training.intervals import Interval, bootstrap

Score = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Encoded rows float64[n, m] → raw scores and probabilities, float64[n] each."""

EXTREMES = (np.inf, -np.inf, 1e300, -1e300, 1e9, -1.0, 0.0, np.nan)


@dataclass(frozen=True)
class Sample:
    """Labelled rows of the test that stand for all of them.

    Parameters
    ----------
    place : int64[k], places of the rows. weight : float64[k], rows that each stands for.
    """

    place: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, slots=True)
class Change:
    """What a disturbance does.

    Parameters
    ----------
    auc_loss, ap_loss : of the undisturbed less the disturbed, paired, with 95 % intervals. auc : what is left.
    rank_correlation : Spearman's, of raw scores before and after.
    grades : share of rows whose grade changes.
    """

    name: str
    auc: float
    auc_interval: Interval
    auc_loss: float
    auc_loss_interval: Interval
    ap_loss: float
    ap_loss_interval: Interval
    rank_correlation: float
    grades: float
    grades_interval: Interval


def draw_sample(y: np.ndarray, n_rows: int, seed: int) -> Sample:
    """All events and a lot of the others, at most ``n_rows``; a half of them events where there are too many.

    Examples
    --------
    >>> made = draw_sample(np.array([1] + [0] * 9), 4, seed=1)
    >>> len(made.place), made.weight.tolist()
    (4, [1.0, 3.0, 3.0, 3.0])
    """
    rng = np.random.default_rng(seed)
    found = []
    events, others = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    n_events = min(len(events), max(n_rows // 2, n_rows - len(others)))
    for rows, n in ((events, n_events), (others, min(len(others), n_rows - n_events))):
        kept = rng.permutation(rows)[:n]
        found.append((kept, np.full(n, len(rows) / max(1, n))))
    place = np.concatenate([kept for kept, _ in found])
    order = np.argsort(place, kind="stable")
    weight = np.concatenate([weight for _, weight in found])[order]
    place = place[order]
    return Sample(place, weight)


def measure_changes(
    y: np.ndarray,
    weight: np.ndarray,
    before: tuple[np.ndarray, np.ndarray],
    after: Mapping[str, tuple[np.ndarray, np.ndarray]],
    cutoffs: Mapping[str, float],
    *,
    cluster: np.ndarray | None,
    n_draws: int,
    seed: int,
) -> tuple[Change, ...]:
    """Each disturbance held against the undisturbed rows, all on the same resamples.

    Parameters
    ----------
    y : int8[n]. weight : float64[n]. before : raw scores and probabilities. after : of each disturbance by name.
    cluster : int64[n], days, or None.
    """
    grades = grade_codes(before[1], cutoffs)
    base = Ranking.of(y, before[0])
    ranked = {name: Ranking.of(y, raw) for name, (raw, _) in after.items()}
    moved = {name: grade_codes(probability, cutoffs) != grades for name, (_, probability) in after.items()}

    def statistic(counts: np.ndarray) -> dict[str, float]:
        each = counts * weight
        whole, first = float(each.sum()), base.figures(each)
        found = {}
        for name, ranking in ranked.items():
            made = ranking.figures(each)
            found[f"{name}\nauc"] = made["auc"]
            found[f"{name}\nauc_loss"] = first["auc"] - made["auc"]
            found[f"{name}\nap_loss"] = first["average_precision"] - made["average_precision"]
            found[f"{name}\ngrades"] = float(each @ moved[name]) / max(whole, 1e-12)
        return found

    value = statistic(np.ones(len(y), np.int64))
    spread = bootstrap(statistic, len(y), cluster, n_draws, seed)
    ranks = _ranks(before[0])
    return tuple(
        Change(
            name, value[f"{name}\nauc"], spread[f"{name}\nauc"], value[f"{name}\nauc_loss"],
            spread[f"{name}\nauc_loss"], value[f"{name}\nap_loss"], spread[f"{name}\nap_loss"],
            _correlation(ranks, _ranks(raw)), value[f"{name}\ngrades"], spread[f"{name}\ngrades"],
        )
        for name, (raw, _) in after.items()
    )  # fmt: skip


def with_noise(X: np.ndarray, reference: np.ndarray, numeric: Sequence[int], level: float, seed: int) -> np.ndarray:
    """Rows with normal noise of ``level`` interquartile ranges on each number.

    Where the middle half is one value the standard deviation takes the range's place. Whole numbers stay whole,
    nothing leaves the range of the reference, and missing values stay missing.

    Parameters
    ----------
    X : float64[n, m]. reference : float64[k, m], rows the ranges are taken from.

    Examples
    --------
    >>> X = np.array([[1.0, 5.0], [2.0, np.nan]])
    >>> made = with_noise(X, np.array([[0.0, 5], [4, 5], [2, 5]]) + 0.5, [0, 1], 0.1, seed=1)
    >>> bool((made[:, 0] != X[:, 0]).all()), bool(np.isnan(made[1, 1]))
    (True, True)
    """
    rng = np.random.default_rng(seed)
    made = X.copy()
    for place in numeric:
        values = reference[:, place]
        values = values[np.isfinite(values)]
        if len(values) == 0:
            continue
        low, high = np.quantile(values, [0.25, 0.75])
        spread = float(high - low) or float(values.std())
        noisy = X[:, place] + level * spread * rng.normal(size=len(X))
        if (values == np.floor(values)).all():
            noisy = np.round(noisy)
        made[:, place] = np.clip(noisy, values.min(), values.max())
    return made


def without(X: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """Rows in which some features are missing."""
    made = X.copy()
    made[:, list(places)] = np.nan
    return made


def earlier_rows(card: np.ndarray | None, n: int, seed: int) -> np.ndarray:
    """For each of n rows in the order of time a row before it, int64[n]: the last of its card, else one by lot.

    A row that has none stands for itself.

    Examples
    --------
    >>> earlier_rows(np.array([7, 8, 7, 7]), 4, seed=0).tolist()
    [0, 1, 0, 2]
    """
    if card is None:
        return np.asarray(np.floor(np.random.default_rng(seed).random(n) * np.arange(n)), np.int64)
    order = np.lexsort((np.arange(n), card))
    same = np.concatenate(([False], card[order][1:] == card[order][:-1]))
    before = np.arange(n)
    before[order[same]] = order[np.flatnonzero(same) - 1]
    return before


def failures(X: np.ndarray, score: Score) -> tuple[int, int]:
    """Rows without a proper probability and rows tried, as each feature of a row, and all at once, go to extremes.

    Parameters
    ----------
    X : float64[n, m], a few ordinary rows.

    Examples
    --------
    >>> failures(np.zeros((1, 2)), lambda X: (X[:, 0], np.clip(X[:, 0], 0, 1)))
    (6, 24)
    """
    tried = []
    for value in EXTREMES:
        for row in X:
            made = np.repeat(row[None, :], X.shape[1] + 1, axis=0)
            made[np.arange(X.shape[1]), np.arange(X.shape[1])] = value
            made[-1] = value
            tried.append(made)
    raw, probability = score(np.concatenate(tried))
    good = np.isfinite(raw) & (probability >= 0) & (probability <= 1)
    return int((~good).sum()), len(good)


def _ranks(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values))


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if first.std() == 0 or second.std() == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])
