"""Matters: cases, complaints and tickets are one machine of states, with an owner, clocks and an append-only history.

    opened ──▶ OPEN ──taken, handed over──▶ WORKING ──closed──▶ CLOSED ──reopened──▶ OPEN or WORKING
                                               │ ▲                ▲
                                      proposed ▼ │ returned       │ confirmed, by somebody else
                                             PROPOSED ────────────┘

The history is the matter: its state is what the entries, folded in their order, leave. Nothing is stored twice, so
nothing can disagree, and a look back at a past moment folds the entries up to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from domain.errors import DataError, InputError, expected_got
from domain.people import same_person


class MatterKind(StrEnum):
    """What is worked on."""

    CASE = "case"
    COMPLAINT = "complaint"
    TICKET = "ticket"


class MatterState(StrEnum):
    """Where it stands."""

    OPEN = "open"
    WORKING = "working"
    PROPOSED = "proposed"
    CLOSED = "closed"


class Step(StrEnum):
    """What one entry of a history says was done."""

    OPENED = "opened"
    TAKEN = "taken"
    HANDED_OVER = "handed_over"
    ANSWERED = "answered"
    NOTED = "noted"
    LINKED = "linked"
    ESCALATED = "escalated"
    PROPOSED = "proposed"
    RETURNED = "returned"
    CLOSED = "closed"
    CORRECTED = "corrected"
    REOPENED = "reopened"
    RATED = "rated"
    FOLLOWED_UP = "followed_up"
    REVIEWED = "reviewed"


_ALIVE = frozenset({MatterState.OPEN, MatterState.WORKING})
_ANY = frozenset(MatterState)
_CLOSED = frozenset({MatterState.CLOSED})

ALLOWED: Mapping[Step, frozenset[MatterState]] = MappingProxyType(
    {
        Step.TAKEN: frozenset({MatterState.OPEN}),
        Step.HANDED_OVER: _ALIVE,
        Step.ANSWERED: _ALIVE,
        Step.NOTED: _ANY,
        Step.LINKED: _ALIVE,
        Step.ESCALATED: _ALIVE,
        Step.PROPOSED: frozenset({MatterState.WORKING}),
        Step.RETURNED: frozenset({MatterState.PROPOSED}),
        Step.CLOSED: frozenset({MatterState.WORKING, MatterState.PROPOSED}),
        Step.CORRECTED: _CLOSED,
        Step.REOPENED: _CLOSED,
        Step.RATED: _CLOSED,
        Step.FOLLOWED_UP: _CLOSED,
        Step.REVIEWED: _CLOSED,
    }
)
"""Step → states in which it may be done; `Step.OPENED` is the first of every history and only that."""

STEPS: Mapping[MatterKind, frozenset[Step]] = MappingProxyType(
    {
        MatterKind.CASE: frozenset(Step) - {Step.ANSWERED, Step.RATED, Step.FOLLOWED_UP, Step.REVIEWED},
        MatterKind.COMPLAINT: frozenset(Step)
        - {Step.PROPOSED, Step.RETURNED, Step.CORRECTED, Step.LINKED, Step.FOLLOWED_UP, Step.REVIEWED},
        MatterKind.TICKET: frozenset(Step) - {Step.PROPOSED, Step.RETURNED, Step.CORRECTED, Step.LINKED},
    }
)
"""Kind → the steps it knows."""

STOPS: Mapping[str, frozenset[Step]] = MappingProxyType(
    {
        "pick_up": frozenset({Step.TAKEN, Step.HANDED_OVER}),
        "first_answer": frozenset({Step.ANSWERED, Step.CLOSED}),
        "resolution": frozenset({Step.CLOSED}),
        "follow_up": frozenset({Step.FOLLOWED_UP, Step.REOPENED}),
    }
)
"""Clock → the steps that stop it. What starts one is an entry that promises a time for it (``due``)."""

BY_OWNER = frozenset({Step.ANSWERED, Step.PROPOSED, Step.CLOSED})
"""Only who is responsible may do these; a proposal is confirmed by somebody else instead."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a history.

    Parameters
    ----------
    n : its place, from 1 without gaps. at : µs UTC. body : JSON values; ``due`` maps clocks to µs UTC.
    """

    kind: MatterKind
    matter_id: str
    n: int
    at: int
    actor: str
    step: Step
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timer:
    """One promise and what became of it; times are µs UTC, ``stopped_at`` None while it runs."""

    started_at: int
    due_at: int
    stopped_at: int | None = None

    def kept(self, now: int) -> bool | None:
        """Whether the promise was kept; None while that is open.

        Examples
        --------
        >>> Timer(0, 10, 10).kept(99), Timer(0, 10, 11).kept(99), Timer(0, 10).kept(10), Timer(0, 10).kept(11)
        (True, False, None, False)
        """
        if self.stopped_at is not None:
            return self.stopped_at <= self.due_at
        return False if now > self.due_at else None


@dataclass(frozen=True, slots=True)
class Matter:
    """What a history says.

    Parameters
    ----------
    about : body of its first entry: class, subject, tokens of people.
    owner : who is responsible now. first_owner : who took it first; neither is forgotten when it is closed.
    decisions : ids of the decisions it gathers. timers : clock → its newest promise.
    result : body of the newest closing or correction, None before. proposed_by : while a second person is awaited.
    """

    kind: MatterKind
    matter_id: str
    state: MatterState
    opened_at: int
    about: Mapping[str, Any]
    entries: tuple[Entry, ...]
    owner: str | None = None
    first_owner: str | None = None
    level: str = "general"
    decisions: tuple[str, ...] = ()
    timers: Mapping[str, Timer] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    proposed_by: str | None = None

    @property
    def last(self) -> Entry:
        """The newest entry."""
        return self.entries[-1]

    @property
    def topic(self) -> str:
        """The class it was opened under."""
        return str(self.about.get("class", ""))

    def steps(self, step: Step) -> tuple[Entry, ...]:
        """Its entries of one step."""
        return tuple(entry for entry in self.entries if entry.step is step)

    def overdue(self, now: int) -> tuple[str, ...]:
        """Clocks whose promise is broken and which still run."""
        return tuple(name for name, timer in self.timers.items() if timer.stopped_at is None and now > timer.due_at)


def begun(entry: Entry) -> Matter:
    """The matter that a first entry opens."""
    if entry.step is not Step.OPENED or entry.n != 1:
        raise DataError(
            expected_got("a history that begins with its opening", f"{entry.n} {entry.step}", entry.matter_id)
        )
    level = str(entry.body.get("level", "general"))
    decisions = tuple(dict.fromkeys(entry.body.get("decisions", ())))
    fresh = Matter(
        entry.kind, entry.matter_id, MatterState.OPEN, entry.at, entry.body, (entry,), level=level, decisions=decisions
    )
    return replace(fresh, timers=_ticked(fresh, entry))


def check(matter: Matter, step: Step, actor: str, at: int, body: Mapping[str, Any]) -> None:
    """Refuse a step that must not follow.

    Anybody may hand a matter on to somebody, as whoever leads the desk must, and the history says who did; but nobody
    takes for himself what another answers for, unless it has just been escalated to him.

    Raises
    ------
    InputError
        When the state does not allow it, the actor may not, or the time lies before the newest entry.
    """
    where = f"{matter.matter_id}, {step.value}"
    if not actor.strip():
        raise InputError(expected_got("the name of who does it", actor, where))
    if step not in STEPS[matter.kind] or step is Step.OPENED:
        raise InputError(expected_got(f"a step of a {matter.kind.value}", step.value, where))
    if matter.state not in ALLOWED[step]:
        reachable = ALLOWED[step] - (set() if Step.PROPOSED in STEPS[matter.kind] else {MatterState.PROPOSED})
        allowed = " or ".join(sorted(state.value for state in reachable))
        raise InputError(expected_got(f"a {matter.kind.value} that is {allowed}", matter.state.value, where))
    if at < matter.last.at:
        raise InputError(expected_got(f"a time not before its newest entry ({matter.last.at} µs)", at, where))
    if step is Step.HANDED_OVER:
        to = str(body.get("to", "")).strip()
        if not to:
            raise InputError(expected_got("the name of who is to answer for it", to, where))
        mine = to == actor and matter.owner not in (None, actor) and matter.last.step is not Step.ESCALATED
        if mine:
            raise InputError(expected_got(f"{matter.owner}, who is responsible, to hand it over", actor, where))
    if matter.state is MatterState.PROPOSED and step is Step.CLOSED:
        if same_person(actor, matter.proposed_by or ""):
            raise InputError(
                expected_got(f"a second person to confirm what {matter.proposed_by} proposed", actor, where)
            )
    elif step in BY_OWNER and actor != matter.owner:
        owner = matter.owner or "nobody yet; take it first"
        raise InputError(expected_got(f"who is responsible ({owner})", actor, where))


def after(matter: Matter, entry: Entry) -> Matter:
    """The matter with one more entry of its history."""
    if entry.n != matter.last.n + 1 or entry.matter_id != matter.matter_id:
        raise DataError(expected_got(f"entry {matter.last.n + 1} of {matter.matter_id}", entry.n, entry.matter_id))
    timers = _ticked(matter, entry)
    told = replace(matter, entries=(*matter.entries, entry), timers=timers)
    match entry.step:
        case Step.TAKEN:
            first = matter.first_owner or entry.actor
            return replace(told, state=MatterState.WORKING, owner=entry.actor, first_owner=first)
        case Step.HANDED_OVER:
            to = str(entry.body["to"])
            return replace(told, state=MatterState.WORKING, owner=to, first_owner=matter.first_owner or to)
        case Step.LINKED:
            return replace(told, decisions=tuple(dict.fromkeys((*matter.decisions, *entry.body["decisions"]))))
        case Step.ESCALATED:
            return replace(told, level=str(entry.body["level"]))
        case Step.PROPOSED:
            return replace(told, state=MatterState.PROPOSED, proposed_by=entry.actor)
        case Step.RETURNED:
            return replace(told, state=MatterState.WORKING, proposed_by=None)
        case Step.CLOSED:
            return replace(told, state=MatterState.CLOSED, result=entry.body, proposed_by=None)
        case Step.CORRECTED:
            return replace(told, result=entry.body)
        case Step.REOPENED:
            state = MatterState.OPEN if matter.owner is None else MatterState.WORKING
            return replace(told, state=state)
        case _:
            return told


def fold(entries: Iterable[Entry]) -> Matter:
    """The matter that a whole history leaves.

    Raises
    ------
    DataError
        When an entry is missing, stands twice or out of its place, or there is none.

    Examples
    --------
    >>> ticket = MatterKind.TICKET
    >>> fold([Entry(ticket, "t1", 1, 0, "door", Step.OPENED), Entry(ticket, "t1", 2, 5, "lin", Step.TAKEN)]).owner
    'lin'
    """
    waiting = iter(entries)
    first = next(waiting, None)
    if first is None:
        raise DataError(expected_got("a history with at least its opening", "none", "matter"))
    matter = begun(first)
    for entry in waiting:
        matter = after(matter, entry)
    return matter


def _ticked(matter: Matter, entry: Entry) -> Mapping[str, Timer]:
    """The clocks after an entry: those it stops, then those it starts anew."""
    timers = {
        name: replace(timer, stopped_at=entry.at)
        if timer.stopped_at is None and entry.step in STOPS.get(name, ())
        else timer
        for name, timer in matter.timers.items()
    }
    for name, due in dict(entry.body.get("due", {})).items():
        timers[name] = Timer(entry.at, int(due))
    return MappingProxyType(timers)
