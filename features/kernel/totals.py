"""Operations on running sums: sum, mean, deviation, rows that satisfy, a smoothed rate, ratios of two windows."""

from __future__ import annotations

import math

import numpy as np

from features.kernel.compiling import inner, tight
from features.kernel.layout import (
    ARGUMENT,
    COLUMN,
    COUNT_RATIO,
    COUNT_WHERE,
    EVENTS_OFFSET,
    KIND,
    MEAN,
    MEAN_RATIO,
    OPERATION,
    STD,
    SUM,
    SUM_WORDS,
    SUMS_OFFSET,
    VALUES,
    VARIATION,
)
from features.kernel.slab import window_events, window_total
from features.kernel.wide import quotient, spread, to_float

_1 = np.int64(1)  # a literal would be a type of its own, and `quotient` compiled twice


@tight
def finished(n, s0, s1, q0, q1, kind, scale, pseudo, strength):  # type: ignore[no-untyped-def]
    """What an operation makes of the totals n, Σx and Σx² of its window; integers until the last step."""
    if kind == COUNT_WHERE:
        return quotient(s0, s1, _1)
    if n == 0:
        return np.nan
    if kind == SUM:
        return quotient(s0, s1, scale)
    if kind == MEAN:
        return quotient(s0, s1, n * scale)
    if kind == STD:
        return deviation(n, s0, s1, q0, q1) / np.float64(scale) if n > 1 else np.nan
    if kind == VARIATION:
        return variation(n, s0, s1, q0, q1)
    return (quotient(s0, s1, scale) + pseudo) / (np.float64(n) + strength)


@inner
def variation(n, s0, s1, q0, q1):  # type: ignore[no-untyped-def]
    """Sample standard deviation over the absolute mean; NaN below two values and where the mean is 0."""
    if n < 2 or (s0 == 0 and s1 == 0):
        return np.nan
    return deviation(n, s0, s1, q0, q1) / abs(quotient(s0, s1, n))


@inner
def deviation(n, s0, s1, q0, q1):  # type: ignore[no-untyped-def]
    """Sample standard deviation of n ≥ 2 values."""
    d0, d1, d2 = spread(np.uint64(n), s0, s1, q0, q1)
    return math.sqrt(to_float(d0, d1, d2) / np.float64(n * (n - 1)))


@inner
def ratio(pool, base, width, high, end, programs, p, at, scratch):  # type: ignore[no-untyped-def]
    """Count, sum or mean of the shorter window over that of the longer; NaN where the latter is 0."""
    kind, pairs = programs[at + KIND], at + OPERATION
    near, far = scratch[programs[pairs]], scratch[programs[pairs + 2]]
    if kind == COUNT_RATIO:
        events = programs[p + EVENTS_OFFSET]
        less = window_events(pool, base, width, near, high, end, events)
        more = window_events(pool, base, width, far, high, end, events)
        return np.float64(less) / np.float64(more) if more > 0 else np.nan
    column = VALUES + programs[at + COLUMN]
    offset = programs[p + SUMS_OFFSET] + programs[at + ARGUMENT] * SUM_WORDS
    n, s0, s1, _, _ = window_total(pool, base, width, near, high, end, offset, column)
    m, t0, t1, _, _ = window_total(pool, base, width, far, high, end, offset, column)
    if n == 0 or (t0 == 0 and t1 == 0):
        return np.nan
    if kind == MEAN_RATIO:
        return quotient(s0, s1, n) / quotient(t0, t1, m)
    return quotient(s0, s1, _1) / quotient(t0, t1, _1)
