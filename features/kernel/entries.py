"""The doors of the kernel: what Python calls. Each has one signature and is compiled once.

Nothing is compiled at import; `loading.load_kernel` does it.
"""

from __future__ import annotations

import numpy as np

from features.kernel.compiling import brief_door, brief_hot_door, door, hot_door
from features.kernel.deriving import derive_row, derive_rows
from features.kernel.layout import ABSENT, NULL, OWNER, STACK
from features.kernel.reading import absent, admit, answer_batch
from features.kernel.slab import DONE, NEED_GROW, insert, moves_rows, turn_to
from features.kernel.texts import text_hash

# A literal would be a type of its own: everything below it would be compiled twice.
_0, _1 = np.int64(0), np.int64(1)


@hot_door
def insert_many(pool, meta, free, programs, items, times, values, at):  # type: ignore[no-untyped-def]
    """Insert ``items[at:]``, each (program, slot, row), in order.

    Returns the index it came to: ``len(items)`` when done, less when the pool must grow first, −1 on overflow.
    """
    while at < items.shape[0]:
        p, slot, row = items[at, 0], items[at, 1], items[at, 2]
        status = insert(pool, meta, free, slot, programs, p, times[row], values, row)
        if status != DONE:
            return at if status == NEED_GROW else -1
        at += 1
    return at


@brief_hot_door
def learn(pool, meta, free, programs, views, firsts, times, values, at):  # type: ignore[no-untyped-def]
    """Insert the event in row 0 into ``views[at:]``, each (program, entity, ordinal); returns as `insert_many` does.

    ``firsts`` has the first slot of each entity, or less than 0 where the event names none.
    """
    while at < views.shape[0]:
        first = firsts[views[at, 1]]
        if first >= 0:
            status = insert(pool, meta, free, first + views[at, 2], programs, views[at, 0], times[0], values, _0)
            if status != DONE:
                return at if status == NEED_GROW else -1
        at += 1
    return at


@brief_door
def answer(  # type: ignore[no-untyped-def]
    pool, meta, programs, readers, firsts, times, requests, out, code, constants, zone_at, zone_offset, scratch, batch
):
    """All views and derived features of the request in row 0; returns its flags.

    ``readers`` has a line (program, entity, ordinal) for each view; ``firsts`` the first slot of each entity, or why
    there is none.
    """
    flags = 0
    for view in range(readers.shape[0]):
        p, first = readers[view, 0], firsts[readers[view, 1]]
        if first == ABSENT:
            absent(programs, p, out, _0)
        else:
            slot = first + readers[view, 2] if first >= 0 else first
            flags |= admit(pool, meta, slot, programs, p, times[0], _0, batch, _0)
            answer_batch(pool, meta, slot, programs, p, requests, out, scratch, batch, _1)
    stack = np.empty(STACK, dtype=np.float64)
    derive_row(out, 0, times, requests, code, constants, zone_at, zone_offset, stack)
    return flags


@hot_door
def replay(  # type: ignore[no-untyped-def]
    pool, meta, free, program, owners, actions, at, stop, times, values, request_times, requests, out, flags, scratch,
    batch
):  # fmt: skip
    """Run one view over ``actions[at:stop]``, grouped by entity and in arrival order within it.

    An action is 2·row to read for request ``row`` and 2·row + 1 to insert event ``row``. One slot serves one
    entity after another; requests wait in the batch until it is full or the rows they may see would move. Returns
    the index it came to, as `insert_many` does; nothing waits then.
    """
    n = _0
    while at < stop:
        owner, row = owners[at], actions[at] >> 1
        if owner != meta[0, OWNER]:
            turn_to(meta, _0, owner)
        if owner < 0:
            if not actions[at] & 1:
                absent(program, _0, out, row)
        elif actions[at] & 1:
            if n > 0 and moves_rows(pool, meta, _0, program, _0, times[row]):
                answer_batch(pool, meta, _0, program, _0, requests, out, scratch, batch, n)
                n = _0
            status = insert(pool, meta, free, _0, program, _0, times[row], values, row)
            if status != DONE:
                return at if status == NEED_GROW else -1
        else:
            flags[row] |= admit(pool, meta, _0, program, _0, request_times[row], row, batch, n)
            n += 1
            if n == batch.shape[1]:
                answer_batch(pool, meta, _0, program, _0, requests, out, scratch, batch, n)
                n = _0
        at += 1
    if n > 0:
        answer_batch(pool, meta, _0, program, _0, requests, out, scratch, batch, n)
    return at


@door
def derive(matrix, times, columns, code, constants, zone_at, zone_offset):  # type: ignore[no-untyped-def]
    """Derived features of a table, in place."""
    derive_rows(matrix, times, columns, code, constants, zone_at, zone_offset)


@door
def group(codes, n_codes):  # type: ignore[no-untyped-def]
    """Stable order of rows by code in −1 … n_codes − 1: a counting sort."""
    places = np.zeros(n_codes + 2, dtype=np.int64)
    for code in codes:
        places[code + 2] += 1
    for code in range(1, n_codes + 2):
        places[code] += places[code - 1]
    order = np.empty(codes.shape[0], dtype=np.int64)
    for row in range(codes.shape[0]):
        place = places[codes[row] + 1]
        order[place] = row
        places[codes[row] + 1] = place + 1
    return order


@door
def hash_texts(offsets, data, codes):  # type: ignore[no-untyped-def]
    """The code of each text between two offsets of Arrow's data (see `texts`)."""
    h, m, v = np.empty(8, np.uint64), np.empty(16, np.uint64), np.empty(16, np.uint64)
    for index in range(codes.shape[0]):
        codes[index] = text_hash(data, offsets[index], offsets[index + 1], h, m, v)


@door
def number(hashes, codes, keys, numbers, n, learn):  # type: ignore[no-untyped-def]
    """Number hashes from 0 by first appearance; −1 for the null, and for what is new where ``learn`` is 0.

    ``keys`` and ``numbers`` are the cells of an open table, a power of two that is more than twice what it will
    hold, with −1 in ``numbers`` where a cell is free. Returns how many are known now.
    """
    mask = keys.shape[0] - 1
    for row in range(hashes.shape[0]):
        found = hashes[row]
        code = np.int64(-1)
        if found != NULL:
            # Hashes are even already: their low bits will do.
            cell = found & mask
            while numbers[cell] >= 0 and keys[cell] != found:
                cell = (cell + 1) & mask
            code = numbers[cell]
            if code < 0 and learn:
                code = n
                keys[cell] = found
                numbers[cell] = n
                n += 1
        codes[row] = code
    return n
