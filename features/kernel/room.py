"""Room for one more row of a slot: evict, merge tiles, move to the front, or to a slab twice as large.

A slab that is left is overwritten and kept in a list by its size, from which the next one of that size is taken: a
service whose entities come and go needs no more than it did at its busiest. A replay, which is soon over, passes a
``free`` of no lines and takes everything from the top of the pool.
"""

from __future__ import annotations

import numpy as np

from features.kernel.compiling import inner
from features.kernel.law import first_at_or_after, floored, merge_bound
from features.kernel.layout import (
    CAPACITY,
    END,
    EXTREMES_AT,
    EXTREMES_OFFSET,
    FIRST_CAPACITY,
    FREE_WORDS,
    HOP,
    LATENESS,
    LEAST,
    N_EXTREMES,
    NULL,
    OFFSET,
    START,
    TIME,
    TOP,
    VALUES,
    WANTED,
    WIDTH,
)
from features.kernel.links import link_extreme


@inner
def make_room(pool, meta, free, slot, programs, p, bound):  # type: ignore[no-untyped-def]
    """One free row at the end: rows move to the front when half is free then, else to a slab twice as large.

    Returns False when the pool has no room for that; WANTED says for how many words.
    """
    width = programs[p + WIDTH]
    base, capacity = meta[slot, OFFSET], meta[slot, CAPACITY]
    meta[slot, START] = first_at_or_after(pool, base, width, meta[slot, START], meta[slot, END], bound)
    if programs[p + HOP] > 0 and meta[slot, END] > meta[slot, START]:
        _merge_tiles(pool, meta, slot, programs, p)
    start, end = meta[slot, START], meta[slot, END]
    first = base + start * width
    n_words = (end - start) * width
    target = base
    if capacity == 0 or 2 * (end - start) > capacity:
        target = _taken(pool, free, width, max(FIRST_CAPACITY, 2 * capacity))
        if target < 0:
            return False
        meta[slot, OFFSET], meta[slot, CAPACITY] = target, max(FIRST_CAPACITY, 2 * capacity)
    if target != first:
        for word in range(n_words):
            pool[target + word] = pool[first + word]
    if target != base and capacity > 0:
        _give_up(pool, free, base, width, capacity)
    meta[slot, START] = 0
    meta[slot, END] = end - start
    return True


# ------------------------------------------------------------------------ slabs


@inner
def _taken(pool, free, width, capacity):  # type: ignore[no-untyped-def]
    """Where a slab may lie: where one was given up, else at the top; −1 when the pool ends before."""
    n_words = width * capacity
    if free.shape[0] > 0:
        size = _power(capacity)
        place = free[width, size]
        if place > 0:
            free[width, size] = pool[place]
            pool[place] = 0
            pool[FREE_WORDS] -= n_words
            return place
    place = pool[TOP]
    if place + n_words > pool.shape[0]:
        pool[WANTED] = n_words
        return np.int64(-1)
    pool[TOP] = place + n_words
    return place


@inner
def _give_up(pool, free, place, width, capacity):  # type: ignore[no-untyped-def]
    """Overwrite a slab and keep it for the next one of its size (`features.memory.Memory.give_up` does the same)."""
    if free.shape[0] == 0:
        return
    for word in range(place, place + width * capacity):
        pool[word] = 0
    size = _power(capacity)
    pool[place] = free[width, size]
    free[width, size] = place
    pool[FREE_WORDS] += width * capacity


@inner
def _power(capacity):  # type: ignore[no-untyped-def]
    """The power of two that a capacity is."""
    power = 0
    while capacity > 1:
        capacity >>= 1
        power += 1
    return power


# ------------------------------------------------------------------------ tiles


@inner
def _merge_tiles(pool, meta, slot, programs, p):  # type: ignore[no-untyped-def]
    """One row for each tile that no request within the declared lateness can end in."""
    width, hop = programs[p + WIDTH], programs[p + HOP]
    base, start, end = meta[slot, OFFSET], meta[slot, START], meta[slot, END]
    # By the newest row, not by the clock: that one must go on standing for one event.
    bound = merge_bound(pool[base + (end - 1) * width + TIME], programs[p + LATENESS], hop)
    kept = start
    for index in range(start, end):
        row = base + index * width
        mergeable = pool[row + TIME] < bound
        tile = floored(pool[row + TIME], hop)
        last = base + (kept - 1) * width
        if mergeable and kept > start and pool[last + TIME] == tile:
            _merge_extremes(pool, last, row, programs, p)
            continue
        target = base + kept * width
        if target != row:
            for word in range(width):
                pool[target + word] = pool[row + word]
        if mergeable:
            pool[target + TIME] = tile
        kept += 1
    meta[slot, END] = kept
    extremes = p + programs[p + EXTREMES_AT]
    for index in range(programs[p + N_EXTREMES]):
        column, direction = VALUES + programs[extremes + 2 * index], programs[extremes + 2 * index + 1]
        for later in range(start, kept):
            link_extreme(pool, base, width, start, later, column, programs[p + EXTREMES_OFFSET] + index, direction)


@inner
def _merge_extremes(pool, into, row, programs, p):  # type: ignore[no-untyped-def]
    extremes = p + programs[p + EXTREMES_AT]
    for index in range(programs[p + N_EXTREMES]):
        column, direction = VALUES + programs[extremes + 2 * index], programs[extremes + 2 * index + 1]
        value, other = pool[into + column], pool[row + column]
        if value == NULL or (other != NULL and (other < value if direction == LEAST else other > value)):
            pool[into + column] = other
