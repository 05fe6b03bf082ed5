"""Where everything lies: the flat arrays the kernel works on, as named positions.

A *program* says what one view keeps and reads. It is a slice of int64, starting at ``p``::

    header | columns: position in the encoded event | links: column of each and how far it reaches, in µs
           | extremes: column and direction of each | sums: column of each | windows, ascending, in µs | operations

    operation: KIND, COLUMN, SCALE, ARGUMENT (its sum, extreme or link), N_PAIRS, SECOND_COLUMN, SECOND_ARGUMENT,
               ASKED and SECOND_ASKED (positions in the encoded request), PARAMETER, SECOND_PARAMETER, then pairs
               (window, output), shortest window first

The *pool* holds the rows of all entities after a head: TOP, FREE_WORDS and WANTED. A row is::

    event_time, column values…,
    one word for each link: how many rows back the last one stands that holds the same value, FIRST_OF_ITS_VALUE where
    there is none within the link's reach, 0 where there is no value (see `values`),
    one word for each extreme: how many rows back the last one stands that is at least as extreme, 0 for none,
    five words for each sum: n, Σx low and high, Σx² low and high
    (prefixes: totals over the entity's rows before this one, modulo 2^128, so that a window is a difference),
    and in a tiled view the number of events before it

There a row may stand for all events of its tile: what it adds is the difference to the next row's prefixes, and each
extreme has a column of its own.

*meta* has one line per slot (an entity in a view): where its rows lie and what its clock is.

*free* says where slabs lie that were given up, by the width of their rows and the power of two of their capacity: the
last of each, 0 for none; its first word says where the one before it lies. No lines mean that slabs are not kept.
"""

from __future__ import annotations

NULL = -(2**63)
"""The null of every encoded column."""

NEVER = -(2**62)
"""Before all time; the longest window can be taken from it without overflow."""

MAX_ABSOLUTE = 2**53
MAX_RING = 2**20
"""Squares of values within ±2^53 over 2^20 rows stay below 2^127: no sum can overflow."""

UNBOUNDED = 2**62
"""The ring of a tiled view, whose sums are checked against overflow at each insert."""

MAX_WINDOWS = 32

# Header of a program.
WIDTH, N_COLUMNS, N_SUMS, RING, LONGEST, LATENESS, N_WINDOWS, N_OPERATIONS = range(8)
COLUMNS_AT, SUMS_AT, WINDOWS_AT, OPERATIONS_AT, OUT_AT, N_OUT = range(8, 14)
N_EXTREMES, EXTREMES_AT, EXTREMES_OFFSET, SUMS_OFFSET, EVENTS_OFFSET, HOP = range(14, 20)
N_LINKS, LINKS_AT, LINKS_OFFSET = range(20, 23)
HEADER = 23

# Header of an operation.
KIND, COLUMN, SCALE, ARGUMENT, N_PAIRS = range(5)
SECOND_COLUMN, SECOND_ARGUMENT, ASKED, SECOND_ASKED, PARAMETER, SECOND_PARAMETER = range(5, 11)
OPERATION = 11

# Kinds of operations, by the file that computes them: reading, totals, values, recent, course.
COUNT, SUM, MEAN, STD, MIN, MAX = range(6)
COUNT_WHERE, VARIATION, RATE, COUNT_RATIO, SUM_RATIO, MEAN_RATIO = range(6, 12)
DISTINCT, SHARED_WITH, HHI, TOP_SHARE, ENTROPY = range(12, 17)
LINKED = (DISTINCT, SHARED_WITH, HHI, TOP_SHARE, ENTROPY)
COUNTED = (HHI, TOP_SHARE, ENTROPY)
"""Operations that follow a link, and those among them that need to know how often each value occurs."""
SINCE, SINCE_WHERE, FIRST, LAST, LAST_K, STREAK, SINCE_SAME, IS_NEW, AGE = range(17, 26)
GAP_MEAN, GAP_VARIATION, TREND, DECAYED_COUNT, DECAYED_SUM, TIME_DEVIANCE, KM, KMH = range(26, 34)
READ_THE_REQUEST = (SHARED_WITH, SINCE_SAME, IS_NEW, AGE, TIME_DEVIANCE, KM, KMH)
"""Operations that read columns of the request; the others read its time at most."""

# A row of the pool.
TIME, VALUES = range(2)
SUM_WORDS = 5
FIRST_OF_ITS_VALUE = 2**62
"""A link to before all rows."""

# Directions of an extreme.
LEAST, GREATEST = -1, 1

# A line of meta.
OFFSET, CAPACITY, START, END, MAX_TIME, DROPPED_TIME, OWNER, WIDEST = range(8)
META = 8

FIRST_CAPACITY = 4
SLAB_SIZES = 64

# The head of the pool: the words in use, those of them that were given up, and what there was no room for.
TOP, FREE_WORDS, WANTED = range(3)
POOL_START = 8

# Rows of the batch: for each waiting request its time, the first row it may see, the one after the last, where all rows
# ended when it came, where its answer goes, then the first row of each window, then five words for each sum and window.
REQUEST_TIME, FIRST_ROW, HIGH, ENDED, ROW, LOWS = range(6)
BATCH = 128
"""Requests answered together; their windows and totals stay in the processor's cache."""

# Slots that are none.
UNSEEN = -1  # the entity has no events yet
ABSENT = -2  # the request names no entity

# Flags of an answer.
TRUNCATED = 1
STALE = 2

# Instructions of a derived feature.
LOAD, CONSTANT, RATIO, DIFFERENCE, LOG1P, HOUR, WEEKDAY, MISSING, COLUMN_MISSING, COLUMN_EQUALS = range(10)
CLOCK_SIN, CLOCK_COS = range(10, 12)
STACK = 16
