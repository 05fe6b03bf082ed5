"""What the handbooks ask of a desk: satisfaction, resolution and repeat rates, reviews, throughput."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.matters import Matter, MatterState, Step
from domain.time import business_day
from monitoring.matters.promises import Share

CONTENT = 4
"""From this score (1 to 5) on a customer counts as content."""

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores from 1 to 5 that customers gave in a period.

    Parameters
    ----------
    mean : None when nobody gave one. low, high : 95 % interval of the mean (normal), None below two scores.
    content : share of those who gave `CONTENT` or more.
    """

    mean: float | None
    low: float | None
    high: float | None
    content: Share


def satisfaction(matters: Iterable[Matter], *, since: int, until: int) -> Scores:
    """The scores given in ``[since, until)``."""
    scores = [
        int(entry.body["score"])
        for matter in matters
        for entry in matter.steps(Step.RATED)
        if since <= entry.at < until
    ]
    content = Share(sum(score >= CONTENT for score in scores), len(scores))
    if not scores:
        return Scores(None, None, None, content)
    mean = statistics.fmean(scores)
    if len(scores) == 1:
        return Scores(mean, None, None, content)
    half = _Z * statistics.stdev(scores) / math.sqrt(len(scores))
    return Scores(mean, max(1.0, mean - half), min(5.0, mean + half), content)


def closed_share(matters: Iterable[Matter], name: str, *, since: int, until: int) -> Share:
    """Closings in ``[since, until)`` that say yes to ``name`` (``resolved``, ``upheld``), out of all that say."""
    said = [
        bool(entry.body[name])
        for matter in matters
        for entry in matter.steps(Step.CLOSED)
        if since <= entry.at < until and name in entry.body
    ]
    return Share(sum(said), len(said))


def repeat_share(matters: Iterable[Matter], within: int, *, since: int, until: int) -> Share:
    """Matters opened in ``[since, until)`` of people known by a token, and those of them that are repeats.

    A repeat has a matter of the same person and class before it that was closed at most ``within`` µs earlier, or was
    still open; reopening is a repeat of itself.
    """
    every = sorted((each for each in matters if _person(each)), key=lambda each: each.opened_at)
    n = hits = 0
    for place, matter in enumerate(every):
        opened = [matter.opened_at, *(entry.at for entry in matter.steps(Step.REOPENED))]
        for at in opened:
            if not since <= at < until:
                continue
            n += 1
            hits += at != matter.opened_at or any(
                _ended(before, at) + within >= at
                for before in every[:place]
                if (_person(before), before.topic) == (_person(matter), matter.topic)
            )
    return Share(hits, n)


def reviewed_share(tickets: Iterable[Matter], at_most: int, *, since: int, until: int) -> Share:
    """Tickets closed in ``[since, until)`` that somebody else must look at, and those where somebody has.

    Parameters
    ----------
    at_most : a ticket rated at most so is to be reviewed; so is a major one.
    """
    wanted = [
        ticket
        for ticket in tickets
        if ticket.state is MatterState.CLOSED
        and since <= ticket.steps(Step.CLOSED)[-1].at < until
        and (ticket.level == "major" or any(entry.body["score"] <= at_most for entry in ticket.steps(Step.RATED)))
    ]
    # A look at an earlier closing is none at the one that stands.
    seen = [any(each.n > ticket.steps(Step.CLOSED)[-1].n for each in ticket.steps(Step.REVIEWED)) for ticket in wanted]
    return Share(sum(seen), len(seen))


def throughput(matters: Sequence[Matter], zone: str, *, since: int, until: int) -> Mapping[str, tuple[int, int]]:
    """Local day → (opened or reopened, closed) in ``[since, until)``; days without either are left out."""
    counts: dict[str, Counter[bool]] = {}
    for matter in matters:
        for entry in matter.entries:
            if since <= entry.at < until and entry.step in (Step.OPENED, Step.REOPENED, Step.CLOSED):
                day = str(business_day(entry.at, zone))
                counts.setdefault(day, Counter())[entry.step is Step.CLOSED] += 1
    return {day: (count[False], count[True]) for day, count in sorted(counts.items())}


def by_topic(matters: Iterable[Matter], *, since: int, until: int) -> Mapping[str, int]:
    """Class → matters opened in ``[since, until)``."""
    return Counter(matter.topic for matter in matters if since <= matter.opened_at < until)


def _person(matter: Matter) -> str | None:
    people = matter.about.get("people") or {}
    return people.get("customer_id") or people.get("borrower_id")


def _ended(matter: Matter, at: int) -> int:
    """When a matter was last closed before a moment; that moment itself while it was open."""
    closed = None
    for entry in matter.entries:
        if entry.at > at:
            break
        if entry.step is Step.CLOSED:
            closed = entry.at
        elif entry.step is Step.REOPENED:
            closed = None
    return at if closed is None else closed
