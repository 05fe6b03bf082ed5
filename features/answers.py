"""The answers of a view to all requests, gathered piece by piece in the order of entities, given back in ``seq`` order.

In memory they stay where the kernel wrote them and each request knows its place. In files every piece is a run,
sorted by request; a block of requests is put together from the slices of all runs that fall into it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]
Flags = npt.NDArray[np.uint8]


class Answers(ABC):
    """Answers float64[requests, outputs] and their flags; NaN and 0 where the request names no entity.

    ``aligned`` says that only whole blocks can be filled.
    """

    aligned: bool

    @abstractmethod
    def missing(self, part: int) -> bool:
        """Whether a part has to be computed."""

    @abstractmethod
    def begin(self, part: int, n: int) -> Part:
        """Room for the answers of a part's ``n`` requests."""

    @abstractmethod
    def fill(self, start: int, stop: int, into: Matrix, flags: Flags) -> None:
        """Write the answers of requests ``start … stop`` into a matrix of that many rows, and their flags."""


class Part(ABC):
    """Takes the pieces of one part."""

    @abstractmethod
    def room(self, n: int) -> tuple[Matrix, Flags]:
        """Where the kernel may write the next ``n`` answers."""

    @abstractmethod
    def put(self, requests: Words, answers: Matrix, flags: Flags) -> None:
        """Take the answers that were written, and the requests that they belong to."""

    @abstractmethod
    def end(self) -> None:
        """The part is complete."""


class HeldAnswers(Answers):
    """In memory.

    Parameters
    ----------
    n : requests. sizes : requests of each part.
    """

    aligned = False

    def __init__(self, n: int, sizes: list[int], n_out: int) -> None:
        self._starts = [0, *np.cumsum(sizes).tolist()]
        total = self._starts[-1]
        self._answers: Matrix = np.empty((total + 1, n_out))
        self._flags: Flags = np.zeros(total + 1, dtype=np.uint8)
        # The last row is of requests without an entity: place −1.
        self._answers[total] = np.nan
        self._place: Words = np.full(n, -1, dtype=np.int64)

    def missing(self, part: int) -> bool:
        """Always: memory is empty when a build begins."""
        return True

    def begin(self, part: int, n: int) -> Part:
        """Rows of its own."""
        return _HeldPart(self._answers, self._flags, self._place, self._starts[part])

    def fill(self, start: int, stop: int, into: Matrix, flags: Flags) -> None:
        """Fetch each request's row from its place."""
        place = self._place[start:stop]
        if into.flags.c_contiguous:
            self._answers.take(place, axis=0, out=into, mode="wrap")
        else:
            into[:] = self._answers.take(place, axis=0, mode="wrap")
        flags |= self._flags.take(place, mode="wrap")


@dataclass
class _HeldPart(Part):
    answers: Matrix
    flags: Flags
    place: Words
    at: int

    def room(self, n: int) -> tuple[Matrix, Flags]:
        return self.answers[self.at : self.at + n], self.flags[self.at : self.at + n]

    def put(self, requests: Words, answers: Matrix, flags: Flags) -> None:
        self.place[requests] = np.arange(self.at, self.at + len(requests))
        self.at += len(requests)

    def end(self) -> None:
        pass


_HEAD = 2
"""Words before a run: how many rows, how many words in a row."""


class FiledAnswers(Answers):
    """In one file per part: runs of rows (request · 4 + flags, answers…), each sorted by request.

    Parameters
    ----------
    folder : where the files are; those of complete parts are taken as they are.
    n : requests. block : requests of a block.
    """

    aligned = True

    def __init__(self, folder: Path, n: int, n_out: int, block: int) -> None:
        self._folder = folder
        self._width = n_out + 1
        self._block = block
        self._edges = np.arange(0, n + block, block) * 4
        self._cuts: dict[Path, list[tuple[int, Words]]] = {}

    def missing(self, part: int) -> bool:
        """Whether the part's file is not there yet."""
        return not self._path(part).exists()

    def begin(self, part: int, n: int) -> Part:
        """A file that gets its name when it is complete."""
        return _FiledPart(self._path(part), self._width)

    def fill(self, start: int, stop: int, into: Matrix, flags: Flags) -> None:
        """Merge the slices of all runs; ``start`` is a multiple of the block."""
        into[:] = np.nan
        block = start // self._block
        for path in sorted(self._folder.glob("part-*")):
            with path.open("rb") as file:
                for at, cuts in self._runs(path):
                    first, last = int(cuts[block]), int(cuts[block + 1])
                    if first == last:
                        continue
                    file.seek(at + 8 * self._width * first)
                    rows = np.fromfile(file, np.float64, (last - first) * self._width).reshape(-1, self._width)
                    tags = rows[:, 0].copy().view(np.int64)
                    places = (tags >> 2) - start
                    into[places] = rows[:, 1:]
                    flags[places] |= (tags & 3).astype(np.uint8)

    def _runs(self, path: Path) -> list[tuple[int, Words]]:
        """Of each run, where its rows begin and the first row of each block."""
        if path not in self._cuts:
            self._cuts[path] = [
                (at, np.searchsorted(tags, self._edges).astype(np.int64)) for at, tags in self._read_tags(path)
            ]
        return self._cuts[path]

    def _read_tags(self, path: Path) -> Iterator[tuple[int, Words]]:
        end = path.stat().st_size
        at = 0
        while at < end:
            n, width = np.fromfile(path, np.int64, _HEAD, offset=at).tolist()
            at += 8 * _HEAD
            yield at, np.memmap(path, np.int64, "r", at, (n, width))[:, 0].copy()
            at += 8 * n * width

    def _path(self, part: int) -> Path:
        return self._folder / f"part-{part:05d}"


class _FiledPart(Part):
    def __init__(self, path: Path, width: int) -> None:
        self._path = path
        self._staged = path.with_name(f".{path.name}.staged")
        self._width = width
        self._rows: Matrix = np.empty((0, width))
        self._file = self._staged.open("wb")

    def room(self, n: int) -> tuple[Matrix, Flags]:
        return np.empty((n, self._width - 1)), np.zeros(n, dtype=np.uint8)

    def put(self, requests: Words, answers: Matrix, flags: Flags) -> None:
        tags = requests * 4 + flags
        order = np.argsort(tags)
        rows = np.empty((len(order), self._width))
        rows[:, 0] = tags[order].view(np.float64)
        rows[:, 1:] = answers.take(order, axis=0)
        try:
            # Not `tofile`: it does not tell of a disk that is full.
            self._file.write(np.array(rows.shape, dtype=np.int64).data)
            self._file.write(rows.data)
            self._file.flush()
        except OSError:
            self._drop()
            raise

    def end(self) -> None:
        # Not synced, which would take longer than computing it: a folder of parts is good for one boot only.
        self._file.close()
        self._staged.rename(self._path)

    def _drop(self) -> None:
        # Closing writes what is left, which fails once more.
        with suppress(OSError):
            self._file.close()
        self._staged.unlink(missing_ok=True)
