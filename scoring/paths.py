"""What of Shapley values depends on the trees alone, worked out once when a model is loaded.

For a leaf whose path asks d distinct features, feature i's Shapley value under path-dependent expectations is

    value · (o_i − z_i) · ∫₀¹ ∏_{j≠i} (t·o_j + (1 − t)·z_j) dt

with z_j the share of training rows that pass all of the path's splits on j, and o_j 1 when the row passes them, else 0:
the weights |S|!(d − |S| − 1)!/d! of Shapley (1953) are the integrals ∫ t^|S| (1 − t)^(d − |S| − 1) dt. The integrand is
a polynomial of degree d − 1, so Gauss-Legendre quadrature with ⌈d/2⌉ nodes is exact.

At a split that sends the row to its hot side, the factor of the cold side (share r) is (1 − t)·r and that of the hot
side what is missing to 1. With D the product of the factors above, weighed for the node, and U the sum over the leaves
below of what the factors below make of their values, a split

    divides     D_cold = D·(1 − t)·r               D_hot = D − D_cold
    gathers     U = U_hot − (1 − t)·r·(U_hot − U_cold)
    and adds    Σ_t D·r·(U_hot − U_cold)           to the value of its feature,

in which no factor is divided away. Where the path has met the feature before, with the share z and the factor
f = t + (1 − t)·z, the new factor takes the place of the old one, and the same three lines hold with z·r for r and

    (1 − t)/f for (1 − t), 1/f² for 1    where the row passed all of the earlier splits on the feature,
    1/z for (1 − t), 0 for 1             where it failed one: the share shrinks, and it has lost all it can lose.

So a split needs the share of either side and two numbers a node, which most splits have in common. What the leaves
below a split have in common is summed once, as in Linear TreeSHAP (Yu et al., 2022).

References
----------
Lundberg et al., From local explanations to global understanding with explainable AI for trees, 2020.
Yu, Bifet, Read and Xu, Linear tree Shap, 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError, expected_got
from scoring.kernel import LANES
from scoring.trees import Tree, Trees, is_categorical


@dataclass(frozen=True)
class Paths:
    """All splits of all trees, each below those above it, with the tables of their quadrature.

    Parameters
    ----------
    trees : uint64[n_trees, 4]: first split, number of splits, where the weights of its nodes begin, nodes.
    splits : uint32[s, 8]: feature, decision bits, first word and number of words of a set of categories, where its
        numbers begin, earlier split on the same feature (twice its place in the tree, and 1 for its right side; the
        last state stands for none), place of the left and of the right child: splits come first, then leaves.
    thresholds : float64[s]. shares : float64[s, 2]: of the rows, left and right, that pass all on the feature so far.
    leaves : float64, values tree by tree; a tree has one leaf more than splits.
    tables : float64: weights of nodes; a split's two factors for each node, where it repeats a feature two more.
    words : uint64, bit sets of categories. n_features, most_splits, most_nodes : sizes for scratch space.
    """

    trees: NDArray[np.uint64]
    splits: NDArray[np.uint32]
    thresholds: NDArray[np.float64]
    shares: NDArray[np.float64]
    leaves: NDArray[np.float64]
    tables: NDArray[np.float64]
    words: NDArray[np.uint64]
    n_features: int
    most_splits: int
    most_nodes: int


def lay_out(trees: Trees) -> Paths:
    """Walk every tree once.

    Raises
    ------
    ModelError
        When the rows that came to the sides of a split are not those that came to the split.
    """
    walks = [_walk(tree) for tree in trees.splitting]
    most = max((len(walk.splits) for walk in walks), default=0)
    tables = _Tables()
    rows: list[tuple[int, int, int, int]] = []
    splits: list[tuple[int, ...]] = []
    n_words = 0
    for tree, walk in zip(trees.splitting, walks, strict=True):
        rule = tables.rule(walk.deepest)
        rows.append((len(splits), len(walk.splits), rule.weights, len(rule.t)))
        for split, earlier, left, right in walk.splits:
            begin = length = 0
            decision = int(tree.decision[split])
            if is_categorical(decision):
                low, high = (int(bound) for bound in tree.bounds[int(tree.threshold[split]) :][:2])
                begin, length = n_words + low, high - low
            numbers = rule.factors if earlier is None else tables.repeated(rule, walk.shares[earlier])
            above = 2 * most if earlier is None else earlier
            splits.append((int(tree.feature[split]), decision, begin, length, numbers, above, left, right))
        n_words += len(tree.words)
    pairs = zip(trees.splitting, walks, strict=True)
    thresholds = [float(tree.threshold[split[0]]) for tree, walk in pairs for split in walk.splits]
    return Paths(
        trees=np.array(rows, np.uint64).reshape(-1, 4),
        splits=np.array(splits, np.uint32).reshape(-1, 8),
        thresholds=np.array(thresholds, np.float64),
        shares=np.array([share for walk in walks for share in walk.shares], np.float64).reshape(-1, 2),
        leaves=np.array([value for walk in walks for value in walk.leaves], np.float64),
        tables=tables.joined(),
        words=np.concatenate([np.zeros(0, np.int64), *(tree.words for tree in trees.splitting)]).astype(np.uint64),
        n_features=trees.n_features,
        most_splits=most,
        most_nodes=max((row[3] for row in rows), default=LANES),
    )


@dataclass(frozen=True)
class _Walked:
    """One tree: number in the model, earlier split and children of each split; shares of their sides; leaf values."""

    splits: list[tuple[int, int | None, int, int]]
    shares: list[float]
    leaves: list[float]
    deepest: int


def _walk(tree: Tree) -> _Walked:
    """Level by level, so that a split seldom waits for the one before it."""
    n_splits = len(tree.feature)
    splits: list[tuple[int, int | None, int, int]] = []
    shares: list[float] = []
    leaves: list[float] = []
    deepest = 0
    waiting: list[tuple[int, dict[int, int]]] = [(0, {})]
    for split, met in waiting:  # grows while it is read
        feature, n_rows = int(tree.feature[split]), int(tree.n_rows[split])
        earlier = met.get(feature)
        places, n_sides = [], 0
        for side, child in enumerate((int(tree.left[split]), int(tree.right[split]))):
            n_child = int(tree.count[-child - 1]) if child < 0 else int(tree.n_rows[child])
            n_sides += n_child
            shares.append(n_child / n_rows * (1.0 if earlier is None else shares[earlier]))
            here = {**met, feature: 2 * len(splits) + side}
            deepest = max(deepest, len(here))
            if child < 0:
                places.append(n_splits + len(leaves))
                leaves.append(float(tree.value[-child - 1]))
            else:
                places.append(len(waiting))
                waiting.append((child, here))
        if n_sides != n_rows:
            raise ModelError(expected_got(f"{n_rows} rows of training on the sides of a split", n_sides, "model.txt"))
        splits.append((split, earlier, places[0], places[1]))
    return _Walked(splits, shares, leaves, deepest)


@dataclass(frozen=True)
class _Rule:
    """Nodes of a quadrature, padded to whole vectors; where its weights and the factors of most splits begin."""

    t: NDArray[np.float64]
    weights: int
    factors: int


class _Tables:
    """Numbers of the quadratures, one after the other."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.float64]] = [np.zeros(0)]
        self._length = 0
        self._rules: dict[int, _Rule] = {}

    def rule(self, n_features: int) -> _Rule:
        """Exact for a path that asks so many distinct features."""
        exact = max(1, -(-n_features // 2))
        if exact not in self._rules:
            at, weight = np.polynomial.legendre.leggauss(exact)
            n_nodes = -(-exact // LANES) * LANES
            t, w = np.full(n_nodes, 0.5), np.zeros(n_nodes)
            t[:exact], w[:exact] = (at + 1) / 2, weight / 2
            weights = self._add(w)
            self._rules[exact] = _Rule(t, weights, self._add(1 - t, np.ones(n_nodes)))
        return self._rules[exact]

    def repeated(self, rule: _Rule, share: float) -> int:
        """Where the numbers of a split begin whose feature the path has met with such a share."""
        factor = rule.t + (1 - rule.t) * share
        return self._add((1 - rule.t) / factor, factor**-2, np.full_like(factor, 1 / share), np.zeros_like(factor))

    def joined(self) -> NDArray[np.float64]:
        """All of them."""
        return np.concatenate(self._parts)

    def _add(self, *numbers: NDArray[np.float64]) -> int:
        begin = self._length
        self._parts += numbers
        self._length += sum(len(part) for part in numbers)
        return begin
