"""Tickets of the service desk: sent to an agent, owned by the first who takes them, followed up once closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from domain.errors import InputError, expected_got
from domain.matters import Matter, MatterKind, MatterState, Step
from domain.people import same_person
from stores.database import Database
from stores.matter_settings import DeskSettings
from stores.matters import Matters

LEVELS = ("general", "major")


class Tickets:
    """Open tickets and move them on; every method writes inside the caller's transaction.

    Parameters
    ----------
    database : the connection that owns the transaction.
    settings : ``configs/desk.yaml``.
    """

    def __init__(self, database: Database, settings: DeskSettings) -> None:
        self.matters = Matters(database)
        self._settings = settings

    def open(
        self,
        ticket_class: str,
        *,
        at: int,
        actor: str,
        people: Mapping[str, str] | None = None,
        channel: str | None = None,
        text: str | None = None,
    ) -> Matter:
        """Open a ticket and send it to the agent of its class who has the fewest, in the order of turns.

        Parameters
        ----------
        people : ``customer_id`` as a token. text : id of the sealed words of the customer.

        Raises
        ------
        InputError
            When the class is unknown.
        """
        chosen = self._settings.classes.get(ticket_class)
        if chosen is None:
            raise InputError(expected_got(f"one of {', '.join(self._settings.classes)}", ticket_class, "ticket.class"))
        body = {
            "class": ticket_class, "level": chosen.level, "people": dict(people or {}), "channel": channel,
            "text": text, "sent_to": self.next_agent(ticket_class), "due": dict(self._settings.due(ticket_class, at)),
        }  # fmt: skip
        return self.matters.open_within(MatterKind.TICKET, at=at, actor=actor, body=body)

    def next_agent(self, ticket_class: str) -> str:
        """The agent of a class with the fewest tickets that are not closed; the earlier named of equals."""
        busy = Counter(
            ticket.owner or str(ticket.about.get("sent_to")) for ticket in self.matters.not_closed(MatterKind.TICKET)
        )
        return min(self._settings.classes[ticket_class].agents, key=lambda agent: busy[agent])

    def close(self, ticket_id: str, *, at: int, actor: str, resolved: bool, text: str | None = None) -> Matter:
        """Close a ticket; a follow-up is promised from now on."""
        self.matters.get(ticket_id, MatterKind.TICKET)  # cases close with a finding, complaints with an outcome
        due = {"follow_up": self._settings.follow_up.due(at, self._settings.business_hours)}
        body = {"resolved": resolved, "text": text, "due": due}
        return self.matters.append_within(ticket_id, Step.CLOSED, at=at, actor=actor, body=body)

    def reopen(self, ticket_id: str, *, at: int, actor: str, reason: str | None = None) -> Matter:
        """Open a closed ticket again: a new promise to settle it begins."""
        ticket = self.matters.get(ticket_id, MatterKind.TICKET)
        due = dict(self._settings.due(ticket.topic, at, only="resolution"))
        body = {"reason": reason, "due": due}
        return self.matters.append_within(ticket_id, Step.REOPENED, at=at, actor=actor, body=body)

    def escalate(self, ticket_id: str, *, at: int, actor: str, reason: str) -> Matter:
        """Make a general ticket a major one, which the lead takes.

        Raises
        ------
        InputError
            When it is a major one already.
        """
        ticket = self.matters.get(ticket_id, MatterKind.TICKET)
        if ticket.level == "major":
            raise InputError(expected_got("a general ticket, to escalate", "a major one", ticket_id))
        body = {"level": "major", "reason": reason}
        ticket = self.matters.append_within(ticket_id, Step.ESCALATED, at=at, actor=actor, body=body)
        if ticket.owner == self._settings.lead:
            return ticket
        to = {"to": self._settings.lead, "reason": reason}
        return self.matters.append_within(ticket_id, Step.HANDED_OVER, at=at, actor=actor, body=to)

    def review(self, ticket_id: str, *, at: int, actor: str, agrees: bool, text: str | None = None) -> Matter:
        """Look at a closed ticket a second time.

        Raises
        ------
        InputError
            When the reviewer is who closed it.
        """
        ticket = self.matters.get(ticket_id, MatterKind.TICKET)
        if same_person(ticket.owner or "", actor):
            raise InputError(expected_got("somebody else than who closed it", actor, f"{ticket_id}, reviewed"))
        body = {"agrees": agrees, "text": text}
        return self.matters.append_within(ticket_id, Step.REVIEWED, at=at, actor=actor, body=body)


def rate(matters: Matters, matter_id: str, *, score: int, at: int, actor: str) -> Matter:
    """Note how content the customer is with a closed matter, 1 to 5, inside the caller's transaction.

    Raises
    ------
    InputError
        When the score is none of these.
    """
    if score not in range(1, 6):
        raise InputError(expected_got("a score from 1 to 5", score, f"{matter_id}, rated"))
    return matters.append_within(matter_id, Step.RATED, at=at, actor=actor, body={"score": score})


def late_general(matters: list[Matter], now: int, grace: int) -> list[Matter]:
    """General matters that still run although a promise was broken more than ``grace`` µs ago: to be escalated."""
    return [
        matter
        for matter in matters
        if matter.level == "general"
        and matter.state in (MatterState.OPEN, MatterState.WORKING)
        and any(matter.timers[name].due_at + grace < now for name in matter.overdue(now))
    ]
