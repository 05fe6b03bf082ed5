"""Answer one request from one view: windows by binary search, then each operation over them.

1. flags      is the request older than the state, is the ring too small for it
2. windows    high = first row at or after t; low[k] = first row at or after t − w[k]
3. operations counts and sums are differences; extremes and distinct values take one pass from the newest
              row back, noting the running value at the edge of each window
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from features.kernel.law import first_at_or_after, is_stale, is_truncated
from features.kernel.layout import (
    ABSENT,
    ARGUMENT,
    COLUMN,
    COUNT,
    DISTINCT,
    DROPPED_TIME,
    END,
    KIND,
    LATENESS,
    LONGEST,
    MAX_TIME,
    MAX_WINDOWS,
    MEAN,
    MIN,
    N_COLUMNS,
    N_OPERATIONS,
    N_OUT,
    N_PAIRS,
    N_WINDOWS,
    NULL,
    OFFSET,
    OPERATION,
    OPERATIONS_AT,
    OUT_AT,
    SCALE,
    SINCE,
    STALE,
    START,
    STD,
    SUM,
    SUM_WORDS,
    TIME,
    TRUNCATED,
    VALUES,
    WIDTH,
    WINDOWS_AT,
)
from features.kernel.slab import window_total
from features.kernel.wide import quotient, spread, to_float

_SECOND = 1_000_000.0


@njit
def read(pool, meta, slot, programs, p, time, requests, row, out, out_row, scratch):  # type: ignore[no-untyped-def]
    """Write the view's outputs into ``out[out_row]``; returns TRUNCATED and STALE flags."""
    out_at = programs[p + OUT_AT]
    if slot == ABSENT:
        for index in range(out_at, out_at + programs[p + N_OUT]):
            out[out_row, index] = np.nan
        return 0
    # 1. Flags.
    width = programs[p + WIDTH]
    base, start, end, flags = np.int64(0), np.int64(0), np.int64(0), 0
    if slot >= 0:
        base, start, end = meta[slot, OFFSET], meta[slot, START], meta[slot, END]
        if is_stale(time, meta[slot, MAX_TIME], programs[p + LATENESS]):
            flags |= STALE
        if is_truncated(time, programs[p + LONGEST], meta[slot, DROPPED_TIME]):
            flags |= TRUNCATED
    # 2. Windows, shortest first: each one starts at or before the last.
    high = first_at_or_after(pool, base, width, start, end, time)
    low = high
    windows = p + programs[p + WINDOWS_AT]
    for k in range(programs[p + N_WINDOWS]):
        low = first_at_or_after(pool, base, width, start, low, time - programs[windows + k])
        scratch[k] = low
    # 3. Operations.
    sums = VALUES + programs[p + N_COLUMNS]
    at = p + programs[p + OPERATIONS_AT]
    for _ in range(programs[p + N_OPERATIONS]):
        kind, column, scale = programs[at + KIND], programs[at + COLUMN], programs[at + SCALE]
        pairs, n_pairs = at + OPERATION, programs[at + N_PAIRS]
        if kind <= STD:
            for pair in range(pairs, pairs + 2 * n_pairs, 2):
                low = scratch[programs[pair]]
                if kind == COUNT:
                    value = np.float64(high - low)
                else:
                    offset = sums + programs[at + ARGUMENT] * SUM_WORDS
                    value = _moment(pool, base, width, low, high, offset, VALUES + column, kind, scale)
                out[out_row, out_at + programs[pair + 1]] = value
        elif kind < SINCE:
            _scan(pool, base, width, high, programs, pairs, n_pairs, kind, VALUES + column, scale, out, out_row,
                  out_at, scratch)  # fmt: skip
        else:
            low = scratch[programs[pairs]]
            if kind == SINCE:
                age = _since(pool, base, width, low, high, time)
            else:
                age = _since_same(pool, base, width, low, high, VALUES + column, time,
                                    requests[row, programs[at + ARGUMENT]])  # fmt: skip
            out[out_row, out_at + programs[pairs + 1]] = age
        at = pairs + 2 * n_pairs
    return flags


@njit
def _moment(pool, base, width, low, high, offset, column, kind, scale):  # type: ignore[no-untyped-def]
    """Sum, mean or sample standard deviation over [low, high): integers until the last step."""
    n, s0, s1, q0, q1 = window_total(pool, base, width, low, high, offset, column)
    if n == 0 or (kind == STD and n < 2):
        return np.nan
    if kind == SUM:
        return quotient(s0, s1, scale)
    if kind == MEAN:
        return quotient(s0, s1, n * scale)
    d0, d1, d2 = spread(np.uint64(n), s0, s1, q0, q1)
    return math.sqrt(to_float(d0, d1, d2) / np.float64(n * (n - 1))) / np.float64(scale)


@njit
def _scan(pool, base, width, high, programs, pairs, n_pairs, kind, column, scale, out, out_row, out_at, scratch):  # type: ignore[no-untyped-def]
    """Minimum, maximum or distinct values, from the newest row back over all windows of the operation."""
    longest = scratch[programs[pairs + 2 * (n_pairs - 1)]]
    mask = 0
    if kind == DISTINCT:
        n_cells = 8
        while n_cells < 2 * (high - longest):
            n_cells *= 2
        mask = n_cells - 1
        for cell in range(MAX_WINDOWS, MAX_WINDOWS + n_cells):
            scratch[cell] = NULL
    n = 0
    best = np.int64(0)
    index = high
    for pair in range(pairs, pairs + 2 * n_pairs, 2):
        low = scratch[programs[pair]]
        while index > low:
            index -= 1
            value = pool[base + index * width + column]
            if value == NULL:
                continue
            if kind == DISTINCT:
                n += _remember(scratch, mask, value)
            else:
                if n == 0 or (value < best if kind == MIN else value > best):
                    best = value
                n += 1
        if kind == DISTINCT:
            out[out_row, out_at + programs[pair + 1]] = np.float64(n)
        else:
            out[out_row, out_at + programs[pair + 1]] = np.float64(best) / np.float64(scale) if n > 0 else np.nan


@njit
def _remember(scratch, mask, value):  # type: ignore[no-untyped-def]
    """1 when the value is new to the set of open addresses in scratch, else 0."""
    mixed = np.uint64(value) * np.uint64(0x9E3779B97F4A7C15)
    cell = np.int64(mixed >> np.uint64(32)) & mask
    while True:
        found = scratch[MAX_WINDOWS + cell]
        if found == value:
            return 0
        if found == NULL:
            scratch[MAX_WINDOWS + cell] = value
            return 1
        cell = (cell + 1) & mask


@njit
def _since(pool, base, width, low, high, time):  # type: ignore[no-untyped-def]
    """Seconds since the newest row in [low, high); NaN when there is none."""
    if low >= high:
        return np.nan
    return (time - pool[base + (high - 1) * width + TIME]) / _SECOND


@njit
def _since_same(pool, base, width, low, high, column, time, wanted):  # type: ignore[no-untyped-def]
    """Seconds since the newest row in [low, high) with the request's value; NaN when there is none."""
    if wanted == NULL:
        return np.nan
    for index in range(high - 1, low - 1, -1):
        at = base + index * width
        if pool[at + column] == wanted:
            return (time - pool[at + TIME]) / _SECOND
    return np.nan
