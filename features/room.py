"""Arrays that grow where they lie: address space is set aside for many lines, memory comes when one is first written.

`ndarray.resize` has the system move all pages of an array once something else lies behind it. With 105 MB a growth by
2 MB took 5 ms in the middle of a request, and more with every size; here it is a longer view of the same memory.
"""

from __future__ import annotations

import mmap
import sys
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.int64]

_ASIDE = 2**34
"""Bytes of address space for an array (16 GB); it takes no memory. One that needs more is copied to a larger place."""
_WORD = 8


class Room:
    """Lines of int64, zero at first.

    Parameters
    ----------
    n_lines, width : how many to begin with, and the words of each.

    Examples
    --------
    >>> room = Room(2, 3)
    >>> before = room.lines
    >>> before[:] = 7
    >>> room.grow(1)
    >>> room.lines.tolist(), np.shares_memory(before, room.lines)
    ([[7, 7, 7], [7, 7, 7], [0, 0, 0]], True)
    """

    def __init__(self, n_lines: int, width: int) -> None:
        self._width = width
        self._all = _set_aside(n_lines, width)
        self.lines: Words = self._all[:n_lines]
        """Those in use, int64[n, width]."""

    def grow(self, n_lines: int) -> None:
        """Add lines of zeros at the end.

        Raises
        ------
        MemoryError
            When the system has no address space for them.
        """
        n = len(self.lines) + n_lines
        if n > len(self._all):
            larger = _set_aside(2 * n, self._width)
            larger[: len(self.lines)] = self.lines
            self._all = larger
        self.lines = self._all[:n]


def _set_aside(n_lines: int, width: int) -> Words:
    """Room for at least so many lines, more where the system gives it."""
    needed = max(n_lines * width * _WORD, mmap.PAGESIZE)
    for n_bytes in (needed if _counts_address_space() else max(_ASIDE, needed), needed):
        try:
            place = _pages(n_bytes)
        except (OSError, ValueError):
            # A limit on the address space of a process.
            continue
        words: Words = np.frombuffer(place, dtype=np.int64)
        return words[: len(words) // width * width].reshape(-1, width)
    raise MemoryError(f"expected address space for {needed:,} bytes, got none")


@cache
def _counts_address_space() -> bool:
    """Whether the system takes what is set aside for what is used, so that others would go without."""
    try:
        return Path("/proc/sys/vm/overcommit_memory").read_text(encoding="ascii").strip() == "2"
    except OSError:
        return False


def _pages(n_bytes: int) -> mmap.mmap:
    if sys.platform != "linux":
        return mmap.mmap(-1, n_bytes)
    # MAP_NORESERVE, which Python names from 3.12 on: pages are counted when they are written.
    return mmap.mmap(-1, n_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
