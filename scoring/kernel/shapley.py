"""Exact Shapley values of many rows, tree by tree: lane by lane the same sums whoever asks, so the same bits."""

from __future__ import annotations

import numpy as np

from features.kernel.compiling import door, tight
from scoring.kernel import LANES
from scoring.kernel.lanes import as_bit, at_most, close, close_again, fill, fork, fork_again, join

_ZERO = 1e-35  # LightGBM's kZeroThreshold is this number as a float32
_LANES = np.uint64(LANES)
_0, _1, _2, _3, _4, _5, _6, _7, _8, _31 = (np.uint64(number) for number in (0, 1, 2, 3, 4, 5, 6, 7, 8, 31))
_WIDE = np.uint64(16)
_NOWHERE = np.uint64(2**40)


@door
def shapley(  # type: ignore[no-untyped-def]
    trees, columns, sets, words, splits, numbers, leaves, repeats, tables, rows, out, values, sums, above, below, bent,
    moves, marks,
):  # fmt: skip
    """Add to ``out[r, f]`` what feature f contributed to the raw score of ``rows[r]``.

    1. What splits compare, so that nothing is left to ask but whether it is at most the threshold: ``values``
       [rows · (columns + most sets)], NaN for what is missing and goes right, −∞ for what is and goes left.
    2. From the root down, split by split: the side it sends the row, in ``moves`` [2 · splits]; the product of the
       factors above its own sides, in ``above`` [(splits + leaves) · nodes].
    3. Splits above two leaves: what lies below them, in ``below`` [(splits + leaves) · nodes].
    4. From there up, the sum of what lies below: what the left side has more than the right one, times what lies
       above, is the feature's: ``sums`` [rows · features · most nodes].

    ``bent`` [(1 + repeats) · nodes] holds 1 − t, and what stands for it where a feature is asked again; ``marks``
    [2 · splits] where in it, and whether the row passed all splits on the feature down to the left side (bit 0) and to
    the right one (bit 1). All but `out` is scratch. Indices are unsigned: Numba looks for negative ones otherwise.
    """
    n_rows, n_features = np.uint64(rows.shape[0]), np.uint64(out.shape[1])
    width, n_values = np.uint64(sums.shape[0]) // n_rows, np.uint64(values.shape[0]) // n_rows
    n_columns, n_lanes = np.uint64(columns.shape[0]), width // n_features
    for k in range(n_rows * width):
        sums[k] = 0.0
    for r in range(n_rows):
        for column in range(n_columns):
            values[r * n_values + column] = compared(rows[r, columns[column, _0]], columns[column, _1])
    for tree in range(np.uint64(trees.shape[0])):
        first, n_inner, n_splits, repeat = trees[tree, _0], trees[tree, _1], trees[tree, _2], trees[tree, _3]
        table, n, first_set, n_sets = trees[tree, _4], trees[tree, _5], trees[tree, _6], trees[tree, _7]
        # Every tree before has one leaf more than splits.
        leaf = first + tree
        n_filled = n_splits + _1 - (n_splits - n_inner) * _2
        for k in range(n_filled):
            for lane in range(_0, n, _LANES):
                fill(below, (n_splits + k) * n + lane, leaves[leaf + k])
        for k in range(n):
            bent[k] = tables[table + n + k]
        for r in range(n_rows):
            start, sums_start = r * n_values, r * width
            for k in range(n_sets):
                s = first_set + k
                values[start + n_columns + k] = out_of_set(sets, words, s, rows[r, sets[s, _0]])
            for k in range(n):
                above[k] = tables[table + k]
            if n == _8:
                _explain(splits, numbers, leaves, repeats, values, sums, above, below, bent, moves, marks, first,
                         n_inner, n_splits, repeat, leaf + n_filled, _8, start, sums_start, n_lanes)  # fmt: skip
            else:
                _explain(splits, numbers, leaves, repeats, values, sums, above, below, bent, moves, marks, first,
                         n_inner, n_splits, repeat, leaf + n_filled, n, start, sums_start, n_lanes)  # fmt: skip
    for r in range(n_rows):
        for feature in range(n_features):
            total = 0.0
            begin = r * width + feature * n_lanes
            for k in range(begin, begin + n_lanes):
                total += sums[k]
            out[r, feature] += total


@tight
def compared(x, missing):  # type: ignore[no-untyped-def]
    """A number as LightGBM's NumericalDecision takes it; bit 0: missing goes left, bit 1: zero is, bit 2: NaN is."""
    number = 0.0 if x != x else x
    zero = -np.float32(_ZERO) <= number <= np.float32(_ZERO)
    if (missing & _2 and zero) or (missing & _4 and x != x):
        return -np.inf if missing & _1 else np.nan
    return number


@tight
def out_of_set(sets, words, s, x):  # type: ignore[no-untyped-def]
    """1 for the categories that go right at a split, else 0, exactly as LightGBM's CategoricalDecision."""
    category = np.uint64(np.int64(x)) if -1.0 < x < 2147483648.0 else _NOWHERE
    # The word after the last has no bits: cheaper than a jump, which nothing can guess.
    word = min(category >> _5, sets[s, _2])
    return np.float64(_1 - ((words[sets[s, _1] + word] >> (category & _31)) & _1))


@tight
def _explain(  # type: ignore[no-untyped-def]
    splits, numbers, leaves, repeats, values, sums, above, below, bent, moves, marks, first, n_inner, n_splits, repeat,
    leaf, n, start, sums_start, n_lanes,
):  # fmt: skip
    """One row through one tree. Where `n` is known when this is compiled, multiplications by it are none."""
    free = n
    for u in range(n_inner):
        s = first + u
        side = at_most(values[start + splits[s * _WIDE]], numbers[s * _4 + _2])
        apart = side - numbers[s * _4 + _3]
        left, right = splits[s * _WIDE + _2] * n, splits[s * _WIDE + _3] * n
        earlier = np.uint64(splits[s * _WIDE + _4])
        at, state = _0, _2 - as_bit(side)
        if earlier == _0:
            for k in range(_0, n, _LANES):
                fork(above, u * n + k, left + k, right + k, bent, k, side, apart)
        else:
            at, passed = free, _passed(marks, earlier)
            state *= passed
            for k in range(_0, n, _LANES):
                fork_again(
                    above, u * n + k, left + k, right + k, bent, at + k, k, side, apart, repeats[repeat],
                    np.float64(passed),
                )  # fmt: skip
            free += n
            repeat += _1
        moves[u * _2], moves[u * _2 + _1] = side, apart
        marks[u * _2], marks[u * _2 + _1] = at, state
    for u in range(n_inner, n_splits):
        s = first + u
        side = at_most(values[start + splits[s * _WIDE]], numbers[s * _4 + _2])
        apart = (side - numbers[s * _4 + _3]) * (leaves[leaf] - leaves[leaf + _1])
        value = leaves[leaf + _1 - as_bit(side)]
        leaf += _2
        feature = sums_start + splits[s * _WIDE + _1] * n_lanes
        earlier = np.uint64(splits[s * _WIDE + _4])
        if earlier == _0:
            for k in range(_0, n, _LANES):
                close(above, below, u * n + k, bent, k, value, apart, sums, feature + k)
        else:
            passed = np.float64(_passed(marks, earlier))
            for k in range(_0, n, _LANES):
                close_again(
                    above, below, u * n + k, bent, k, value, apart, repeats[repeat], passed, sums, feature + k
                )  # fmt: skip
            repeat += _1
    for last in range(n_inner):
        u = n_inner - last - _1
        s = first + u
        left, right = splits[s * _WIDE + _2] * n, splits[s * _WIDE + _3] * n
        side, apart, at = moves[u * _2], moves[u * _2 + _1], marks[u * _2]
        feature = sums_start + splits[s * _WIDE + _1] * n_lanes
        for k in range(_0, n, _LANES):
            join(above, below, u * n + k, left + k, right + k, bent, at + k, side, apart, sums, feature + k)


@tight
def _passed(marks, earlier):  # type: ignore[no-untyped-def]
    """1 where the row passed all splits on a feature down to a side of an earlier one, else 0."""
    place = earlier - _1
    return (marks[(place >> _1) * _2 + _1] >> (place & _1)) & _1
