"""Promises that matters made, and what became of each by a moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain.matters import STOPS, Matter, Timer
from scoring.interval import wilson

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` out of ``n`` with its 95 % interval (Wilson); the value is None when there are none."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        """The share."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """Its interval; the whole of [0, 1] when there is nothing."""
        return wilson(self.hits, self.n, CONFIDENCE)


@dataclass(frozen=True, slots=True)
class Late:
    """A promise that is broken and still runs; ``by`` is µs since it was due."""

    matter: Matter
    clock: str
    by: int


def timers(matter: Matter) -> tuple[tuple[str, Timer], ...]:
    """Every promise of a matter, also those that a later one of the same clock took the place of.

    Examples
    --------
    >>> from domain.matters import Entry, MatterKind, Step, fold
    >>> opened = Entry(MatterKind.TICKET, "ticket-1", 1, 0, "door", Step.OPENED, {"due": {"pick_up": 30}})
    >>> timers(fold([opened, Entry(MatterKind.TICKET, "ticket-1", 2, 12, "lin", Step.TAKEN)]))
    (('pick_up', Timer(started_at=0, due_at=30, stopped_at=12)),)
    """
    made: list[tuple[str, Timer]] = []
    for entry in matter.entries:
        for place, (clock, timer) in enumerate(made):
            if timer.stopped_at is None and entry.step in STOPS.get(clock, ()):
                made[place] = (clock, replace(timer, stopped_at=entry.at))
        due = entry.body.get("due", {})
        # A promise that is given anew while the old one runs takes its place.
        made = [(clock, timer) for clock, timer in made if timer.stopped_at is not None or clock not in due]
        made += [(clock, Timer(entry.at, int(at))) for clock, at in due.items()]
    return tuple(made)


def kept_share(matters: Iterable[Matter], clock: str, *, since: int, until: int) -> Share:
    """Promises of a clock that were settled in ``[since, until)``, and how many of them were kept.

    A promise is settled when the clock stops, or when it is broken, whichever is first.
    """
    kept = [
        verdict
        for matter in matters
        for name, timer in timers(matter)
        if name == clock and (verdict := timer.kept(until - 1)) is not None
        and since <= min(timer.due_at + 1, timer.due_at + 1 if timer.stopped_at is None else timer.stopped_at) < until
    ]  # fmt: skip
    return Share(sum(kept), len(kept))


def late(matters: Iterable[Matter], now: int) -> tuple[Late, ...]:
    """Promises that are broken and still run, the latest first."""
    found = [
        Late(matter, clock, now - matter.timers[clock].due_at) for matter in matters for clock in matter.overdue(now)
    ]
    return tuple(sorted(found, key=lambda each: (-each.by, each.matter.matter_id, each.clock)))
