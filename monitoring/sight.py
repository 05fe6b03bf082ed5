"""What an indicator may see: a home as it was known at the end of a chunk, every table read once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from monitoring.chunk import Chunk, Chunker, Period
from monitoring.oversight.look import Look

T = TypeVar("T")


@dataclass(frozen=True)
class Sight:
    """A look at a home whose period is one chunk.

    Parameters
    ----------
    look : its ``since`` and ``until`` are those of the chunk; nothing known at or after ``until`` is to be read.

    Tables are read once and kept as long as the sight and those made from it with `at`: a month is read day by day
    without reading the journal thirty times. What arrives meanwhile is seen by the next run.
    """

    look: Look
    _tables: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def since(self) -> int:
        """Start of the chunk, µs UTC."""
        return self.look.since

    @property
    def until(self) -> int:
        """End of the chunk, µs UTC, not included."""
        return self.look.until

    @property
    def zone(self) -> str:
        """The business time zone."""
        return self.look.platform.time_zone

    def at(self, chunk: Chunk) -> Sight:
        """The same home at another chunk; what was read is shared."""
        return replace(self, look=replace(self.look, since=chunk.since, until=chunk.until))

    def chunks_before(self, n: int, period: Period = "day") -> tuple[Chunk, ...]:
        """The ``n`` chunks before the present one, oldest first: what a baseline is made of."""
        chunker = Chunker(period, self.zone)
        return chunker.before(chunker.around(self.since), n)

    def events(self, kind: str, *, since: int | None = None, until: int | None = None) -> pa.Table:
        """Events of a kind that happened in ``[since, until)`` and were known before the end of the chunk.

        Parameters
        ----------
        since, until : µs UTC; those of the chunk by default. For all that was ever known, ``since=EARLIEST``.
        """
        start, end = self._span(since, until)
        table = self.once(f"event {kind}", lambda: self.look.journal.read(kind))
        happened, known = table["event_time"], table["known_at"]
        mask = pc.and_(pc.and_(pc.greater_equal(happened, start), pc.less(happened, end)), pc.less(known, self.until))
        return table.filter(mask)

    def decisions(self, product: str, *, since: int | None = None, until: int | None = None) -> pa.Table:
        """Decisions of a product made in ``[since, until)``; those of the chunk by default."""
        start, end = self._span(since, until)
        table = self.all_decisions(product)
        decided = table["decided_at"]
        return table.filter(pc.and_(pc.greater_equal(decided, start), pc.less(decided, end)))

    def all_decisions(self, product: str) -> pa.Table:
        """Decisions of a product whenever they were made, later ones too: to be cut before anything is said of them."""
        return self.once(f"decision {product}", lambda: self.look.ledger.read(product))

    def _span(self, since: int | None, until: int | None) -> tuple[int, int]:
        end = self.until if until is None else min(until, self.until)
        return (self.since if since is None else since), end

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once for this sight and all made from it; it must not depend on the chunk."""
        if name not in self._tables:
            self._tables[name] = make()
        found: T = self._tables[name]
        return found
