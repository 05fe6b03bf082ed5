"""Rows of one entity: sorted by (event_time, seq), with running prefixes, in a slab of the pool.

1. move the entity's clock; refuse what retention no longer needs
2. make room for one row                                             evict, merge tiles, compact, or move to more room
3. a full ring pushes out its oldest                                 noted in DROPPED_TIME
4. put the row where it belongs                                      at the end, or the later rows move by one
5. its prefixes are those of the row before plus that row;
   the rows after it are given its contribution
6. its links go to the last row of the same value; the next such row is linked to it
7. its extremes are linked to the last row that is at least as extreme, and those of the rows after it anew
"""

from __future__ import annotations

import numpy as np

from features.kernel.compiling import inner, tight
from features.kernel.law import first_at_or_after, is_before, retention_bound
from features.kernel.layout import (
    CAPACITY,
    COLUMNS_AT,
    DROPPED_TIME,
    END,
    EVENTS_OFFSET,
    EXTREMES_AT,
    EXTREMES_OFFSET,
    HOP,
    LATENESS,
    LINKS_AT,
    LINKS_OFFSET,
    LONGEST,
    MAX_TIME,
    N_COLUMNS,
    N_EXTREMES,
    N_LINKS,
    N_SUMS,
    NEVER,
    NULL,
    OFFSET,
    OWNER,
    RING,
    START,
    SUM_WORDS,
    SUMS_AT,
    SUMS_OFFSET,
    TIME,
    VALUES,
    WIDEST,
    WIDTH,
)
from features.kernel.links import link_extreme, link_same
from features.kernel.room import make_room
from features.kernel.wide import add, square, subtract, widen

DONE = 0
NEED_GROW = 1
OVERFLOW = 2

_LARGEST = 1.7e38  # just below 2^127


@inner
def turn_to(meta, slot, owner):  # type: ignore[no-untyped-def]
    """Give a slot to another entity, whose rows begin where those of the last one ended."""
    meta[slot, OWNER] = owner
    meta[slot, START] = meta[slot, END]
    meta[slot, MAX_TIME] = NEVER
    meta[slot, DROPPED_TIME] = NEVER
    meta[slot, WIDEST] = 0


@inner
def insert(pool, meta, free, slot, programs, p, time, values, row):  # type: ignore[no-untyped-def]
    """Insert one encoded event.

    Returns DONE, NEED_GROW when the pool is full (call again with a larger one), or OVERFLOW when the sums of a
    tiled view might leave 128 bits. Rows in [START, END) stay where they are unless `moves_rows` says otherwise.
    """
    width, hop = programs[p + WIDTH], programs[p + HOP]
    # 1. Clock and retention.
    meta[slot, MAX_TIME] = max(meta[slot, MAX_TIME], time)
    bound = retention_bound(meta[slot, MAX_TIME], programs[p + LONGEST], programs[p + LATENESS], hop)
    if time < bound:
        return DONE
    # 2. Room for one row.
    if meta[slot, END] == meta[slot, CAPACITY] and not make_room(pool, meta, free, slot, programs, p, bound):
        return NEED_GROW
    base, start, end = meta[slot, OFFSET], meta[slot, START], meta[slot, END]
    # 3. A full ring pushes out the oldest; an event older than all of them never gets in.
    if end - start == programs[p + RING]:
        oldest = pool[base + start * width + TIME]
        if time < oldest:
            meta[slot, DROPPED_TIME] = max(meta[slot, DROPPED_TIME], time)
            return DONE
        # Rows leave oldest first: this one is never older than those pushed out before. What retention no longer
        # needs is evicted, not dropped.
        if oldest >= bound:
            meta[slot, DROPPED_TIME] = oldest
        start += 1
        meta[slot, START] = start
    if hop > 0 and not _fits(pool, meta, slot, programs, p, base, start, end, values, row):
        return OVERFLOW
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
    if hop > 0:
        events = programs[p + EVENTS_OFFSET]
        pool[at + events] = _events_before(pool, base, width, start, place, end, events)
        for later in range(at + width, base + (end + 1) * width, width):
            pool[later + events] += 1
    columns = p + programs[p + COLUMNS_AT]
    for column in range(programs[p + N_COLUMNS]):
        pool[at + VALUES + column] = values[row, programs[columns + column]]
    sums = p + programs[p + SUMS_AT]
    for index in range(programs[p + N_SUMS]):
        offset = programs[p + SUMS_OFFSET] + index * SUM_WORDS
        _lay_prefix(pool, base, width, start, place, end, offset, VALUES + programs[sums + index])
    # 6. Links.
    links = p + programs[p + LINKS_AT]
    for index in range(programs[p + N_LINKS]):
        column, reach = VALUES + programs[links + 2 * index], programs[links + 2 * index + 1]
        link_same(pool, base, width, start, place, end, column, programs[p + LINKS_OFFSET] + index, reach)
    # 7. Extremes.
    extremes = p + programs[p + EXTREMES_AT]
    for index in range(programs[p + N_EXTREMES]):
        column, direction = VALUES + programs[extremes + 2 * index], programs[extremes + 2 * index + 1]
        for later in range(place, end + 1):
            link_extreme(pool, base, width, start, later, column, programs[p + EXTREMES_OFFSET] + index, direction)
    return DONE


@inner
def moves_rows(pool, meta, slot, programs, p, time):  # type: ignore[no-untyped-def]
    """Whether inserting an event of this time may move rows that are there, which whoever waits on them must know."""
    end = meta[slot, END]
    if end == meta[slot, CAPACITY]:
        return True
    return end > meta[slot, START] and not is_before(pool, meta[slot, OFFSET], programs[p + WIDTH], end - 1, time + 1)


@inner
def _events_before(pool, base, width, start, place, end, events):  # type: ignore[no-untyped-def]
    if place < end:
        # The row that was there has moved by one and kept its number.
        return pool[base + (place + 1) * width + events]
    return pool[base + (end - 1) * width + events] + 1 if end > start else 0


@inner
def _fits(pool, meta, slot, programs, p, base, start, end, values, row):  # type: ignore[no-untyped-def]
    """Whether Σx² with one more event surely stays within 127 bits; the widest value so far is noted."""
    columns, sums = p + programs[p + COLUMNS_AT], p + programs[p + SUMS_AT]
    widest = meta[slot, WIDEST]
    for index in range(programs[p + N_SUMS]):
        value = values[row, programs[columns + programs[sums + index]]]
        if value != NULL:
            widest = max(widest, abs(value))
    n = 1
    if end > start:
        n += window_events(pool, base, programs[p + WIDTH], start, end, end, programs[p + EVENTS_OFFSET])
    if np.float64(n) * np.float64(widest) * np.float64(widest) >= _LARGEST:
        return False
    meta[slot, WIDEST] = widest
    return True


# ------------------------------------------------------------------------- sums


@inner
def _lay_prefix(pool, base, width, start, place, end, offset, column):  # type: ignore[no-untyped-def]
    """Prefix of the row at ``place``; the rows after it, already moved, are given its contribution."""
    at = base + place * width
    if place < end:
        # The row that was there has moved by one and kept its prefix: the new row starts from the same total.
        n, s0, s1, q0, q1 = total_before(pool, at + width, offset)
    elif place > start:
        n, s0, s1, q0, q1 = total_through(pool, at - width, offset, column)
    else:
        n = np.int64(0)
        s0, s1, q0, q1 = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    _write(pool, at + offset, n, s0, s1, q0, q1)
    value = pool[at + column]
    if value == NULL or place == end:
        return
    v0, v1 = widen(value)
    w0, w1 = square(value)
    for later in range(place + 1, end + 1):
        cell = base + later * width + offset
        n, s0, s1, q0, q1 = total_before(pool, cell - offset, offset)
        s0, s1 = add(s0, s1, v0, v1)
        q0, q1 = add(q0, q1, w0, w1)
        _write(pool, cell, n + 1, s0, s1, q0, q1)


@inner
def _write(pool, cell, n, s0, s1, q0, q1):  # type: ignore[no-untyped-def]
    pool[cell] = n
    pool[cell + 1] = np.int64(s0)
    pool[cell + 2] = np.int64(s1)
    pool[cell + 3] = np.int64(q0)
    pool[cell + 4] = np.int64(q1)


@inner
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


@inner
def total_through(pool, at, offset, column):  # type: ignore[no-untyped-def]
    """n, Σx, Σx² over the rows up to and with the one at ``at``, which stands for one event."""
    n, s0, s1, q0, q1 = total_before(pool, at, offset)
    value = pool[at + column]
    if value != NULL:
        v0, v1 = widen(value)
        w0, w1 = square(value)
        s0, s1 = add(s0, s1, v0, v1)
        q0, q1 = add(q0, q1, w0, w1)
        n += 1
    return n, s0, s1, q0, q1


@tight
def window_total(pool, base, width, low, high, end, offset, column):  # type: ignore[no-untyped-def]
    """n, Σx, Σx² over the rows in [low, high), exactly; ``end`` is where all rows ended when it was asked for."""
    if low >= high:
        return np.int64(0), np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    if high < end:
        n, s0, s1, q0, q1 = total_before(pool, base + high * width, offset)
    else:
        # The newest row is never merged with another: it stands for itself.
        n, s0, s1, q0, q1 = total_through(pool, base + (high - 1) * width, offset, column)
    m, t0, t1, u0, u1 = total_before(pool, base + low * width, offset)
    s0, s1 = subtract(s0, s1, t0, t1)
    q0, q1 = subtract(q0, q1, u0, u1)
    return n - m, s0, s1, q0, q1


@inner
def window_events(pool, base, width, low, high, end, events):  # type: ignore[no-untyped-def]
    """Number of events in the rows [low, high): a row each, unless ``events`` says where their number stands."""
    if events == 0 or low >= high:
        return high - low
    last = pool[base + high * width + events] if high < end else pool[base + (high - 1) * width + events] + 1
    return last - pool[base + low * width + events]
