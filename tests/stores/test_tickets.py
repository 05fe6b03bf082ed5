"""Tickets: dispatch, clocks by class at their edges, escalation, follow-up and second review."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import InputError
from domain.matters import Matter, MatterKind, Step
from domain.time import DAY, HOUR, MINUTE, SECOND
from stores.database import Database
from stores.matter_settings import DeskSettings
from stores.settings_files import load_settings
from stores.tickets import Tickets, late_general, rate

CONFIGS = Path(__file__).parents[2] / "configs"
NOW = 20_000 * DAY
SETTINGS = load_settings(CONFIGS / "desk.yaml", DeskSettings)


class Desk:
    def __init__(self, root: Path) -> None:
        self.database = Database(root / "assay.db")
        self.tickets = Tickets(self.database, SETTINGS)

    def do(self, work: Callable[[], Matter]) -> Matter:
        with self.database.transaction():
            return work()

    def opened(self, ticket_class: str = "hotline", at: int = NOW) -> Matter:
        return self.do(lambda: self.tickets.open(ticket_class, at=at, actor="door"))

    def step(self, ticket: Matter, step: Step, at: int, actor: str = "lin") -> Matter:
        return self.do(lambda: self.tickets.matters.append_within(ticket.matter_id, step, at=at, actor=actor))


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_tickets_are_sent_in_turn_to_who_has_the_fewest(desk: Desk) -> None:
    sent = [desk.opened().about["sent_to"] for _ in range(4)]
    assert sent == ["desk-1", "desk-2", "desk-3", "desk-1"]
    # desk-3's is closed: the next goes there. Another class has other agents.
    third = desk.tickets.matters.get("ticket-3")
    desk.step(third, Step.TAKEN, NOW + 1, "desk-3")
    desk.do(lambda: desk.tickets.close("ticket-3", at=NOW + 2, actor="desk-3", resolved=True))
    assert desk.opened().about["sent_to"] == "desk-3"
    assert desk.opened("suspected_fraud").about["sent_to"] == "fraud-1"


@pytest.mark.parametrize(
    ("ticket_class", "clock", "allowed", "step"),
    [
        ("hotline", "pick_up", 30 * SECOND, Step.TAKEN),
        ("hotline", "first_answer", 15 * MINUTE, Step.ANSWERED),
        ("hotline", "resolution", 24 * HOUR, Step.CLOSED),
        ("enquiry", "pick_up", 15 * MINUTE, Step.TAKEN),
        ("enquiry", "first_answer", 24 * HOUR, Step.ANSWERED),
        ("enquiry", "resolution", 48 * HOUR, Step.CLOSED),
        ("back_office", "resolution", 48 * HOUR, Step.CLOSED),
    ],
)
@pytest.mark.parametrize("late", [0, 1])
def test_each_clock_is_kept_at_its_last_instant_and_broken_after_it(
    desk: Desk, ticket_class: str, clock: str, allowed: int, step: Step, late: int
) -> None:
    ticket = desk.opened(ticket_class)
    at = NOW + allowed + late
    assert (clock in ticket.overdue(at)) is bool(late)
    if step is not Step.TAKEN:
        ticket = desk.step(ticket, Step.TAKEN, NOW + SECOND)
    done = desk.step(ticket, step, at)
    assert done.timers[clock].kept(at + 99 * DAY) is not bool(late)
    assert clock not in done.overdue(at + 99 * DAY)


def test_late_general_tickets_are_escalated_to_the_lead_and_only_these(desk: Desk) -> None:
    late, major = desk.opened(), desk.opened("suspected_fraud")
    young = desk.opened(at=NOW + SETTINGS.escalate_after)
    edge = NOW + 30 * SECOND + SETTINGS.escalate_after
    tickets = desk.tickets.matters.of(MatterKind.TICKET)
    assert late_general(tickets, edge, SETTINGS.escalate_after) == []
    assert [each.matter_id for each in late_general(tickets, edge + 1, SETTINGS.escalate_after)] == [late.matter_id]
    made = desk.do(lambda: desk.tickets.escalate(late.matter_id, at=edge + 1, actor="clock", reason="overdue"))
    assert (made.level, made.owner, made.first_owner) == ("major", "desk-lead", "desk-lead")
    assert late_general(desk.tickets.matters.of(MatterKind.TICKET), edge + 1, SETTINGS.escalate_after) == []
    with pytest.raises(InputError, match="expected a general ticket, to escalate"):
        desk.do(lambda: desk.tickets.escalate(major.matter_id, at=edge + 1, actor="lin", reason="x"))
    assert desk.tickets.matters.get(young.matter_id).level == "general"


def test_the_lead_takes_what_is_escalated_to_him(desk: Desk) -> None:
    ticket = desk.step(desk.opened(), Step.TAKEN, NOW + 1, "desk-1")
    made = desk.do(lambda: desk.tickets.escalate(ticket.matter_id, at=NOW + 2, actor="desk-lead", reason="hard"))
    assert (made.owner, made.first_owner) == ("desk-lead", "desk-1")


def test_a_follow_up_is_due_fifteen_days_after_closing_and_ends_with_it_or_with_reopening(desk: Desk) -> None:
    closed_at = NOW + HOUR
    made = []
    for _ in range(2):
        ticket = desk.step(desk.opened(), Step.TAKEN, NOW + 1)
        made.append(desk.do(lambda t=ticket: desk.tickets.close(t.matter_id, at=closed_at, actor="lin", resolved=True)))
    first, second = made
    assert first.overdue(closed_at + 15 * DAY) == ()
    assert first.overdue(closed_at + 15 * DAY + 1) == ("follow_up",)
    asked = desk.step(first, Step.FOLLOWED_UP, closed_at + 15 * DAY)
    assert asked.timers["follow_up"].kept(NOW + 99 * DAY) is True
    again = desk.do(lambda: desk.tickets.reopen(second.matter_id, at=closed_at + DAY, actor="lin"))
    assert again.overdue(closed_at + DAY + 24 * HOUR) == ()
    assert again.overdue(closed_at + DAY + 24 * HOUR + 1) == ("resolution",)


def test_who_closed_a_ticket_does_not_review_it(desk: Desk) -> None:
    ticket = desk.step(desk.opened(), Step.TAKEN, NOW + 1)
    desk.do(lambda: desk.tickets.close(ticket.matter_id, at=NOW + 2, actor="lin", resolved=True))
    with pytest.raises(InputError, match="expected somebody else than who closed it, got 'lin'"):
        desk.do(lambda: desk.tickets.review(ticket.matter_id, at=NOW + 3, actor="lin", agrees=True))
    made = desk.do(lambda: desk.tickets.review(ticket.matter_id, at=NOW + 3, actor="wang", agrees=False))
    assert made.steps(Step.REVIEWED)[0].body == {"agrees": False}


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_is_one_to_five(desk: Desk, score: int) -> None:
    ticket = desk.step(desk.opened(), Step.TAKEN, NOW + 1)
    desk.do(lambda: desk.tickets.close(ticket.matter_id, at=NOW + 2, actor="lin", resolved=True))
    with pytest.raises(InputError, match="expected a score from 1 to 5"):
        desk.do(lambda: rate(desk.tickets.matters, ticket.matter_id, score=score, at=NOW + 3, actor="lin"))


def test_an_unknown_class_is_told(desk: Desk) -> None:
    with pytest.raises(InputError, match="expected one of hotline, enquiry, suspected_fraud, back_office, got 'tea'"):
        desk.opened("tea")


def test_a_ticket_is_closed_here_and_nothing_else(desk: Desk) -> None:
    """A case closes with a finding, a complaint with an outcome: the desk must be no way round them."""
    for kind in (MatterKind.CASE, MatterKind.COMPLAINT):
        made = desk.do(lambda kind=kind: desk.tickets.matters.open_within(kind, at=NOW, actor="door", body={}))
        desk.step(made, Step.TAKEN, NOW + 1)
        with pytest.raises(InputError, match="the id of a ticket"):
            desk.do(lambda made=made: desk.tickets.close(made.matter_id, at=NOW + 2, actor="lin", resolved=True))
