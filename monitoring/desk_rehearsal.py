"""A desk for simulated complaints: staffed for twice its usual load, it answers in the order they come in.

Whoever looks back at a simulated month then sees promises kept on usual days, and broken where more came in than the
desk could answer. It upholds nothing: what became known of payments is the simulator's affair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from domain.events import Event
from domain.matters import Step
from domain.time import DAY, HOUR, MINUTE
from stores.acts import Acts
from stores.complaints import Complaints
from stores.journal import Journal
from stores.ledger import Ledger
from stores.matter_settings import ComplaintSettings
from stores.tickets import rate

_AGENTS = ("desk-1", "desk-2", "desk-3")
_SCORES = (5, 4, 5, 5, 3, 5, 4, 5, 5, 2)
_LEAST_A_DAY = 8
_READING, _ANSWERING, _SETTLING = HOUR, 10 * MINUTE, 20 * HOUR


@dataclass(frozen=True, slots=True)
class DeskRehearsed:
    """What the desk did: complaints taken in, answered and settled by the end, and how many a day it could take."""

    n_taken: int
    n_answered: int
    n_settled: int
    a_day: int


def rehearse_desk(
    journal: Journal, ledger: Ledger, acts: Acts, settings: ComplaintSettings, *, until: int
) -> DeskRehearsed:
    """Take in and work on every complaint known before ``until`` (µs UTC); what would come later stays undone."""
    complaints = Complaints(journal, ledger, settings)
    waiting = sorted(complaints.untaken(until), key=lambda event: (event.known_at, event.seq))
    if not waiting:
        return DeskRehearsed(0, 0, 0, _LEAST_A_DAY)
    days = max(1.0, (until - waiting[0].known_at) / DAY)
    a_day = max(_LEAST_A_DAY, math.ceil(2 * len(waiting) / days))
    free, n_answered, n_settled = 0, 0, 0
    with journal.database.transaction():
        for number, event in enumerate(waiting):
            at = max(event.known_at + _READING, free)
            free = at + DAY // a_day
            answered, settled = _worked(complaints, acts, event, at, until, number)
            n_answered += answered
            n_settled += settled
    return DeskRehearsed(len(waiting), n_answered, n_settled, a_day)


def _worked(complaints: Complaints, acts: Acts, event: Event, at: int, until: int, number: int) -> tuple[bool, bool]:
    """One complaint from its intake on; whether it was answered and settled by the end."""
    agent = _AGENTS[number % len(_AGENTS)]
    name = complaints.take_in(event, actor="rehearsal").matter_id
    matters = complaints.matters
    if at >= until:
        return False, False
    matters.append_within(name, Step.TAKEN, at=at, actor=agent)
    if at + _ANSWERING >= until:
        return False, False
    matters.append_within(name, Step.ANSWERED, at=at + _ANSWERING, actor=agent)
    if at + _SETTLING >= until:
        return True, False
    complaints.settle(name, upheld=False, at=at + _SETTLING, actor=agent, acts=acts)
    if at + _SETTLING + HOUR < until:
        score = _SCORES[number % len(_SCORES)]
        rate(matters, name, score=score, at=at + _SETTLING + HOUR, actor="rehearsal")
    return True, True
