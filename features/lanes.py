"""A lane: one column of a kind's events as machine words, in memory or, where that would be too much, in a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.int64]

_REACH = 2**22
"""Words of a file that are mapped at once: mapped pages count as memory of ours."""


class Lane(ABC):
    """``n`` words, written once from front to back, then read."""

    @abstractmethod
    def append(self, words: Words) -> None:
        """Add the words that follow."""

    @abstractmethod
    def take(self, rows: Words) -> Words:
        """Words at positions; ascending ones where the lane is a file."""

    @abstractmethod
    def span(self, start: int, stop: int) -> Words:
        """Words from one position to another."""


class HeldLane(Lane):
    """In memory.

    Examples
    --------
    >>> lane = HeldLane(3)
    >>> lane.append(np.array([5, 6, 7]))
    >>> lane.take(np.array([2, 0])).tolist()
    [7, 5]
    """

    def __init__(self, n: int) -> None:
        self._words: Words = np.empty(n, dtype=np.int64)
        self._end = 0

    def append(self, words: Words) -> None:
        """Add the words that follow."""
        self._words[self._end : self._end + len(words)] = words
        self._end += len(words)

    def take(self, rows: Words) -> Words:
        """Words at positions."""
        return self._words.take(rows)

    def span(self, start: int, stop: int) -> Words:
        """Words from one position to another."""
        return self._words[start:stop]


class FiledLane(Lane):
    """In a file of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_bytes(b"")

    def append(self, words: Words) -> None:
        """Add the words that follow."""
        with self._path.open("ab") as file:
            # Not `tofile`: it does not tell of a disk that is full.
            file.write(np.ascontiguousarray(words, dtype=np.int64).data)

    def take(self, rows: Words) -> Words:
        """Words at ascending positions, a reach of the file at a time."""
        result = np.empty(len(rows), dtype=np.int64)
        at = 0
        while at < len(rows):
            first = int(rows[at])
            stop = int(np.searchsorted(rows, first + _REACH))
            result[at:stop] = self.span(first, int(rows[stop - 1]) + 1).take(rows[at:stop] - first)
            at = stop
        return result

    def span(self, start: int, stop: int) -> Words:
        """Words from one position to another."""
        return np.fromfile(self._path, np.int64, stop - start, offset=8 * start)


class Shelf:
    """Gives lanes: files in a folder, or memory where there is none."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._n = 0

    def lane(self, n: int) -> Lane:
        """An empty lane of ``n`` words."""
        if self.folder is None:
            return HeldLane(n)
        self._n += 1
        return FiledLane(self.folder / f"lane-{self._n}")
