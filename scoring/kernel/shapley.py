"""Exact Shapley values of many rows, tree by tree: lane by lane the same sums whoever asks, so the same bits."""

from __future__ import annotations

import numpy as np

from features.kernel.compiling import door, tight
from scoring.kernel import LANES
from scoring.kernel.lanes import fill, fork, join

_ZERO = 1e-35  # LightGBM's kZeroThreshold is this number as a float32
_LANES = np.uint64(LANES)
_0, _1, _2, _3, _4, _5, _6, _31 = (np.uint64(number) for number in (0, 1, 2, 3, 4, 5, 6, 31))


@door
def shapley(  # type: ignore[no-untyped-def]
    trees, splits, thresholds, shares, leaves, tables, words, rows, out, sums, above, below, sides, states, values,
    gaps,
):  # fmt: skip
    """Add to ``out[r, f]`` what feature f contributed to the raw score of ``rows[r]``.

    1. What every split asks of a row: ``values`` [rows · features] with 0 for NaN, ``gaps`` what may count as missing.
    2. Per tree and row, the side of each split: ``sides`` [splits].
    3. From the root down, the product of the factors above each split: ``above`` [(splits + leaves) · nodes].
    4. From the leaves up, the sum of what lies below: ``below`` [(splits + leaves) · nodes]; what the hot side has
       more than the cold one, times what lies above, is the feature's: ``sums`` [rows · features · most nodes].

    ``states`` [2 · splits + 1] holds for each side of each split whether the row failed a split on its feature down to
    there; the last stands for no split. All but `out` is scratch. Indices are unsigned: Numba looks for negative ones
    otherwise, and nothing becomes a vector.
    """
    n_rows, n_features = np.uint64(rows.shape[0]), np.uint64(out.shape[1])
    width = np.uint64(sums.shape[0] // rows.shape[0])
    n_lanes = width // n_features
    for k in range(n_rows * width):
        sums[k] = 0.0
    _look(rows, n_rows, n_features, values, gaps)
    states[np.uint64(states.shape[0]) - _1] = _0
    for tree in range(np.uint64(trees.shape[0])):
        first, n_splits, table, n = trees[tree, _0], trees[tree, _1], trees[tree, _2], trees[tree, _3]
        for k in range(_0, n, _1):
            above[k] = tables[table + k]
        # Every tree before has one leaf more than splits.
        leaf = first + tree
        for k in range(n_splits + _1):
            for lane in range(_0, n, _LANES):
                fill(below, (n_splits + k) * n + lane, leaves[leaf + k])
        for r in range(n_rows):
            start = r * n_features
            for u in range(n_splits):
                s = first + u
                feature = splits[s, _0]
                if splits[s, _1] & _1:
                    sides[u] = _out_of_set(splits, words, s, rows[r, feature])
                else:
                    missing = gaps[start + feature] & (splits[s, _1] >> _2)
                    beyond = _0 if values[start + feature] <= thresholds[s] else _1
                    sides[u] = beyond if missing == _0 else _1 - ((splits[s, _1] >> _1) & _1)
            _go_down(splits, shares, tables, first, n_splits, n, above, sides, states)
            _come_up(splits, shares, tables, first, n_splits, n, above, below, sides, states, sums, r * width, n_lanes)
    for r in range(n_rows):
        for feature in range(n_features):
            total = 0.0
            start = r * width + feature * n_lanes
            for k in range(start, start + n_lanes):
                total += sums[k]
            out[r, feature] += total


@tight
def _look(rows, n_rows, n_features, values, gaps):  # type: ignore[no-untyped-def]
    """Numbers as LightGBM's NumericalDecision takes them; bit 0 of a gap: zero, bit 1: NaN."""
    for r in range(n_rows):
        for feature in range(n_features):
            x = rows[r, feature]
            at = r * n_features + feature
            number = 0.0 if x != x else x
            values[at] = number
            zero = _1 if -np.float32(_ZERO) <= number <= np.float32(_ZERO) else _0
            gaps[at] = zero | (_2 if x != x else _0)


@tight
def _out_of_set(splits, words, s, x):  # type: ignore[no-untyped-def]
    """The side a category goes at a split, exactly as LightGBM's CategoricalDecision."""
    if not -1.0 < x < 2147483648.0:
        return _1
    category = np.uint64(np.int64(x))
    word = category >> _5
    if word < splits[s, _3] and (words[splits[s, _2] + word] >> (category & _31)) & _1:
        return _0
    return _1


@tight
def _go_down(splits, shares, tables, first, n_splits, n, above, sides, states):  # type: ignore[no-untyped-def]
    """The factors of hot and cold add up to 1: what goes down the one side is taken from the other."""
    for u in range(n_splits):
        s, side = first + u, sides[u]
        other = _1 - side
        state = states[splits[s, _5]]
        states[u * _2 + side] = state
        states[u * _2 + other] = _1
        hot, cold, a = splits[s, _6 + side] * n, splits[s, _6 + other] * n, splits[s, _4] + state * _2 * n
        q = shares[s, other]
        for k in range(_0, n, _LANES):
            fork(above, u * n + k, hot + k, cold + k, tables, a + k, q)


@tight
def _come_up(  # type: ignore[no-untyped-def]
    splits, shares, tables, first, n_splits, n, above, below, sides, states, sums, start, n_lanes
):
    """What lies below each split, and what it adds for its feature."""
    for last in range(n_splits):
        u = n_splits - last - _1
        s, side = first + u, sides[u]
        other = _1 - side
        hot, cold = splits[s, _6 + side] * n, splits[s, _6 + other] * n
        a = splits[s, _4] + states[splits[s, _5]] * _2 * n
        feature, q = start + splits[s, _0] * n_lanes, shares[s, other]
        for k in range(_0, n, _LANES):
            join(above, below, u * n + k, hot + k, cold + k, tables, a + k, a + n + k, q, sums, feature + k)
