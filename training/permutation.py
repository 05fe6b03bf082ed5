"""What ranking loses when a group of features is cut off from its rows: a check on contributions, which see no outcome.

rows        all positives and negatives by lot, weighed so that the rate stays     float64[n, m], float64[n]
cut off     the group's values come, together, from other rows drawn by weight     n_repeats times
drop        figure of the whole less that of the cut-off model, mean over repeats; resampled with rows or days

References
----------
Breiman, Random forests, 2001. Fisher, Rudin and Dominici, All models are wrong, but many are useful, 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.errors import InputError, expected_got
from scoring.metrics import Ranking
from training.intervals import interval_of, resamples

FIGURES = {"auc": Ranking.auc, "average_precision": Ranking.average_precision}


@dataclass(frozen=True)
class Drops:
    """Falls of a figure.

    Parameters
    ----------
    figure : its name. whole : its value with all groups in place.
    names : of the groups. value, low, high : float64[g]. drawn : float64[r, g], of each resample.
    """

    figure: str
    whole: float
    names: tuple[str, ...]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    drawn: np.ndarray


def keep_positives(y: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most n places, as many positives as half of them hold and negatives by lot, with weights that keep both sums.

    Examples
    --------
    >>> rows, weight = keep_positives(np.array([1] + [0] * 99), 11, seed=0)
    >>> len(rows), round(float(weight.sum()), 6), float(weight[0])
    (11, 100.0, 1.0)
    """
    rng = np.random.default_rng(seed)
    positives, negatives = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    kept = rng.permutation(positives)[: max(n // 2, n - len(negatives))]
    others = rng.permutation(negatives)[: n - len(kept)]
    weight = np.ones(len(y))
    weight[kept] = len(positives) / max(1, len(kept))
    weight[others] = len(negatives) / max(1, len(others))
    rows = np.sort(np.concatenate([kept, others]))
    return rows, weight[rows]


def permutation_drops(
    raw: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    y: np.ndarray,
    groups: Mapping[str, Sequence[int]],
    *,
    figure: str,
    weight: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
    n_repeats: int = 3,
    n_draws: int = 200,
    seed: int = 0,
) -> Drops:
    """Drop of a figure for each group of columns.

    Parameters
    ----------
    raw : float64[n, m] → float64[n]. y : 0 or 1. groups : name → columns. figure : ``auc`` or ``average_precision``.
    cluster : int64[n], rows of which stand or fall together in a resample, such as days.

    Raises
    ------
    InputError
        When one class is missing, or the figure has no such name.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(400, 2))
    >>> y = (X[:, 0] > 0).astype(np.int8)
    >>> made = permutation_drops(lambda rows: rows[:, 0], X, y, {"used": [0], "unused": [1]}, figure="auc")
    >>> bool(made.value[0] > 0.4), float(made.value[1])
    (True, 0.0)
    """
    if figure not in FIGURES or not 0 < int(y.sum()) < len(y):
        raise InputError(expected_got(f"both classes, and one of {', '.join(FIGURES)}", figure, "permutation"))
    rng = np.random.default_rng(seed)
    mass = np.ones(len(y)) if weight is None else weight
    measure = FIGURES[figure]
    whole = Ranking.of(y, raw(X))
    rankings: list[list[Ranking]] = []
    donors = [_donors(rng, len(y), weight) for _ in range(n_repeats)]
    for group in groups.values():
        columns = np.array(group, np.intp)
        mine = []
        for donor in donors:
            mixed = X.copy()
            mixed[:, columns] = X[np.ix_(donor, columns)]
            mine.append(Ranking.of(y, raw(mixed)))
        rankings.append(mine)

    def drops(counts: np.ndarray) -> list[float]:
        present = measure(whole, counts)
        return [present - float(np.mean([measure(each, counts) for each in mine])) for mine in rankings]

    drawn = np.array([drops(mass * counts) for counts in resamples(len(y), cluster, n_draws, seed)])
    drawn = drawn.reshape(n_draws, len(rankings))
    spans = [interval_of(column) for column in drawn.T]
    return Drops(
        figure, measure(whole, mass), tuple(groups), np.array(drops(mass)), np.array([span.low for span in spans]),
        np.array([span.high for span in spans]), drawn,
    )  # fmt: skip


def _donors(rng: np.random.Generator, n: int, weight: np.ndarray | None) -> np.ndarray:
    """Rows that give their values; weighed rows by their weight, so that the values keep their distribution."""
    return rng.permutation(n) if weight is None else rng.choice(n, n, p=weight / weight.sum())
