"""Operations on the first and the newest rows: since, first, last, last k, streak, novelty, age."""

from __future__ import annotations

import numpy as np

from features.kernel.compiling import inner
from features.kernel.layout import (
    AGE,
    ASKED,
    COLUMN,
    FIRST,
    IS_NEW,
    KIND,
    LAST,
    LAST_K,
    MAX,
    MEAN,
    MIN,
    N_PAIRS,
    NULL,
    OPERATION,
    PARAMETER,
    SCALE,
    SECOND_PARAMETER,
    SINCE,
    SINCE_SAME,
    STD,
    STREAK,
    SUM,
    TIME,
    VALUES,
    VARIATION,
)
from features.kernel.totals import deviation, variation
from features.kernel.wide import add, quotient, square, widen

_SECOND = 1_000_000.0
_HELD = 1


@inner
def fold_recent(pool, base, width, high, time, programs, at, requests, row, out, out_row, out_at, scratch):  # type: ignore[no-untyped-def]
    """Answer the operation at ``at`` over all its windows."""
    kind, column, scale = programs[at + KIND], VALUES + programs[at + COLUMN], programs[at + SCALE]
    wanted = np.int64(_HELD)
    if kind >= SINCE_SAME:
        wanted = requests[row, programs[at + ASKED]]
    pairs = at + OPERATION
    for pair in range(pairs, pairs + 2 * programs[at + N_PAIRS], 2):
        low = scratch[programs[pair]]
        value = np.nan
        if kind == LAST_K:
            value = _last_k(
                pool, base, width, low, high, column, scale, programs[at + PARAMETER], programs[at + SECOND_PARAMETER]
            )
        elif kind == STREAK:
            index = high
            while index > low and pool[base + (index - 1) * width + column] == _HELD:
                index -= 1
            value = np.float64(high - index)
        elif FIRST <= kind <= LAST:
            index = _any_value(pool, base, width, low, high, column, kind == FIRST)
            if index >= 0:
                value = np.float64(pool[base + index * width + column]) / np.float64(scale)
        elif kind == SINCE:
            if low < high:
                value = np.float64(time - pool[base + (high - 1) * width + TIME]) / _SECOND
        elif wanted != NULL:
            index = row_with(pool, base, width, low, high, column, wanted, kind == AGE)
            if kind == IS_NEW:
                value = 1.0 if index < 0 else 0.0
            elif index >= 0:
                value = np.float64(time - pool[base + index * width + TIME]) / _SECOND
        out[out_row, out_at + programs[pair + 1]] = value


@inner
def row_with(pool, base, width, low, high, column, wanted, oldest):  # type: ignore[no-untyped-def]
    """Index of the newest, or the oldest, row of [low, high) with a value; −1 when there is none."""
    if oldest:
        for index in range(low, high):
            if pool[base + index * width + column] == wanted:
                return index
    else:
        for index in range(high - 1, low - 1, -1):
            if pool[base + index * width + column] == wanted:
                return index
    return np.int64(-1)


@inner
def _any_value(pool, base, width, low, high, column, oldest):  # type: ignore[no-untyped-def]
    """Index of the newest, or the oldest, row of [low, high) that is not null; −1 when there is none."""
    if oldest:
        for index in range(low, high):
            if pool[base + index * width + column] != NULL:
                return index
    else:
        for index in range(high - 1, low - 1, -1):
            if pool[base + index * width + column] != NULL:
                return index
    return np.int64(-1)


@inner
def _last_k(pool, base, width, low, high, column, scale, k, statistic):  # type: ignore[no-untyped-def]
    """A statistic of the newest ``k`` values of [low, high), or of as many as there are."""
    n = np.int64(0)
    s0, s1, q0, q1 = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    least, most = np.int64(0), np.int64(0)
    index = high
    while index > low and n < k:
        index -= 1
        value = pool[base + index * width + column]
        if value == NULL:
            continue
        v0, v1 = widen(value)
        w0, w1 = square(value)
        s0, s1 = add(s0, s1, v0, v1)
        q0, q1 = add(q0, q1, w0, w1)
        least = value if n == 0 else min(least, value)
        most = value if n == 0 else max(most, value)
        n += 1
    if n == 0:
        return np.nan
    if statistic == SUM:
        return quotient(s0, s1, scale)
    if statistic == MEAN:
        return quotient(s0, s1, n * scale)
    if statistic == MIN:
        return np.float64(least) / np.float64(scale)
    if statistic == MAX:
        return np.float64(most) / np.float64(scale)
    if statistic == VARIATION:
        return variation(n, s0, s1, q0, q1)
    if statistic == STD and n > 1:
        return deviation(n, s0, s1, q0, q1) / np.float64(scale)
    return np.nan
