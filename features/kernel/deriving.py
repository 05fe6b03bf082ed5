"""Derived features: a small stack machine run on each row, the same for a table and for one request.

Code is int64, per feature: output position, number of instructions, then (instruction, argument) pairs.
An instruction with a NaN operand gives NaN, but MISSING; a ratio to zero is NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from features.kernel.layout import (
    CLOCK_COS,
    CLOCK_SIN,
    COLUMN_EQUALS,
    COLUMN_MISSING,
    CONSTANT,
    DIFFERENCE,
    HOUR,
    LOAD,
    LOG1P,
    MISSING,
    NULL,
    RATIO,
    STACK,
    WEEKDAY,
)

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_THURSDAY = 3  # 1970-01-01, Monday is 0


@njit
def local_time(time, zone_at, zone_offset):  # type: ignore[no-untyped-def]
    """µs on the local clock; ``zone_at[0]`` lies before all time."""
    low, high = 0, zone_at.shape[0]
    while high - low > 1:
        middle = (low + high) >> 1
        if zone_at[middle] <= time:
            low = middle
        else:
            high = middle
    return time + zone_offset[low]


@njit
def derive_row(matrix, row, times, columns, code, constants, zone_at, zone_offset, stack):  # type: ignore[no-untyped-def]
    """Fill the derived features of one row of the matrix, in place."""
    at = 0
    while at < code.shape[0]:
        target, n_instructions = code[at], code[at + 1]
        at += 2
        top = -1
        for _ in range(n_instructions):
            instruction, argument = code[at], code[at + 1]
            at += 2
            if instruction == LOAD:
                top += 1
                stack[top] = matrix[row, argument]
            elif instruction == CONSTANT:
                top += 1
                stack[top] = constants[argument]
            elif instruction == RATIO:
                top -= 1
                stack[top] = stack[top] / stack[top + 1] if stack[top + 1] != 0.0 else np.nan
            elif instruction == DIFFERENCE:
                top -= 1
                stack[top] = stack[top] - stack[top + 1]
            elif instruction == LOG1P:
                stack[top] = math.log1p(stack[top]) if stack[top] > -1.0 else np.nan
            elif instruction == HOUR:
                top += 1
                stack[top] = np.float64(local_time(times[row], zone_at, zone_offset) % _DAY // _HOUR)
            elif CLOCK_SIN <= instruction <= CLOCK_COS:
                top += 1
                angle = 2.0 * math.pi * (np.float64(local_time(times[row], zone_at, zone_offset) % _DAY) / _DAY)
                stack[top] = math.sin(angle) if instruction == CLOCK_SIN else math.cos(angle)
            elif instruction == WEEKDAY:
                top += 1
                stack[top] = np.float64((local_time(times[row], zone_at, zone_offset) // _DAY + _THURSDAY) % 7)
            elif instruction == MISSING:
                stack[top] = 1.0 if math.isnan(stack[top]) else 0.0
            elif instruction == COLUMN_MISSING:
                top += 1
                stack[top] = 1.0 if columns[row, argument] == NULL else 0.0
            elif instruction == COLUMN_EQUALS:
                # The column's position, then the encoded value as the argument of a second pair.
                top += 1
                found = columns[row, argument]
                stack[top] = np.nan if found == NULL else (1.0 if found == code[at + 1] else 0.0)
                at += 2
        matrix[row, target] = stack[0]


@njit
def derive_rows(matrix, times, columns, code, constants, zone_at, zone_offset):  # type: ignore[no-untyped-def]
    """Fill the derived features of every row, in place."""
    stack = np.empty(STACK, dtype=np.float64)
    for row in range(matrix.shape[0]):
        derive_row(matrix, row, times, columns, code, constants, zone_at, zone_offset, stack)
