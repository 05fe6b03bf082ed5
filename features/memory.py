"""The pool of rows that the kernel fills, how it grows, and how room that was given up is used again.

The kernel takes a new slab from the top of the pool and asks for more (NEED_GROW) when there is none. In a long-lived
state it keeps what it leaves in lists by size and takes from them first (`insert`). A replay, which is soon over, takes
the top only (`run`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from domain.errors import DataError
from features.kernel.layout import (
    CAPACITY,
    DROPPED_TIME,
    END,
    FIRST_CAPACITY,
    FREE_WORDS,
    MAX_TIME,
    META,
    NEVER,
    OFFSET,
    OWNER,
    POOL_START,
    SLAB_SIZES,
    START,
    TOP,
    WANTED,
)
from features.room import Room

Words = npt.NDArray[np.int64]

_NOTHING_KEPT = np.zeros((0, SLAB_SIZES), dtype=np.int64)

_LARGEST_STEP = 2**23
"""Words added at once at most while a state is filled (64 MB)."""
_STEP = 2**18
"""The same between two requests (2 MB)."""


class Memory:
    """Rows and slots of one state.

    Parameters
    ----------
    n_slots : slots to begin with.
    n_words : words of the pool to begin with.
    widest : words of the widest row whose slabs are kept when they are given up.
    """

    def __init__(self, n_slots: int, n_words: int, widest: int = 0) -> None:
        self._pool, self._meta = Room(max(n_words, POOL_START), 1), Room(0, META)
        self.pool: Words = self._pool.lines[:, 0]
        self.pool[TOP] = POOL_START
        self.free: Words = np.zeros((widest + 1, SLAB_SIZES), dtype=np.int64)
        self.meta: Words = self._meta.lines
        self.add_slots(n_slots)

    # -------------------------------------------------------------------- size

    def add_slots(self, n_slots: int) -> None:
        """Append empty slots."""
        self._meta.grow(n_slots)
        self.meta = self._meta.lines
        _empty(self.meta[len(self.meta) - n_slots :])

    def reserve(self, slot: int, width: int, n_rows: int) -> None:
        """Give an empty slot its place before it asks for it."""
        n_words = width * n_rows
        while self.pool[TOP] + n_words > len(self.pool):
            self.grow(n_words)
        self.meta[slot, OFFSET], self.meta[slot, CAPACITY] = self.pool[TOP], n_rows
        self.pool[TOP] += n_words

    def grow(self, at_least: int, most: int = _LARGEST_STEP) -> None:
        """Enlarge the pool by half, by no more than ``most`` words unless ``at_least`` are more."""
        self._pool.grow(max(at_least, min(len(self.pool) // 2, most)))
        self.pool = self._pool.lines[:, 0]

    @property
    def n_free(self) -> int:
        """Words below the top that were given up and wait for use."""
        return int(self.pool[FREE_WORDS])

    @property
    def n_bytes(self) -> int:
        """Memory of pool and slots."""
        return self.pool.nbytes + self.meta.nbytes

    # ------------------------------------------------------------------ insert

    def run(self, door: Any, before: tuple[Any, ...], at: int, stop: int, after: tuple[Any, ...], widest: int) -> None:
        """Call a kernel door that inserts and takes all room from the top, growing the pool as often as it asks to.

        Raises
        ------
        DataError
            When the sums of a tiled view might overflow.
        """
        while (at := door(self.pool, self.meta, _NOTHING_KEPT, *before, at, *after)) < stop:
            if at < 0:
                raise _overflow()
            self.grow(widest)

    def insert(self, door: Any, programs: Words, items: Words, others: tuple[Words, ...]) -> None:
        """Call the kernel's `insert_many` or `learn`; slabs that were given up are used before new ones.

        Raises
        ------
        DataError
            When the sums of a tiled view might overflow.
        """
        n, at = len(items), 0
        while (at := door(self.pool, self.meta, self.free, programs, items, *others, at)) < n:
            if at < 0:
                raise _overflow()
            self.grow(int(self.pool[WANTED]), _STEP)

    # ----------------------------------------------------------------- release

    def give_up(self, offset: int, width: int, capacity: int) -> None:
        """Keep a slab for the next one of its size; what it held is overwritten."""
        size = width, capacity.bit_length() - 1
        self.pool[offset : offset + width * capacity] = 0
        self.pool[offset], self.free[size] = self.free[size], offset
        self.pool[FREE_WORDS] += width * capacity

    def forget(self, slot: int, width: int) -> None:
        """Empty a slot and give up its slab."""
        line = self.meta[slot]
        if line[CAPACITY]:
            self.give_up(int(line[OFFSET]), width, int(line[CAPACITY]))
        _empty(self.meta[slot : slot + 1])

    def clear(self, n_slots: int) -> None:
        """Empty the first slots and the whole pool."""
        _empty(self.meta[:n_slots])
        self._forget_free()
        self.pool[TOP] = POOL_START

    # ----------------------------------------------------------------- arrange

    def lay(self, slots: Words, widths: Words, n_rows: Words) -> None:
        """Give new slabs from the top to empty slots, each with room for its rows; START and END are set."""
        capacity = np.where(n_rows > 0, np.maximum(FIRST_CAPACITY, _power_of_two(n_rows)), 0)
        ends = int(self.pool[TOP]) + np.cumsum(capacity * widths)
        top = int(ends[-1]) if len(ends) else int(self.pool[TOP])
        if top > len(self.pool):
            self.grow(top - len(self.pool))
        self.meta[slots, OFFSET] = np.where(n_rows > 0, ends - capacity * widths, 0)
        self.meta[slots, CAPACITY], self.meta[slots, START], self.meta[slots, END] = capacity, 0, n_rows
        self.pool[TOP] = top

    def compact(self, widths: Words) -> None:
        """Move all rows to the front of the pool; ``widths`` are the words of a row, slot by slot."""
        meta, pool = self.meta[: len(widths)], self.pool
        n_rows = meta[:, END] - meta[:, START]
        # No slab gets larger and they keep their order: nothing is overwritten before it has moved.
        capacity = np.minimum(meta[:, CAPACITY], np.maximum(FIRST_CAPACITY, _power_of_two(n_rows)))
        capacity[n_rows == 0] = 0
        order = np.argsort(meta[:, OFFSET], kind="stable")
        order = order[capacity[order] > 0]
        sizes = capacity[order] * widths[order]
        targets = POOL_START + np.cumsum(sizes) - sizes
        firsts = meta[order, OFFSET] + meta[order, START] * widths[order]
        lengths = n_rows[order] * widths[order]
        for target, first, length in zip(targets.tolist(), firsts.tolist(), lengths.tolist(), strict=True):
            pool[target : target + length] = pool[first : first + length]
        top = POOL_START + int(sizes.sum())
        pool[top : int(pool[TOP])] = 0
        meta[:, START], meta[:, END], meta[:, CAPACITY] = 0, n_rows, capacity
        meta[:, OFFSET] = 0
        meta[order, OFFSET] = targets
        pool[TOP] = top
        self._forget_free()

    def _forget_free(self) -> None:
        self.free[:] = 0
        self.pool[FREE_WORDS] = 0


def _overflow() -> DataError:
    return DataError(
        "expected sums of squares below 2^127, got values that an entity's tiles could not hold exactly; "
        "give the column a smaller scale"
    )


def _empty(lines: Words) -> None:
    lines[:] = 0
    lines[:, MAX_TIME] = NEVER
    lines[:, DROPPED_TIME] = NEVER
    lines[:, OWNER] = NEVER


def _power_of_two(numbers: Words) -> Words:
    """The next power of two, number by number."""
    result: Words = np.left_shift(np.int64(1), np.ceil(np.log2(np.maximum(numbers, 1))).astype(np.int64))
    return result
