"""Where everything lies: the flat arrays the kernel works on, as named positions.

A *program* says what one view keeps and reads. It is a slice of int64, starting at ``p``::

    header | columns: position in the encoded event | sums: column of each | windows, ascending, in µs | operations

    operation: KIND, COLUMN, SCALE, ARGUMENT (its sum, or its position in the encoded request), N_PAIRS, then pairs
               (window, output), shortest window first

The *pool* holds the rows of all entities; ``pool[0]`` counts the words in use. A row is::

    event_time, seq, column values…, then five words for each sum: n, Σx low and high, Σx² low and high
    (prefixes: totals over the entity's rows before this one, modulo 2^128, so that a window is a difference)

*meta* has one line per slot (an entity in a view): where its rows lie and what its clock is.
"""

from __future__ import annotations

NULL = -(2**63)
"""The null of every encoded column."""

NEVER = -(2**62)
"""Before all time; the longest window can be taken from it without overflow."""

MAX_ABSOLUTE = 2**53
MAX_RING = 2**20
"""Squares of values within ±2^53 over 2^20 rows stay below 2^127: no sum can overflow."""

MAX_WINDOWS = 32

# Header of a program.
WIDTH, N_COLUMNS, N_SUMS, RING, LONGEST, LATENESS, N_WINDOWS, N_OPERATIONS = range(8)
COLUMNS_AT, SUMS_AT, WINDOWS_AT, OPERATIONS_AT, OUT_AT, N_OUT = range(8, 14)
HEADER = 14

# Header of an operation.
KIND, COLUMN, SCALE, ARGUMENT, N_PAIRS = range(5)
OPERATION = 5

COUNT, SUM, MEAN, STD, MIN, MAX, DISTINCT, SINCE, SINCE_SAME = range(9)

# A row of the pool.
TIME, SEQ, VALUES = range(3)
SUM_WORDS = 5

# A line of meta.
OFFSET, CAPACITY, START, END, MAX_TIME, DROPPED_TIME, OWNER = range(7)
META = 7

FIRST_CAPACITY = 4
POOL_START = 8

# Slots that are none.
UNSEEN = -1  # the entity has no events yet
ABSENT = -2  # the request names no entity

# Flags of an answer.
TRUNCATED = 1
STALE = 2

# Instructions of a derived feature.
LOAD, CONSTANT, RATIO, DIFFERENCE, LOG1P, HOUR, WEEKDAY, MISSING, COLUMN_MISSING, COLUMN_EQUALS = range(10)
STACK = 16
