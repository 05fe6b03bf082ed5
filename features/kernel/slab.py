"""Rows of one entity: sorted by (event_time, seq), with running prefixes, in a slab of the pool.

1. move the entity's clock; evict what retention no longer needs     start moves right
2. make room for one row                                             compact, or move to a slab twice as large
3. a full ring pushes out its oldest                                 noted in DROPPED_TIME
4. put the row where it belongs                                      at the end, or the later rows move by one
5. its prefixes are those of the row before plus that row;
   the rows after it are given its contribution
"""

from __future__ import annotations

import numpy as np
from numba import njit

from features.kernel.law import first_at_or_after, retention_bound
from features.kernel.layout import (
    CAPACITY,
    COLUMNS_AT,
    DROPPED_TIME,
    END,
    FIRST_CAPACITY,
    LATENESS,
    LONGEST,
    MAX_TIME,
    N_COLUMNS,
    N_SUMS,
    NEVER,
    NULL,
    OFFSET,
    RING,
    SEQ,
    START,
    SUM_WORDS,
    SUMS_AT,
    TIME,
    VALUES,
    WIDTH,
)
from features.kernel.wide import add, square, subtract, widen

DONE = 0
NEED_GROW = 1


@njit
def clear(meta, slot):  # type: ignore[no-untyped-def]
    """Forget the rows of a slot; its place in the pool stays."""
    meta[slot, START] = 0
    meta[slot, END] = 0
    meta[slot, MAX_TIME] = NEVER
    meta[slot, DROPPED_TIME] = NEVER


@njit
def insert(pool, meta, slot, programs, p, time, seq, values, row):  # type: ignore[no-untyped-def]
    """Insert one encoded event; DONE, or NEED_GROW when the pool is full (call again with a larger one)."""
    width = programs[p + WIDTH]
    # 1. Clock and retention.
    meta[slot, MAX_TIME] = max(meta[slot, MAX_TIME], time)
    bound = retention_bound(meta[slot, MAX_TIME], programs[p + LONGEST], programs[p + LATENESS])
    base = meta[slot, OFFSET]
    meta[slot, START] = first_at_or_after(pool, base, width, meta[slot, START], meta[slot, END], bound)
    if time < bound:
        return DONE
    # 2. Room for one row.
    if meta[slot, END] == meta[slot, CAPACITY] and not _make_room(pool, meta, slot, width):
        return NEED_GROW
    base = meta[slot, OFFSET]
    start, end = meta[slot, START], meta[slot, END]
    # 3. A full ring pushes out the oldest; an event older than all of them never gets in.
    if end - start == programs[p + RING]:
        oldest = pool[base + start * width + TIME]
        if time < oldest:
            meta[slot, DROPPED_TIME] = max(meta[slot, DROPPED_TIME], time)
            return DONE
        # Rows leave oldest first: this one is never older than those pushed out before.
        meta[slot, DROPPED_TIME] = oldest
        start += 1
        meta[slot, START] = start
    # 4. Its place: after every row of its time, for no row has a greater seq.
    place = end
    if end > start and pool[base + (end - 1) * width + TIME] > time:
        place = first_at_or_after(pool, base, width, start, end, time + 1)
        for word in range(base + end * width - 1, base + place * width - 1, -1):
            pool[word + width] = pool[word]
    meta[slot, END] = end + 1
    # 5. Values and prefixes.
    at = base + place * width
    pool[at + TIME] = time
    pool[at + SEQ] = seq
    n_columns = programs[p + N_COLUMNS]
    columns = p + programs[p + COLUMNS_AT]
    for column in range(n_columns):
        pool[at + VALUES + column] = values[row, programs[columns + column]]
    sums = p + programs[p + SUMS_AT]
    for index in range(programs[p + N_SUMS]):
        offset = VALUES + n_columns + index * SUM_WORDS
        _lay_prefix(pool, base, width, start, place, end, offset, VALUES + programs[sums + index])
    return DONE


@njit
def _lay_prefix(pool, base, width, start, place, end, offset, column):  # type: ignore[no-untyped-def]
    """Prefix of the row at ``place``; the rows after it, already moved, are given its contribution."""
    at = base + place * width
    if place > start:
        before = at - width
        n, s0, s1, q0, q1 = total_through(pool, before, offset, column)
    elif place < end:
        # The row that was first has moved by one and kept its prefix: the new row starts from the same total.
        after = at + width
        n, s0, s1, q0, q1 = total_before(pool, after, offset)
    else:
        n = np.int64(0)
        s0, s1, q0, q1 = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    _write(pool, at + offset, n, s0, s1, q0, q1)
    value = pool[at + column]
    if value == NULL:
        return
    v0, v1 = widen(value)
    w0, w1 = square(value)
    for later in range(place + 1, end + 1):
        cell = base + later * width + offset
        n, s0, s1, q0, q1 = total_before(pool, cell - offset, offset)
        s0, s1 = add(s0, s1, v0, v1)
        q0, q1 = add(q0, q1, w0, w1)
        _write(pool, cell, n + 1, s0, s1, q0, q1)


@njit
def _write(pool, cell, n, s0, s1, q0, q1):  # type: ignore[no-untyped-def]
    pool[cell] = n
    pool[cell + 1] = np.int64(s0)
    pool[cell + 2] = np.int64(s1)
    pool[cell + 3] = np.int64(q0)
    pool[cell + 4] = np.int64(q1)


@njit
def total_before(pool, at, offset):  # type: ignore[no-untyped-def]
    """n, Σx, Σx² over the rows before the one at ``at``."""
    cell = at + offset
    return (
        pool[cell],
        np.uint64(pool[cell + 1]),
        np.uint64(pool[cell + 2]),
        np.uint64(pool[cell + 3]),
        np.uint64(pool[cell + 4]),
    )


@njit
def total_through(pool, at, offset, column):  # type: ignore[no-untyped-def]
    """n, Σx, Σx² over the rows up to and with the one at ``at``."""
    n, s0, s1, q0, q1 = total_before(pool, at, offset)
    value = pool[at + column]
    if value != NULL:
        v0, v1 = widen(value)
        w0, w1 = square(value)
        s0, s1 = add(s0, s1, v0, v1)
        q0, q1 = add(q0, q1, w0, w1)
        n += 1
    return n, s0, s1, q0, q1


@njit
def window_total(pool, base, width, low, high, offset, column):  # type: ignore[no-untyped-def]
    """n, Σx, Σx² over the rows in [low, high), exactly."""
    if low >= high:
        return np.int64(0), np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    n, s0, s1, q0, q1 = total_through(pool, base + (high - 1) * width, offset, column)
    m, t0, t1, u0, u1 = total_before(pool, base + low * width, offset)
    s0, s1 = subtract(s0, s1, t0, t1)
    q0, q1 = subtract(q0, q1, u0, u1)
    return n - m, s0, s1, q0, q1


@njit
def _make_room(pool, meta, slot, width):  # type: ignore[no-untyped-def]
    """One free row at the end: move the rows to the front when half is free, else to a slab twice as large."""
    base, capacity = meta[slot, OFFSET], meta[slot, CAPACITY]
    start, end = meta[slot, START], meta[slot, END]
    first = base + start * width
    n_words = (end - start) * width
    if capacity > 0 and 2 * (end - start) <= capacity:
        target = base
    else:
        capacity = max(FIRST_CAPACITY, 2 * capacity)
        target = pool[0]
        if target + capacity * width > pool.shape[0]:
            return False
        pool[0] = target + capacity * width
        meta[slot, OFFSET] = target
        meta[slot, CAPACITY] = capacity
    for word in range(n_words):
        pool[target + word] = pool[first + word]
    meta[slot, START] = 0
    meta[slot, END] = end - start
    return True
