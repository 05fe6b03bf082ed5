"""Operations on how often each value occurs: a hash table in scratch, one pass from the newest row back.

scratch: windows | cells: the value | counts of the cells | cells in the order in which they were filled
"""

from __future__ import annotations

import math

import numpy as np

from features.kernel.compiling import inner
from features.kernel.layout import (
    ASKED,
    COLUMN,
    ENTROPY,
    HHI,
    KIND,
    MAX_WINDOWS,
    N_PAIRS,
    NULL,
    OPERATION,
    SHARED_WITH,
    TOP_SHARE,
    VALUES,
)


@inner
def cells_for(scratch, n):  # type: ignore[no-untyped-def]
    """Number of cells of a table that ``n`` values fill to the half, all of them emptied; a power of two."""
    n_cells = 8
    while n_cells < 2 * n:
        n_cells *= 2
    for cell in range(MAX_WINDOWS, MAX_WINDOWS + n_cells):
        scratch[cell] = NULL
    return n_cells


@inner
def find(scratch, mask, value):  # type: ignore[no-untyped-def]
    """The cell that holds the value, or the empty one where it belongs."""
    mixed = np.uint64(value) * np.uint64(0x9E3779B97F4A7C15)
    cell = np.int64(mixed >> np.uint64(32)) & mask
    while True:
        found = scratch[MAX_WINDOWS + cell]
        if found == value:
            return cell
        if found == NULL:
            return cell
        cell = (cell + 1) & mask


@inner
def fold_values(pool, base, width, high, programs, at, requests, row, out, out_row, out_at, scratch):  # type: ignore[no-untyped-def]
    """Answer the operation at ``at`` over all its windows."""
    n_pairs = programs[at + N_PAIRS]
    longest = scratch[programs[at + OPERATION + 2 * (n_pairs - 1)]]
    n_cells = cells_for(scratch, high - longest)
    if programs[at + KIND] <= SHARED_WITH:
        _distinct(pool, base, width, high, programs, at, requests, row, out, out_row, out_at, scratch, n_cells)
    else:
        _counted(pool, base, width, high, programs, at, out, out_row, out_at, scratch, n_cells)


@inner
def _distinct(pool, base, width, high, programs, at, requests, row, out, out_row, out_at, scratch, n_cells):  # type: ignore[no-untyped-def]
    """Number of different values, with or without the request's own."""
    column, pairs = VALUES + programs[at + COLUMN], at + OPERATION
    own = requests[row, programs[at + ASKED]] if programs[at + KIND] == SHARED_WITH else np.int64(NULL)
    n = 0
    index = high
    for pair in range(pairs, pairs + 2 * programs[at + N_PAIRS], 2):
        low = scratch[programs[pair]]
        while index > low:
            index -= 1
            value = pool[base + index * width + column]
            if value != NULL and value != own:
                cell = MAX_WINDOWS + find(scratch, n_cells - 1, value)
                n += scratch[cell] == NULL
                scratch[cell] = value
        out[out_row, out_at + programs[pair + 1]] = np.float64(n)


@inner
def _counted(pool, base, width, high, programs, at, out, out_row, out_at, scratch, n_cells):  # type: ignore[no-untyped-def]
    """Concentration, share of the commonest, entropy: from how often each value occurs."""
    kind, column, pairs = programs[at + KIND], VALUES + programs[at + COLUMN], at + OPERATION
    counts = MAX_WINDOWS + n_cells
    order = counts + n_cells
    n, n_values, squares, top = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    index = high
    for pair in range(pairs, pairs + 2 * programs[at + N_PAIRS], 2):
        low = scratch[programs[pair]]
        while index > low:
            index -= 1
            value = pool[base + index * width + column]
            if value == NULL:
                continue
            cell = find(scratch, n_cells - 1, value)
            if scratch[MAX_WINDOWS + cell] == NULL:
                scratch[MAX_WINDOWS + cell] = value
                scratch[counts + cell] = 0
                scratch[order + n_values] = cell
                n_values += 1
            found = scratch[counts + cell]
            scratch[counts + cell] = found + 1
            # (c + 1)² − c²
            squares += 2 * found + 1
            top = max(top, found + 1)
            n += 1
        result = np.nan
        if n > 0 and kind == HHI:
            result = np.float64(squares) / np.float64(n * n)
        elif n > 0 and kind == TOP_SHARE:
            result = np.float64(top) / np.float64(n)
        elif n > 0 and kind == ENTROPY:
            result = _entropy(scratch, counts, order, n_values, n)
        out[out_row, out_at + programs[pair + 1]] = result


@inner
def _entropy(scratch, counts, order, n_values, n):  # type: ignore[no-untyped-def]
    """Σ p·ln(1/p), added in the order of each value's newest row, oldest first."""
    total = 0.0
    for place in range(n_values - 1, -1, -1):
        found = np.float64(scratch[counts + scratch[order + place]])
        total += found / n * math.log(n / found)
    return total
