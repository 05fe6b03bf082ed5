"""Links from a row to one before it, as the number of rows between: to the last of the same value, to one more extreme.

Rows of a slab that move together keep their links; a link to before the first row is as good as none.
"""

from __future__ import annotations

import numpy as np

from features.kernel.compiling import inner, tight
from features.kernel.law import first_at_or_after
from features.kernel.layout import FIRST_OF_ITS_VALUE, LEAST, NULL, TIME


@inner
def link_same(pool, base, width, start, place, end, column, offset, reach):  # type: ignore[no-untyped-def]
    """Link the row at ``place``, and its next of the same value to it; the rows after it have already moved."""
    at = base + place * width
    value = pool[at + column]
    waiting = value != NULL
    for later in range(place + 1, end + 1):
        row = base + later * width
        back = pool[row + offset]
        if waiting and pool[row + column] == value:
            pool[row + offset] = later - place
            waiting = False
        elif 0 < back < FIRST_OF_ITS_VALUE and later - 1 - back < place:
            # It goes to a row that has not moved.
            pool[row + offset] = back + 1
    if value == NULL:
        pool[at + offset] = 0
        return
    # No window that sees this row begins before: a busy entity's rows of other days are not searched.
    first = first_at_or_after(pool, base, width, start, place, pool[at + TIME] - reach)
    back = np.int64(FIRST_OF_ITS_VALUE)
    for before in range(place - 1, first - 1, -1):
        if pool[base + before * width + column] == value:
            back = place - before
            break
    pool[at + offset] = back


@inner
def link_extreme(pool, base, width, start, index, column, offset, direction):  # type: ignore[no-untyped-def]
    """Note how many rows back the last one stands that is at least as extreme; 0 when there is none."""
    row = base + index * width
    value = pool[row + column]
    before = index - 1
    if value != NULL:
        while before >= start:
            at = base + before * width
            other = pool[at + column]
            if other != NULL and (other <= value if direction == LEAST else other >= value):
                break
            before = before - pool[at + offset] if pool[at + offset] > 0 else start - 1
    pool[row + offset] = index - before if before >= start else 0


@tight
def walk_extreme(pool, base, width, index, low, best, column, offset):  # type: ignore[no-untyped-def]
    """Go from the row at ``index`` along ever more extreme ones, newest first, down to ``low``.

    Returns where it stopped (a row before ``low``, or −1), and the last value met.
    """
    while index >= low:
        at = base + index * width
        if pool[at + column] != NULL:
            best = pool[at + column]
        index = index - pool[at + offset] if pool[at + offset] > 0 else -1
    return index, best
