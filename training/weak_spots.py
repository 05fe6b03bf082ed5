"""Weak spots: where in the space of features probabilities are wrong, found on one half and verified on the other.

rows → halves, by whole days or by lot
first half    a shallow tree on y − p                 at most 8 leaves
second half   events against their expectation        p-value of each leaf, corrected by Holm for their number
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.group_measures import observed_to_expected
from training.proportion import binomial_tail
from training.segments import short

LEVEL = 0.05

_DEPTH = 3
_LEAST_SHARE = 0.02
_LEAST_ROWS = 50
_LEAST_DAYS = 5


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a leaf: ``feature sign value``; ``or_missing`` where rows without a value belong to it too."""

    feature: str
    sign: str
    value: str
    or_missing: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """A leaf on the rows that did not grow the tree.

    Parameters
    ----------
    n, n_events : of those rows. expected : events by the probabilities, once their overall level is right.
    ratio, low, high : events over expected, with an interval that holds for all leaves together.
    p_value : of the leaf alone. adjusted : by Holm.
    """

    terms: tuple[Term, ...]
    n: int
    n_events: int
    expected: float
    ratio: float
    low: float
    high: float
    p_value: float
    adjusted: float

    @property
    def verified(self) -> bool:
        """Whether chance does not explain it."""
        return self.adjusted < LEVEL


def weak_spots(
    X: np.ndarray,
    names: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    y: np.ndarray,
    probability: np.ndarray,
    *,
    cluster: np.ndarray | None,
    seed: int,
) -> tuple[Spot, ...]:
    """The leaves of a tree on residuals, least adjusted p-value first; none where it finds nothing to split.

    A p-value is the two-sided binomial one, which is exact or wide where probabilities differ (Hoeffding, 1956), or
    that of a t-test over days where it is larger: frauds of one day are not independent. Probabilities are first
    shifted to the right overall level, as a wrong one is no weak spot.

    Parameters
    ----------
    X : float64[n, m], encoded. y : int8[n]. probability : float64[n]. cluster : int64[n], days, or None.

    References
    ----------
    Holm, A simple sequentially rejective multiple test procedure, Scandinavian J. Statistics 1979; Chung, Kraska,
    Polyzotis, Tae & Whang, Slice Finder, ICDE 2019, for a tree on errors.
    """
    first = _half(len(y), cluster, seed)
    if min(first.sum(), (~first).sum()) < 2 * _LEAST_ROWS:
        return ()
    table, columns = _table(X, names, categories)
    shifted = _levelled(y, probability, first)
    tree = _grow(table[first], (y - shifted)[first], seed)
    if tree.tree_.node_count < 3:
        return ()
    leaf = tree.apply(table[~first])
    residual, said = (y - shifted)[~first], shifted[~first]
    days = None if cluster is None else cluster[~first]
    paths = _paths(tree.tree_, columns, np.isnan(table[first]).any(axis=0))
    found = []
    for node, terms in paths.items():
        mine = leaf == node
        if not mine.any():
            continue
        events, expected = int(y[~first][mine].sum()), float(said[mine].sum())
        p = _binomial(events, int(mine.sum()), expected)
        if days is not None:
            p = max(p, _by_day(residual[mine], days[mine]))
        found.append((terms, int(mine.sum()), events, expected, p))
    adjusted = holm(np.array([each[-1] for each in found]))
    spots = []
    for (terms, n, events, expected, p), corrected in zip(found, adjusted, strict=True):
        made = observed_to_expected(events, n, expected, 1 - LEVEL / len(found))
        spots.append(Spot(terms, n, events, expected, made.value, made.low, made.high, p, float(corrected)))
    return tuple(sorted(spots, key=lambda spot: (spot.adjusted, spot.p_value)))


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values corrected for their number, so that the chance of any false alarm stays below the level.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected


def _half(n: int, cluster: np.ndarray | None, seed: int) -> np.ndarray:
    """Every second day, or half of the rows by lot, bool[n]."""
    if cluster is not None and len(np.unique(cluster)) > 1:
        return np.asarray(np.unique(cluster, return_inverse=True)[1] % 2 == 0)
    return np.asarray(np.random.default_rng(seed).permutation(n) % 2 == 0)


def _levelled(y: np.ndarray, probability: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Probabilities of each half with their log-odds shifted until their mean is the share of events there."""
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    logit, out = np.log(p / (1 - p)), np.asarray(p.copy())
    for half in (first, ~first):
        rate = float(np.clip(y[half].mean(), 1e-9, 1 - 1e-9))
        shift = 0.0
        for _ in range(50):
            now = 1 / (1 + np.exp(-(logit[half] + shift)))
            step = (rate - float(now.mean())) / max(float((now * (1 - now)).mean()), 1e-12)
            shift += float(np.clip(step, -2, 2))
            if abs(step) < 1e-10:
                break
        out[half] = 1 / (1 + np.exp(-(logit[half] + shift)))
    return np.asarray(out)


def _table(
    X: np.ndarray, names: Sequence[str], categories: Mapping[str, Sequence[str]]
) -> tuple[np.ndarray, list[tuple[str, str | None]]]:
    """Numbers as they are and a column of 0 and 1 for each value of a category, float32[n, k]."""
    parts: list[np.ndarray] = []
    columns: list[tuple[str, str | None]] = []
    for place, name in enumerate(names):
        if name not in categories:
            parts.append(X[:, place])
            columns.append((name, None))
            continue
        for code, value in enumerate(categories[name]):
            parts.append((X[:, place] == code).astype(np.float64))
            columns.append((name, value))
    # Trees of scikit-learn hold float32; values beyond its range go to its ends.
    reach = float(np.finfo(np.float32).max)
    made: np.ndarray = np.clip(np.column_stack(parts), -reach, reach).astype(np.float32)
    return made, columns


def _grow(table: np.ndarray, residual: np.ndarray, seed: int) -> Any:
    from sklearn.tree import DecisionTreeRegressor

    least = max(_LEAST_ROWS, round(_LEAST_SHARE * len(table)))
    return DecisionTreeRegressor(max_depth=_DEPTH, min_samples_leaf=least, random_state=seed).fit(table, residual)


def _paths(tree: Any, columns: list[tuple[str, str | None]], missing: np.ndarray) -> dict[int, tuple[Term, ...]]:
    """Terms on the way to each leaf; ``missing``, bool[k], tells the columns that lack values."""
    found: dict[int, tuple[Term, ...]] = {}
    waiting: list[tuple[int, tuple[Term, ...]]] = [(0, ())]
    while waiting:
        node, terms = waiting.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left < 0:
            found[node] = terms
            continue
        place = int(tree.feature[node])
        name, value = columns[place]
        cut, missing_left = short(float(tree.threshold[node])), bool(tree.missing_go_to_left[node])
        if value is None:
            lacks = bool(missing[place])
            low, high = Term(name, "≤", cut, lacks and missing_left), Term(name, ">", cut, lacks and not missing_left)
        else:
            low, high = Term(name, "≠", value), Term(name, "=", value)
        waiting += [(left, (*terms, low)), (right, (*terms, high))]
    return found


def _binomial(n_events: int, n: int, expected: float) -> float:
    rate = np.array([min(1.0, expected / n)])
    many = float(binomial_tail(np.array([n_events]), np.array([n]), rate)[0])
    few = 1.0 if n_events >= n else 1 - float(binomial_tail(np.array([n_events + 1]), np.array([n]), rate)[0])
    return min(1.0, 2 * min(many, few))


def _by_day(residual: np.ndarray, day: np.ndarray) -> float:
    """p-value of a t-test on the sums of days; 1 where there are too few days to tell."""
    from scipy.stats import t

    sums = np.bincount(np.unique(day, return_inverse=True)[1], weights=residual)
    n = len(sums)
    if n < _LEAST_DAYS:
        return 1.0
    spread = float(np.sqrt(n * np.var(sums, ddof=1)))
    if spread <= 0:
        return 1.0
    return float(2 * t.sf(abs(float(sums.sum())) / spread, n - 1))
