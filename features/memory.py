"""The pool of rows that the kernel fills, how it grows, and how room that was given up is used again.

The kernel takes a new slab from the top of the pool and asks for more (NEED_GROW) when there is none. A long-lived
state lets it find no room at all, so that every slab is handed out here: from those that were given up, by size,
before the top is moved (`insert`). A replay, which is soon over, lets it take the top by itself (`run`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.errors import DataError
from features.kernel.layout import (
    CAPACITY,
    DROPPED_TIME,
    END,
    FIRST_CAPACITY,
    MAX_TIME,
    META,
    NEVER,
    OFFSET,
    OWNER,
    POOL_START,
    START,
    WIDTH,
)

Words = npt.NDArray[np.int64]

_LARGEST_STEP = 2**23
"""Words added at once at most (64 MB): the pause of a growing service stays below some tens of milliseconds."""


class Memory:
    """Rows and slots of one state.

    Parameters
    ----------
    n_slots : slots to begin with.
    n_words : words of the pool to begin with.
    """

    def __init__(self, n_slots: int, n_words: int) -> None:
        self.pool: Words = np.zeros(max(n_words, POOL_START), dtype=np.int64)
        self.pool[0] = POOL_START
        self.meta: Words = np.zeros((0, META), dtype=np.int64)
        self._given_up: dict[int, list[int]] = defaultdict(list)
        self.add_slots(n_slots)

    # -------------------------------------------------------------------- size

    def add_slots(self, n_slots: int) -> None:
        """Append empty slots."""
        self.meta = np.concatenate([self.meta, np.zeros((n_slots, META), dtype=np.int64)])
        _empty(self.meta[len(self.meta) - n_slots :])

    def reserve(self, slot: int, width: int, n_rows: int) -> None:
        """Give an empty slot its place before it asks for it."""
        n_words = width * n_rows
        while self.pool[0] + n_words > len(self.pool):
            self.grow(n_words)
        self.meta[slot, OFFSET], self.meta[slot, CAPACITY] = self.pool[0], n_rows
        self.pool[0] += n_words

    def grow(self, at_least: int) -> None:
        """Enlarge the pool by half, or by ``at_least`` words."""
        step = max(at_least, min(len(self.pool) // 2, _LARGEST_STEP))
        # Nothing else holds the array, and large blocks are remapped in place instead of copied.
        self.pool.resize(len(self.pool) + step, refcheck=False)

    @property
    def n_free(self) -> int:
        """Words below the top that were given up and wait for use."""
        return sum(words * len(places) for words, places in self._given_up.items())

    @property
    def n_bytes(self) -> int:
        """Memory of pool and slots."""
        return self.pool.nbytes + self.meta.nbytes

    # ------------------------------------------------------------------ insert

    def run(self, door: Any, before: tuple[Any, ...], at: int, stop: int, after: tuple[Any, ...], widest: int) -> None:
        """Call a kernel door that inserts, growing the pool as often as it asks to.

        Raises
        ------
        DataError
            When the sums of a tiled view might overflow.
        """
        while (at := door(self.pool, self.meta, *before, at, *after)) < stop:
            if at < 0:
                raise _overflow()
            self.grow(widest)

    def insert(self, door: Any, programs: Words, items: Words, rows: tuple[Words, Words]) -> None:
        """Call the kernel's `insert_many`; slabs that were given up are used before new ones.

        Raises
        ------
        DataError
            When the sums of a tiled view might overflow.
        """
        pool = self.pool
        top = pool[0]
        # Where there is no room the kernel stops at the item that needs some.
        pool[0] = len(pool)
        at = door(pool, self.meta, programs, items, *rows, 0)
        pool[0] = top
        while at < len(items):
            if at < 0:
                raise _overflow()
            at = self._with_room(door, programs, items, rows, at)

    def _with_room(self, door: Any, programs: Words, items: Words, rows: tuple[Words, Words], at: int) -> int:
        """Insert one item that needs a slab; returns the next that does."""
        p, slot = int(items[at, 0]), int(items[at, 1])
        width, line = int(programs[p + WIDTH]), self.meta[slot]
        offset, capacity = int(line[OFFSET]), int(line[CAPACITY])
        words = max(FIRST_CAPACITY, 2 * capacity) * width
        waiting = self._given_up.get(words)
        top = int(self.pool[0])
        if waiting:
            self.pool[0] = place = waiting.pop()
            done = door(self.pool[: place + words], self.meta, programs, items[: at + 1], *rows, at)
            self.pool[0] = top
            if int(line[OFFSET]) != place:
                waiting.append(place)  # it was not what the kernel wanted
        else:
            done = at
        while done == at:
            done = door(self.pool, self.meta, programs, items[: at + 1], *rows, at)
            if done == at:
                self.grow(words)
        if capacity and int(line[OFFSET]) != offset:
            self.give_up(offset, capacity * width)
        if done < 0 or done == len(items):
            return int(done)
        top, self.pool[0] = int(self.pool[0]), len(self.pool)
        done = int(door(self.pool, self.meta, programs, items, *rows, done))
        self.pool[0] = top
        return done

    # ----------------------------------------------------------------- release

    def give_up(self, offset: int, words: int) -> None:
        """Note that a slab holds nothing any more; what it held is overwritten."""
        self.pool[offset : offset + words] = 0
        self._given_up[words].append(offset)

    def forget(self, slot: int, width: int) -> None:
        """Empty a slot and give up its slab."""
        line = self.meta[slot]
        if line[CAPACITY]:
            self.give_up(int(line[OFFSET]), int(line[CAPACITY]) * width)
        _empty(self.meta[slot : slot + 1])

    def clear(self, n_slots: int) -> None:
        """Empty the first slots and the whole pool."""
        _empty(self.meta[:n_slots])
        self._given_up.clear()
        self.pool[0] = POOL_START

    # ----------------------------------------------------------------- arrange

    def lay(self, slots: Words, widths: Words, n_rows: Words) -> None:
        """Give new slabs from the top to empty slots, each with room for its rows; START and END are set."""
        capacity = np.where(n_rows > 0, np.maximum(FIRST_CAPACITY, _power_of_two(n_rows)), 0)
        ends = int(self.pool[0]) + np.cumsum(capacity * widths)
        top = int(ends[-1]) if len(ends) else int(self.pool[0])
        if top > len(self.pool):
            self.grow(top - len(self.pool))
        self.meta[slots, OFFSET] = np.where(n_rows > 0, ends - capacity * widths, 0)
        self.meta[slots, CAPACITY], self.meta[slots, START], self.meta[slots, END] = capacity, 0, n_rows
        self.pool[0] = top

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
        pool[top : int(pool[0])] = 0
        meta[:, START], meta[:, END], meta[:, CAPACITY] = 0, n_rows, capacity
        meta[:, OFFSET] = 0
        meta[order, OFFSET] = targets
        pool[0] = top
        self._given_up.clear()


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
