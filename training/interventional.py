"""Interventional Shapley values of LightGBM's trees: what a feature adds when it is set, not when it is merely seen.

v(S)        the mean raw score over background rows z of the row that has x in S and z elsewhere
one pair    a leaf is reached from S when x passes the path's splits on its features in S, and z those on the others:
            with A the path's features that x fails and B those that z fails, none in both, φ gains for its value w
                i ∈ B   + w · (|B| − 1)! |A|! / (|A| + |B|)!
                i ∈ A   − w · |B|! (|A| − 1)! / (|A| + |B|)!
a leaf      only the distinct A among rows, and the distinct B among background rows with their counts, are paired

Exact over all pairs. Path-dependent values spread a feature's part over those it goes along with in training; these do
not, and ask for rows that may never be seen.

References
----------
Janzing, Minorics and Blöbaum, Feature relevance quantification in explainable AI: a causal problem, 2020.
Lundberg et al., From local explanations to global understanding with explainable AI for trees, 2020, algorithm 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from domain.errors import InputError, ModelError, expected_got
from scoring.trees import Tree, is_categorical, read_trees

METHOD = "interventional TreeSHAP"
UNITS = "raw log-odds"

_WIDEST = 62
"""Features of one path, a bit each."""

_ZERO = float(np.float32(1e-35))
_AS_ZERO, _AS_NAN = 1, 2


def interventional(model_text: str, X: np.ndarray, background: np.ndarray) -> np.ndarray:
    """float64[n, m], float64[b, m] → float64[n, m + 1]: contributions, and last the mean raw score of the background.

    Raises
    ------
    InputError
        When rows do not fit the model, or there is no background.
    ModelError
        When trees are linear in their leaves, or a path asks more than 62 features.

    Examples
    --------
    >>> import lightgbm
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> settings = {"objective": "binary", "min_data_in_leaf": 2, "verbosity": -1, "num_threads": 1}
    >>> booster = lightgbm.train(settings, lightgbm.Dataset(X, (X[:, 0] > 19) * 1.0), 3)
    >>> values = interventional(booster.model_to_string(num_iteration=-1), X[:3], X)
    >>> bool(np.allclose(values.sum(axis=1), booster.predict(X[:3], raw_score=True)))
    True
    """
    trees = read_trees(model_text)
    if X.ndim != 2 or X.shape[1:] != background.shape[1:] or X.shape[1] != trees.n_features or not len(background):
        got = f"{list(X.shape)} and {list(background.shape)}"
        raise InputError(expected_got(f"two matrices of {trees.n_features} columns, the second not empty", got, METHOD))
    out = np.zeros((len(X), trees.n_features + 1))
    base = sum(trees.constant)
    for tree in trees.splitting:
        base += _add(tree, _sides(tree, X), _sides(tree, background), out)
    out[:, -1] = base
    return out


@dataclass(frozen=True)
class Comparison:
    """Two kinds of values of the same rows.

    Parameters
    ----------
    agreement : Spearman's correlation of the features' mean absolute values.
    apart : float64[m], mean absolute value of the first kind less that of the second.
    """

    agreement: float
    apart: np.ndarray


def compare(first: np.ndarray, second: np.ndarray) -> Comparison:
    """Mean absolute values of two kinds, both float64[n, m], without base values.

    Examples
    --------
    >>> compare(np.array([[1.0, -2.0, 3.0]]), np.array([[1.0, 2.5, -4.0]]))
    Comparison(agreement=1.0, apart=array([ 0. , -0.5, -1. ]))
    """
    one, other = np.abs(first).mean(axis=0), np.abs(second).mean(axis=0)
    return Comparison(spearman(one, other), one - other)


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation, ties by their mean rank; NaN where one of the two does not vary.

    Examples
    --------
    >>> spearman(np.array([1.0, 2, 3]), np.array([10.0, 30, 20]))
    0.5
    """
    from scipy.stats import rankdata

    a, b = rankdata(first), rankdata(second)
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    return round(float(a @ b) / size, 12) if size > 0 else float("nan")


def grouped(
    values: np.ndarray, names: Sequence[str], group_of: Mapping[str, str]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Sums within groups: float64[n, m] → names of the groups, sorted, and float64[n, g].

    Examples
    --------
    >>> grouped(np.array([[1.0, 2.0, -4.0]]), ["a", "b", "c"], {"a": "card", "b": "own", "c": "card"})
    (('card', 'own'), array([[-3.,  2.]]))
    """
    groups = tuple(sorted({group_of[name] for name in names}))
    member = np.zeros((len(names), len(groups)))
    member[np.arange(len(names)), [groups.index(group_of[name]) for name in names]] = 1.0
    return groups, values @ member


def _sides(tree: Tree, X: np.ndarray) -> np.ndarray:
    """bool[s, n]: whether a row goes right at each split, as LightGBM decides."""
    right = np.empty((len(tree.feature), len(X)), bool)
    for split, (feature, decision) in enumerate(zip(tree.feature.tolist(), tree.decision.tolist(), strict=True)):
        x = X[:, feature]
        if is_categorical(decision):
            right[split] = ~_in_set(tree, int(tree.threshold[split]), x)
            continue
        missing = (decision >> 2) & 3
        nan = np.isnan(x)
        value = x if missing == _AS_NAN else np.where(nan, 0.0, x)
        gone = nan if missing == _AS_NAN else (np.abs(value) <= _ZERO) & (missing == _AS_ZERO)
        right[split] = np.where(gone, not decision & 2, ~(value <= tree.threshold[split]))
    return right


def _in_set(tree: Tree, number: int, x: np.ndarray) -> np.ndarray:
    words = tree.words[tree.bounds[number] : tree.bounds[number + 1]]
    code = np.where((x > -1.0) & (x < 32.0 * len(words)), x, -1.0).astype(np.int64)
    known = (x > -1.0) & (code >= 0) & (code < 32 * len(words))
    code = np.where(known, code, 0)
    found: np.ndarray = known & ((words[code >> 5] >> (code & 31)) & 1 == 1)
    return found


def _add(tree: Tree, rows: np.ndarray, behind: np.ndarray, out: np.ndarray) -> float:
    """Add a tree's contributions; its mean value over the background."""
    n, b = rows.shape[1], behind.shape[1]
    base = 0.0
    waiting: list[tuple[int, tuple[int, ...], np.ndarray, np.ndarray]] = [
        (0, (), np.zeros(n, np.int64), np.zeros(b, np.int64))
    ]
    while waiting:
        node, met, fails, behind_fails = waiting.pop()
        if node < 0:
            value = float(tree.value[-node - 1])
            base += value * float(np.count_nonzero(behind_fails == 0)) / b
            out[:, list(met)] += value * _leaf(fails, behind_fails, len(met))
            continue
        feature = int(tree.feature[node])
        here = met if feature in met else (*met, feature)
        if len(here) > _WIDEST:
            raise ModelError(expected_got(f"at most {_WIDEST} features on a path", len(here), METHOD))
        bit = here.index(feature)
        right, behind_right = rows[node].astype(np.int64) << bit, behind[node].astype(np.int64) << bit
        one = np.int64(1 << bit)
        waiting.append((int(tree.left[node]), here, fails | right, behind_fails | behind_right))
        waiting.append((int(tree.right[node]), here, fails | (right ^ one), behind_fails | (behind_right ^ one)))
    return base


def _leaf(fails: np.ndarray, behind_fails: np.ndarray, k: int) -> np.ndarray:
    """Contributions of a leaf of value 1 to its path's k features: int64[n], int64[b] → float64[n, k]."""
    A, at = np.unique(fails, return_inverse=True)
    B, counts = np.unique(behind_fails, return_counts=True)
    bits = np.arange(k)
    in_a, in_b = (A[:, None] >> bits) & 1, (B[:, None] >> bits) & 1
    n_a, n_b = in_a.sum(axis=1)[:, None], in_b.sum(axis=1)[None, :]
    share = np.where((A[:, None] & B[None, :]) == 0, counts / len(behind_fails), 0.0)
    gains, losses = _weights(k)
    return np.asarray((((share * gains[n_a, n_b]) @ in_b) - (share * losses[n_a, n_b]).sum(axis=1)[:, None] * in_a)[at])


@cache
def _weights(k: int) -> tuple[np.ndarray, np.ndarray]:
    """By |A| and |B|: what a feature of B gains, and what one of A loses."""
    gains, losses = np.zeros((k + 1, k + 1)), np.zeros((k + 1, k + 1))
    for a in range(k + 1):
        for b in range(k + 1 - a):
            ways = math.factorial(a + b)
            if b:
                gains[a, b] = math.factorial(b - 1) * math.factorial(a) / ways
            if a:
                losses[a, b] = math.factorial(b) * math.factorial(a - 1) / ways
    return gains, losses
