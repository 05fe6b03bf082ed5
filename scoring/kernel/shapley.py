"""Exact Shapley values of many rows, tree by tree: lane by lane the same sums whoever asks, so the same bits."""

from __future__ import annotations

import numpy as np

from features.kernel.compiling import door, tight
from scoring.kernel.lanes import pass_down, pass_up, weigh

_ZERO = 1e-35  # LightGBM's kZeroThreshold is this number as a float32
_0, _1, _2, _3, _4, _5, _31 = (np.uint64(number) for number in (0, 1, 2, 3, 4, 5, 31))


@tight
def _goes_right(splits, thresholds, words, s, x):  # type: ignore[no-untyped-def]
    """The side a value goes at a split, exactly as LightGBM's NumericalDecision and CategoricalDecision."""
    decision = splits[s, _1]
    if decision & _1:
        if not -1.0 < x < 2147483648.0:
            return _1
        category = np.uint64(np.int64(x))
        word = category >> _5
        if word < splits[s, _3] and (words[splits[s, _2] + word] >> (category & _31)) & _1:
            return _0
        return _1
    missing = (decision >> _2) & _3
    if x != x and missing != _2:
        x = 0.0
    if (missing == _1 and -np.float32(_ZERO) <= x <= np.float32(_ZERO)) or (missing == _2 and x != x):
        return _0 if decision & _2 else _1
    return _0 if x <= thresholds[s] else _1


@door
def shapley(  # type: ignore[no-untyped-def]
    trees, splits, thresholds, edges, leaves, tables, words, rows, out, sums, product, below, sides, passes
):
    """Add to ``out[r, f]`` what feature f contributed to the raw score of ``rows[r]``.

    ``sums`` [rows · features · most nodes], ``product`` and ``below`` [(edges + 1) · nodes], ``sides`` [splits of a
    tree], ``passes`` [edges + 1] are scratch; place 0 is the root's. Indices are unsigned: Numba looks for negative
    ones otherwise, and nothing becomes a vector.
    """
    n_rows, n_features = np.uint64(rows.shape[0]), np.uint64(out.shape[1])
    width = np.uint64(sums.shape[0] // rows.shape[0])
    n_lanes = width // n_features
    for k in range(n_rows * width):
        sums[k] = 0.0
    passes[_0] = _0
    for tree in range(np.uint64(trees.shape[0])):
        first, n_edges, split, n = trees[tree, _0], trees[tree, _1], trees[tree, _2], trees[tree, _3]
        # The root's place is as wide as this tree's nodes: a narrower tree had edges in it.
        for k in range(n):
            product[k] = 1.0
        for r in range(n_rows):
            for s in range(n_edges // _2):
                at = split + s
                sides[s] = _goes_right(splits, thresholds, words, at, rows[r, splits[at, _0]])
            _go_down(edges, leaves, tables, first, n_edges, n, product, below, sides, passes)
            _come_up(edges, tables, first, n_edges, n, below, passes, sums, r * width, n_lanes)
    for r in range(n_rows):
        for feature in range(n_features):
            total = 0.0
            start = r * width + feature * n_lanes
            for k in range(start, start + n_lanes):
                total += sums[k]
            out[r, feature] += total


@tight
def _go_down(edges, leaves, tables, first, n_edges, n, product, below, sides, passes):  # type: ignore[no-untyped-def]
    """The product of each path's factors down to each edge; what lies below a leaf is its value.

    An edge's state is 0 where the row passes all of its feature's splits so far, 1 where this is the first that it does
    not pass, 2 where an earlier one was. It chooses among the edge's tables: a branch would be guessed wrong too often.
    """
    for e in range(_1, n_edges + _1):
        at = first + e - _1
        fails = _0 if sides[edges[at, _1]] == edges[at, _2] else _1
        state = fails if passes[edges[at, _4]] == _0 else _2
        passes[e] = state
        up, here, factor, value = edges[at, _0] * n, e * n, edges[at, _5] + state * _2 * n, leaves[at]
        for k in range(_0, n, _4):
            pass_down(product, up + k, here + k, tables, factor + k, below, value)


@tight
def _come_up(edges, tables, first, n_edges, n, below, passes, sums, start, n_lanes):  # type: ignore[no-untyped-def]
    """What lies below each edge, weighed for its feature and added to what lies below the edge above."""
    for last in range(n_edges):
        e = n_edges - last
        at = first + e - _1
        up, here = edges[at, _0] * n, e * n
        weight, feature = edges[at, _5] + passes[e] * _2 * n + n, start + edges[at, _3] * n_lanes
        for k in range(_0, n, _4):
            weigh(below, here + k, tables, weight + k, sums, feature + k)
            pass_up(below, here + k, up + k)
