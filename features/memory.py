"""The pool of rows that the kernel fills, and how it grows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from features.kernel.layout import DROPPED_TIME, MAX_TIME, META, NEVER, OWNER, POOL_START

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
        self.add_slots(n_slots)

    def add_slots(self, n_slots: int) -> None:
        """Append empty slots."""
        fresh = np.zeros((n_slots, META), dtype=np.int64)
        fresh[:, MAX_TIME] = NEVER
        fresh[:, DROPPED_TIME] = NEVER
        fresh[:, OWNER] = NEVER
        self.meta = np.concatenate([self.meta, fresh])

    def grow(self, at_least: int) -> None:
        """Enlarge the pool by half, or by ``at_least`` words."""
        step = max(at_least, min(len(self.pool) // 2, _LARGEST_STEP))
        # Nothing else holds the array, and large blocks are remapped in place instead of copied.
        self.pool.resize(len(self.pool) + step, refcheck=False)

    def run(self, door: Any, before: tuple[Any, ...], at: int, stop: int, after: tuple[Any, ...], widest: int) -> None:
        """Call a kernel door that inserts, growing the pool as often as it asks to."""
        while (at := door(self.pool, self.meta, *before, at, *after)) < stop:
            self.grow(widest)
