"""Chunks: the pieces of time, or of so many rows, that are each looked at as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from domain.errors import InputError, expected_got
from domain.time import business_day, to_micros, zone_of

Period = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True, order=True)
class Chunk:
    """Rows with ``since <= t < until`` (µs UTC); ``name`` as people read it."""

    since: int
    until: int
    name: str

    @property
    def length(self) -> int:
        """µs; a day has 23 or 25 hours where clocks are put forward or back."""
        return self.until - self.since


@dataclass(frozen=True, slots=True)
class Chunker:
    """Cuts time at midnight of the business time zone: at every day, on Mondays, or on the first of each month.

    Examples
    --------
    >>> from domain.time import parse_instant
    >>> days = Chunker("day", "Asia/Shanghai")
    >>> [chunk.name for chunk in days.between(parse_instant("2026-03-01T16:00Z"), parse_instant("2026-03-04T20:00Z"))]
    ['2026-03-02', '2026-03-03', '2026-03-04']
    """

    period: Period
    zone: str

    def around(self, moment: int) -> Chunk:
        """The chunk that a moment lies in."""
        day = business_day(moment, self.zone)
        match self.period:
            case "day":
                first, after = day, day + timedelta(days=1)
            case "week":
                first = day - timedelta(days=day.weekday())
                after = first + timedelta(days=7)
            case "month":
                first = day.replace(day=1)
                after = (first + timedelta(days=32)).replace(day=1)
        name = f"{first:%Y-%m}" if self.period == "month" else str(first)
        return Chunk(self._midnight(first), self._midnight(after), name)

    def between(self, since: int, until: int) -> Iterator[Chunk]:
        """Whole chunks with ``since <= chunk.since`` and ``chunk.until <= until``, oldest first."""
        chunk = self.around(since)
        if chunk.since < since:
            chunk = self.around(chunk.until)
        while chunk.until <= until:
            yield chunk
            chunk = self.around(chunk.until)

    def newest(self, until: int) -> Chunk:
        """The newest chunk that was over by a moment."""
        chunk = self.around(until)
        return chunk if chunk.until <= until else self.around(chunk.since - 1)

    def before(self, chunk: Chunk, n: int) -> tuple[Chunk, ...]:
        """The ``n`` chunks before one, oldest first."""
        found: list[Chunk] = []
        for _ in range(n):
            chunk = self.around(chunk.since - 1)
            found.append(chunk)
        return tuple(reversed(found))

    def _midnight(self, day: date) -> int:
        return to_micros(datetime.combine(day, time(), zone_of(self.zone)).astimezone(UTC))


def by_size(times: NDArray[np.int64], size: int) -> Iterator[tuple[Chunk, NDArray[np.intp]]]:
    """Chunks of ``size`` rows in the order of their times, with the places of their rows; a shorter rest is left out.

    Raises
    ------
    InputError
        When the size is not positive.

    Examples
    --------
    >>> [(chunk.name, rows.tolist()) for chunk, rows in by_size(np.array([30, 10, 20, 40, 50]), 2)]
    [('rows 1–2', [1, 2]), ('rows 3–4', [0, 3])]
    """
    if size < 1:
        raise InputError(expected_got("a size of at least 1", size, "chunk"))
    order = np.argsort(times, kind="stable")
    for start in range(0, len(order) - size + 1, size):
        rows = order[start : start + size]
        first, last = int(times[rows[0]]), int(times[rows[-1]])
        yield Chunk(first, last + 1, f"rows {start + 1}–{start + size}"), rows
