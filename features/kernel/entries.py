"""The five doors of the kernel: what Python calls. Each has one signature and is compiled once.

Nothing is compiled at import; `loading.load_kernel` does it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from features.kernel.deriving import derive_row, derive_rows
from features.kernel.layout import ABSENT, OWNER, STACK
from features.kernel.reading import read
from features.kernel.slab import NEED_GROW, clear, insert


@njit(nogil=True)
def insert_many(pool, meta, programs, items, times, seqs, values, at):  # type: ignore[no-untyped-def]
    """Insert ``items[at:]``, each (program, slot, row), in order.

    Returns the index it came to: ``len(items)`` when done, less when the pool must grow first.
    """
    while at < items.shape[0]:
        p, slot, row = items[at, 0], items[at, 1], items[at, 2]
        if insert(pool, meta, slot, programs, p, times[row], seqs[row], values, row) == NEED_GROW:
            break
        at += 1
    return at


@njit(nogil=True)
def answer(pool, meta, programs, starts, slots, times, requests, out, code, constants, zone_at, zone_offset, scratch):  # type: ignore[no-untyped-def]
    """All views and derived features of the request in row 0; returns its flags."""
    flags = 0
    for view in range(starts.shape[0]):
        flags |= read(pool, meta, slots[view], programs, starts[view], times[0], requests, 0, out, 0, scratch)
    stack = np.empty(STACK, dtype=np.float64)
    derive_row(out, 0, times, requests, code, constants, zone_at, zone_offset, stack)
    return flags


@njit(nogil=True)
def replay(  # type: ignore[no-untyped-def]
    pool, meta, program, owners, actions, at, stop, times, seqs, values, request_times, requests, out, flags, scratch
):
    """Run one view over ``actions[at:stop]``, grouped by entity and in arrival order within it.

    An action is 2·row to read for request ``row`` and 2·row + 1 to insert event ``row``. One slot is used
    over again for each entity. Returns the index it came to, as `insert_many` does.
    """
    while at < stop:
        owner, row = owners[at], actions[at] >> 1
        if owner != meta[0, OWNER]:
            clear(meta, 0)
            meta[0, OWNER] = owner
        if actions[at] & 1:
            if owner >= 0 and insert(pool, meta, 0, program, 0, times[row], seqs[row], values, row) == NEED_GROW:
                break
        else:
            slot = 0 if owner >= 0 else ABSENT
            flags[row] |= read(pool, meta, slot, program, 0, request_times[row], requests, row, out, row, scratch)
        at += 1
    return at


@njit(nogil=True)
def derive(matrix, times, columns, code, constants, zone_at, zone_offset):  # type: ignore[no-untyped-def]
    """Derived features of a table, in place."""
    derive_rows(matrix, times, columns, code, constants, zone_at, zone_offset)


@njit(nogil=True)
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
