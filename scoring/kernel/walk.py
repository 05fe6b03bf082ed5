"""One row's raw score: eight trees walked in step, so that one's wait for memory is the others' time."""

from __future__ import annotations

import numpy as np
from numba import njit

from features.kernel.compiling import tight
from scoring.kernel import TOGETHER
from scoring.kernel.shapley import compared, out_of_set

_TOGETHER = np.uint64(TOGETHER)
_0, _1, _2, _4, _5, _8 = (np.uint64(number) for number in (0, 1, 2, 4, 5, 8))

# It keeps the interpreter's lock: it is done before another thread could have taken it over and given it back.
_short_door = njit(error_model="numpy", _nrt=False)


@_short_door
def score(columns, sets, words, groups, roots, places, records, numbers, row, values, at, found):  # type: ignore[no-untyped-def]
    """The sum of the leaves a row comes to, added in the order of the model's trees.

    1. What splits compare (see `scoring.kernel.shapley`): ``values`` [columns + sets].
    2. Group by group, eight trees at a time, each step of each from a split to its child; a leaf is its own child.
    3. Leaf values in ``found`` [trees] by their trees' places, then their sum.

    ``values``, ``at`` [8] and ``found`` are scratch.
    """
    n_columns = np.uint64(columns.shape[0])
    for column in range(n_columns):
        values[column] = compared(row[columns[column, _0]], columns[column, _1])
    for k in range(np.uint64(sets.shape[0])):
        values[n_columns + k] = out_of_set(sets, words, k, row[sets[k, _0]])
    for group in range(np.uint64(groups.shape[0])):
        first = group * _TOGETHER
        for k in range(_TOGETHER):
            at[k] = roots[first + k]
        for _ in range(groups[group]):
            for k in range(_TOGETHER):
                at[k] += _step(records, numbers, values, at[k])
        for k in range(_TOGETHER):
            found[places[first + k]] = numbers[at[k] * _2]
    total = 0.0
    for k in range(np.uint64(found.shape[0]) - _1):
        total += found[k]
    return total


@tight
def _step(records, numbers, values, here):  # type: ignore[no-untyped-def]
    """How far it is from a split to the child it sends the row to."""
    went = np.uint64(values[records[here * _8 + _4]] <= numbers[here * _2])
    return np.uint64(records[here * _8 + _5 + went])
