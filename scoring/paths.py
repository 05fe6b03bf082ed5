"""What of Shapley values depends on the trees alone, worked out once when a model is loaded.

For a leaf whose path asks d distinct features, feature i's Shapley value under path-dependent expectations is

    value · (o_i − z_i) · ∫₀¹ ∏_{j≠i} (t·o_j + (1 − t)·z_j) dt

with z_j the share of training rows that pass all of the path's splits on j, and o_j 1 when the row passes them, else 0:
the weights |S|!(d − |S| − 1)!/d! of Shapley (1953) are the integrals ∫ t^|S| (1 − t)^(d − |S| − 1) dt. The integrand is
a polynomial of degree d − 1, so Gauss-Legendre quadrature with ⌈d/2⌉ nodes is exact.

With c = 1 − t, a split whose left side has the share r of its rows makes of the product D of the factors above it,
weighed for the node, and of the sums U over the leaves below its sides of what the factors below make of their values

    D_left = D·F        D_right = D − D_left        F = o − h·c,  h = o − r
    U = U_right + F·(U_left − U_right)

where o is 1 when the row goes left, else 0, and adds Σ_t D·h·(U_left − U_right) to the value of its feature. No factor
is divided away. Where the path has met the feature before, with the share z and the factor f = t + c·z, the new factor
takes the place of the old one, and the same lines hold with

    c·z/f for c, and D·z/f² for D in the last    where the row passed all of the earlier splits on the feature,
    1 for c, and 0 for D in the last             where it failed one: it has lost all it can lose.

What the leaves below a split have in common is summed once, as in Linear TreeSHAP (Yu et al., 2022).

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
from scoring.asked import Asked
from scoring.kernel import LANES
from scoring.trees import Tree, Trees


@dataclass(frozen=True)
class Paths:
    """All splits of all trees, each below those above it, with the nodes and weights of their quadratures.

    Parameters
    ----------
    trees : uint64[n_trees, 8]: first split, splits above another split, splits, first repeat, where its table begins,
        nodes, first set, sets.
    columns, sets, words : what the splits ask of a row (see `scoring.asked`).
    splits : uint16[s · 16]: of each split its column (those of a tree's sets come after the numerical ones), feature,
        place of the left and of the right child (splits come first, then leaves), earlier split on the same feature
        (1 + twice its place in the tree, and 1 more for its right side; 0 for none). Those above two leaves come last.
    numbers : float64[s · 4], the same memory: third its threshold, fourth the share of its rows that goes left.
    leaves : float64, values tree by tree, in the order of their splits; a tree has one leaf more than splits.
    repeats : float64, for each split that repeats a feature the share that passes all earlier ones on its path.
    tables : float64: weights, then 1 − t, of a tree's nodes.
    n_features, most_splits, most_repeats, most_sets, most_nodes : sizes for scratch space.
    """

    trees: NDArray[np.uint64]
    columns: NDArray[np.uint64]
    sets: NDArray[np.uint64]
    words: NDArray[np.uint64]
    splits: NDArray[np.uint16]
    numbers: NDArray[np.float64]
    leaves: NDArray[np.float64]
    repeats: NDArray[np.float64]
    tables: NDArray[np.float64]
    n_features: int
    most_splits: int
    most_repeats: int
    most_sets: int
    most_nodes: int


def lay_out(trees: Trees) -> Paths:
    """Walk every tree once.

    Raises
    ------
    ModelError
        When the rows that came to the sides of a split are not those that came to the split, or splits or features are
        too many (see `scoring.asked`).
    """
    asked = Asked(trees)
    walks = [_walk(tree) for tree in trees.splitting]
    tables = _Tables()
    rows: list[tuple[int, ...]] = []
    splits: list[tuple[int, ...]] = []
    thresholds: list[float] = []
    n_repeats = 0
    for tree, walk in zip(trees.splitting, walks, strict=True):
        first_set = asked.n_sets
        questions, limits = (array.tolist() for array in asked.add(tree, first_set))
        features = tree.feature.tolist()
        rows.append((
            len(splits), walk.n_inner, len(walk.splits), n_repeats, *tables.rule(walk.deepest), first_set,
            asked.n_sets - first_set,
        ))  # fmt: skip
        for split, earlier, left, right in walk.splits:
            thresholds.append(limits[split])
            splits.append((questions[split], features[split], left, right, earlier))
        n_repeats += len(walk.repeats)
    columns, sets, words = asked.arrays()
    memory = np.zeros((len(splits), 4))
    memory[:, 2], memory[:, 3] = thresholds, [share for walk in walks for share in walk.shares]
    memory.view(np.uint16)[:, :5] = np.array(splits, np.uint16).reshape(-1, 5)
    return Paths(
        trees=np.array(rows, np.uint64).reshape(-1, 8),
        columns=columns,
        sets=sets,
        words=words,
        splits=memory.view(np.uint16).reshape(-1),
        numbers=memory.reshape(-1),
        leaves=np.array([value for walk in walks for value in walk.leaves], np.float64),
        repeats=np.array([share for walk in walks for share in walk.repeats], np.float64),
        tables=tables.joined(),
        n_features=trees.n_features,
        most_splits=max((row[2] for row in rows), default=0),
        most_repeats=max((len(walk.repeats) for walk in walks), default=0),
        most_sets=max((row[7] for row in rows), default=0),
        most_nodes=max((row[5] for row in rows), default=LANES),
    )


@dataclass(frozen=True)
class _Walked:
    """One tree: number in the model, earlier split and children of each split; their shares; leaf values."""

    splits: list[tuple[int, int, int, int]]
    n_inner: int
    shares: list[float]
    repeats: list[float]
    leaves: list[float]
    deepest: int


@dataclass(frozen=True)
class _Step:
    """A split on the way down; by feature, the place in the model, the side and the share the path left it with."""

    split: int
    met: dict[int, tuple[int, int, float]]


def _walk(tree: Tree) -> _Walked:
    """Level by level, so that a split seldom waits for the one before it; those above two leaves at the end."""
    left, right = tree.left.tolist(), tree.right.tolist()
    features, n_rows, counts = tree.feature.tolist(), tree.n_rows.tolist(), tree.count.tolist()
    steps, deepest = [_Step(0, {})], 0
    shares: dict[int, float] = {}
    inner: list[_Step] = []
    last: list[_Step] = []
    for step in steps:  # grows while it is read
        split, feature = step.split, features[step.split]
        sides = left[split], right[split]
        came = [counts[-child - 1] if child < 0 else n_rows[child] for child in sides]
        if sum(came) != n_rows[split]:
            expected = f"{n_rows[split]} rows of training on the sides of a split"
            raise ModelError(expected_got(expected, sum(came), "model.txt"))
        shares[split] = came[0] / n_rows[split]
        before = step.met[feature][2] if feature in step.met else 1.0
        for side, child in enumerate(sides):
            if child >= 0:
                passing = came[side] / n_rows[split] * before
                steps.append(_Step(child, {**step.met, feature: (split, side, passing)}))
        deepest = max(deepest, len(step.met) + (feature not in step.met))
        (last if max(sides) < 0 else inner).append(step)
    ordered = inner + last
    places = {step.split: place for place, step in enumerate(ordered)}
    splits: list[tuple[int, int, int, int]] = []
    repeats: list[float] = []
    leaves: list[float] = []
    for step in ordered:
        earlier = 0
        if features[step.split] in step.met:
            above, side, share = step.met[features[step.split]]
            earlier = 1 + 2 * places[above] + side
            repeats.append(share)
        children = []
        for child in (left[step.split], right[step.split]):
            children.append(len(ordered) + len(leaves) if child < 0 else places[child])
            if child < 0:
                leaves.append(float(tree.value[-child - 1]))
        splits.append((step.split, earlier, children[0], children[1]))
    return _Walked(splits, len(inner), [shares[step.split] for step in ordered], repeats, leaves, deepest)


class _Tables:
    """Numbers of the quadratures, one after the other."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.float64]] = [np.zeros(0)]
        self._length = 0
        self._rules: dict[int, tuple[int, int]] = {}

    def rule(self, n_features: int) -> tuple[int, int]:
        """Where the table begins that is exact for a path of so many distinct features, and its number of nodes."""
        exact = max(1, -(-n_features // 2))
        if exact not in self._rules:
            at, weight = np.polynomial.legendre.leggauss(exact)
            n_nodes = -(-exact // LANES) * LANES
            t, w = np.full(n_nodes, 0.5), np.zeros(n_nodes)
            t[:exact], w[:exact] = (at + 1) / 2, weight / 2
            self._rules[exact] = self._length, n_nodes
            self._parts += [w, 1 - t]
            self._length += 2 * n_nodes
        return self._rules[exact]

    def joined(self) -> NDArray[np.float64]:
        """All of them."""
        return np.concatenate(self._parts)
