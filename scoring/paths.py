"""What of Shapley values depends on the trees alone, worked out once when a model is loaded.

For a leaf whose path asks d distinct features, feature i's Shapley value under path-dependent expectations is

    value · (o_i − z_i) · ∫₀¹ ∏_{j≠i} (t·o_j + (1 − t)·z_j) dt

with z_j the share of training rows that pass all of the path's splits on j, and o_j 1 when the row passes them, else 0:
the weights |S|!(d − |S| − 1)!/d! of Shapley (1953) are the integrals ∫ t^|S| (1 − t)^(d − |S| − 1) dt. The integrand is
a polynomial of degree d − 1, so Gauss-Legendre quadrature with ⌈d/2⌉ nodes is exact. As in Linear TreeSHAP (Yu et al.,
2022), what the leaves below an edge have in common is summed once per edge; a split on a feature that the path has met
already takes the place of the earlier one, so the earlier one's part is taken away there.

References
----------
Lundberg et al., From local explanations to global understanding with explainable AI for trees, 2020.
Yu, Bifet, Read and Xu, Linear tree Shap, 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.kernel import LANES
from scoring.trees import Tree, Trees, is_categorical

_ROOT = 0


@dataclass(frozen=True)
class Paths:
    """All edges of all trees in the order of a walk from the root, with the tables of their quadrature.

    Parameters
    ----------
    trees : uint64[n_trees, 4]: first edge, number of edges, first split, nodes of the quadrature.
    splits : uint32[s, 4]: feature, decision bits, first word and number of words of a set of categories.
    thresholds : float64[s].
    edges : uint32[e, 6]: edge above, split that decides, side (0 left, 1 right), feature, earlier edge on the same
        feature, first of its numbers; edges count from 1 within their tree, 0 is the root, or none.
    leaves : float64[e], value of the leaf below, 0 where there is another split.
    tables : float64, per edge a factor and a weight for each of the tree's nodes: where the row passes, where it does
        not and, where there is an earlier edge, where it had not passed that one.
    words : uint64, bit sets of categories. n_features, most_edges, most_nodes : sizes for scratch space.
    """

    trees: NDArray[np.uint64]
    splits: NDArray[np.uint32]
    thresholds: NDArray[np.float64]
    edges: NDArray[np.uint32]
    leaves: NDArray[np.float64]
    tables: NDArray[np.float64]
    words: NDArray[np.uint64]
    n_features: int
    most_edges: int
    most_nodes: int


def lay_out(trees: Trees) -> Paths:
    """Walk every tree once."""
    rows: list[tuple[int, int, int, int]] = []
    splits: list[tuple[int, int, int, int]] = []
    thresholds: list[NDArray[np.float64]] = [np.zeros(0)]
    edges: list[NDArray[np.int64]] = [np.zeros((0, 6), np.int64)]
    leaves: list[float] = []
    tables: list[NDArray[np.float64]] = [np.zeros(0)]
    words: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    n_words = n_numbers = 0
    for tree in trees.splitting:
        walked = _walk(tree)
        n_nodes = _padded(walked.deepest)
        table, first = _tables(walked, n_nodes)
        rows.append((len(leaves), len(walked.edges), len(splits), n_nodes))
        for feature, decision, threshold in zip(tree.feature, tree.decision, tree.threshold, strict=True):
            begin = length = 0
            if is_categorical(int(decision)):
                low, high = tree.bounds[int(threshold)], tree.bounds[int(threshold) + 1]
                begin, length = n_words + int(low), int(high - low)
            splits.append((int(feature), int(decision), begin, length))
        thresholds.append(tree.threshold)
        words.append(tree.words)
        n_words += len(tree.words)
        edges.append(np.column_stack([np.array(walked.edges), first + n_numbers]))
        leaves += walked.leaves
        tables.append(table)
        n_numbers += table.size
    return Paths(
        trees=np.array(rows, np.uint64).reshape(-1, 4),
        splits=np.array(splits, np.uint32).reshape(-1, 4),
        thresholds=np.concatenate(thresholds),
        edges=np.concatenate(edges).astype(np.uint32),
        leaves=np.array(leaves, np.float64),
        tables=np.concatenate(tables),
        words=np.concatenate(words).astype(np.uint64),
        n_features=trees.n_features,
        most_edges=max((row[1] for row in rows), default=0),
        most_nodes=max((row[3] for row in rows), default=LANES),
    )


@dataclass(frozen=True)
class _Walked:
    edges: list[tuple[int, int, int, int, int]]
    leaves: list[float]
    shares: list[float]
    ratios: list[float]
    deepest: int


def _walk(tree: Tree) -> _Walked:
    """Edges from the root down; a path's share of rows is taken per feature."""
    edges: list[tuple[int, int, int, int, int]] = []
    leaves: list[float] = []
    shares: list[float] = []
    ratios: list[float] = []
    deepest = 0
    waiting: list[tuple[int, int, dict[int, int]]] = [(0, _ROOT, {})]
    while waiting:
        split, above, met = waiting.pop()
        feature = int(tree.feature[split])
        earlier = met.get(feature, 0)
        for side, child in enumerate((int(tree.left[split]), int(tree.right[split]))):
            n_child = int(tree.count[-child - 1]) if child < 0 else int(tree.n_rows[child])
            ratio = n_child / int(tree.n_rows[split])
            edges.append((above, split, side, feature, earlier))
            ratios.append(ratio)
            shares.append(ratio * (shares[earlier - 1] if earlier else 1.0))
            here = {**met, feature: len(edges)}
            deepest = max(deepest, len(here))
            if child < 0:
                leaves.append(float(tree.value[-child - 1]))
            else:
                leaves.append(0.0)
                waiting.append((child, len(edges), here))
    return _Walked(edges, leaves, shares, ratios, deepest)


def _padded(n_features: int) -> int:
    """Nodes that integrate a product over so many features exactly, rounded up to whole vectors."""
    return -(-max(1, -(-n_features // 2)) // LANES) * LANES


def _tables(walked: _Walked, n_nodes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The numbers of all edges in a row, and where each edge's begin."""
    exact = max(1, -(-walked.deepest // 2))
    at, weight = np.polynomial.legendre.leggauss(exact)
    t, w = np.full(n_nodes, 0.5), np.zeros(n_nodes)
    t[:exact], w[:exact] = (at + 1) / 2, weight / 2
    share, ratio = np.array(walked.shares)[:, None], np.array(walked.ratios)[:, None]
    passed = t + (1 - t) * share
    gained = w * (1 - share) / passed
    earlier = np.array([edge[4] for edge in walked.edges])
    again = earlier > 0
    before = np.where(again[:, None], passed[earlier - 1], 1.0)
    taken = np.where(again[:, None], gained[earlier - 1], 0.0)
    failed = (1 - t) * share
    # What the row failed before stays failed: the factor's share shrinks, and nothing is gained or taken.
    still = np.broadcast_to(ratio, passed.shape)
    every = np.stack(
        [passed / before, gained - taken, failed / before, -w / (1 - t) - taken, still, np.zeros_like(passed)], axis=1
    )
    kept = np.ones(every.shape[:2], bool)
    kept[~again, 4:] = False
    lengths = kept.sum(axis=1) * n_nodes
    return every[kept].ravel(), np.cumsum(lengths) - lengths
