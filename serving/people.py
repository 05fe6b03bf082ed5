"""What people do about decisions, inside the committer's transaction: an act beside the ledger, never a change of it.

ask a review → a person decides it      dispose an alert → an outcome      complain → a complaint event
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from domain.alerts import AlertStatus, outcome_code
from domain.decision import ACTIONS, Product
from domain.events import Event
from scoring.changes import Change, State, told_of
from serving import outcomes
from serving.books import Books
from serving.people_requests import (
    ComplaintRequest,
    DispositionRequest,
    KillRequest,
    ReviewRequest,
    VerdictRequest,
)
from serving.problems import Problem
from serving.requests import OutcomeRequest, invalid
from serving.work import Kind, Work
from stores.acts import Act
from stores.alerts import DISPOSED
from stores.appeals import ASKED, DECIDED
from stores.complaints import Complaints
from stores.ledger import Entry
from stores.matter_settings import ComplaintSettings

SWITCHED, COMPLAINED = "kill_switched", "complaint_taken"
CHANGED = {State.OPEN: "change_proposed", State.APPROVED: "change_approved", State.REJECTED: "change_rejected"}
_PEOPLE = ("customer_id", "borrower_id")

Told = tuple[dict[str, Any], Event | None]
"""What is answered, and the event that was added to the journal."""


class People:
    """Admit what people do; for the committer's thread.

    Parameters
    ----------
    complaints : ``configs/complaints.yaml``.
    appended : puts an event into the journal and numbers it, or refuses it.
    new : refuses an event that a state could not learn, or that is in the journal already.
    tokenised : the event of a work, its identifiers as tokens.
    new_id : makes the id of an act.
    """

    def __init__(
        self,
        books: Books,
        complaints: ComplaintSettings,
        appended: Callable[[Event], Event],
        new: Callable[[Event], None],
        tokenised: Callable[[Work], Event],
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._books = books
        self._complaints = Complaints(books.journal, books.ledger, complaints)
        self._appended = appended
        self._new = new
        self._tokenised = tokenised
        self._new_id = new_id
        self._by_kind: Mapping[Kind, Callable[[Work], Told]] = {
            Kind.COMPLAINT: self._complaint,
            Kind.ASK_REVIEW: self._ask_review,
            Kind.DECIDE_REVIEW: self._decide_review,
            Kind.DISPOSE: self._dispose,
            Kind.SWITCH: self._switch,
            Kind.CHANGE: self._change,
        }

    def admit(self, work: Work) -> Told:
        """Do one work.

        Raises
        ------
        Problem, InputError
            When it is refused; the caller takes back what was written.
        """
        return self._by_kind[work.kind](work)

    # ----------------------------------------------------------------- appeals

    def _ask_review(self, work: Work) -> Told:
        said, request = _said(work, ReviewRequest)
        entry = self._decision(work)
        appeals = self._books.appeals
        before = appeals.of(entry.decision_id)
        if before and before[-1].decided is None:
            raise Problem(
                409, "review_open", "review: expected a decision without an open review, got one that has it",
                extra={"review_id": before[-1].asked.act_id},
            )  # fmt: skip
        texts = appeals.sealed_within({"contact": request.contact, "statement": request.statement})
        act = self._act(work, ASKED, said.subject, {"asked_by": request.asked_by, **texts})
        return {"review_id": act.act_id, "decision_id": entry.decision_id, "status": "open"}, None

    def _decide_review(self, work: Work) -> Told:
        said, request = _said(work, VerdictRequest)
        entry = self._decision(work)
        appeals = self._books.appeals
        before = appeals.of(entry.decision_id)
        if not before or before[-1].decided is not None:
            raise Problem(409, "no_open_review", "review: expected a decision with an open review, got one without")
        asked = before[-1].asked
        if asked.actor == work.client:
            raise Problem(403, "four_eyes", "client: expected another reviewer than who asked, got the same")
        _check_verdict(request, entry)
        texts = appeals.sealed_within({"note": request.note})
        body = {"review_id": asked.act_id, "verdict": request.verdict, "action": request.action, **texts}
        self._act(work, DECIDED, said.subject, body)
        told = {name: body[name] for name in ("review_id", "verdict", "action")}
        return {"decision_id": entry.decision_id, "status": "decided", **told}, None

    # ------------------------------------------------------------------ alerts

    def _dispose(self, work: Work) -> Told:
        said, request = _said(work, DispositionRequest)
        alert = self._books.alerts.get(said.subject)
        if alert is None:
            raise Problem(404, "unknown_alert", "path: expected the id of a decision with an alert, got another")
        status, was = AlertStatus(request.status), AlertStatus(request.was)
        if alert.status is not was or status is was:
            raise Problem(
                409, "alert_changed", "was: expected the present status, and another to come, got otherwise",
                extra={"alert_status": alert.status.value},
            )  # fmt: skip
        event = None
        code = outcome_code(alert.product, was, status)
        if code is not None:
            known = OutcomeRequest(
                subject_event_id=alert.event_id, subject_client=alert.client, code=code, source="analyst"
            )
            event = self._appended(outcomes.bind(known, work.client, work.key, work.received_at, self._books.journal))
        texts = self._books.appeals.sealed_within({"note": request.note})
        note = texts["note"]["sealed"] if texts else None
        self._books.alerts.dispose_within(
            alert.decision_id, status, was=was, by=work.client, at=work.received_at, note=note
        )
        told = {"status": status.value, "was": was.value, "outcome_event_id": None if event is None else event.event_id}
        self._act(work, DISPOSED, alert.decision_id, {**told, **texts})
        return {"decision_id": alert.decision_id, **told}, event

    # -------------------------------------------------------------- complaints

    def _complaint(self, work: Work) -> Told:
        _, request = _said(work, ComplaintRequest)
        event = self._tokenised(work)
        subject = None
        if request.subject_event_id is not None:
            subject = self._subject(request.subject_event_id, request.subject_client, work)
            # The one who paid or applied is the one who complains, unless we are told otherwise.
            people = {name: subject.body[name] for name in _PEOPLE if name in subject.body}
            event = replace(event, body={**people, **event.body})
        self._new(event)
        texts = self._books.appeals.sealed_within({"contact": request.contact, "text": request.text})
        matter = self._complaints.open_complaint(
            request.complaint_class,
            at=work.received_at,
            actor=work.client,
            client=work.client,
            event_id=event.event_id,
            event_time=event.event_time,
            people={name: str(event.body[name]) for name in _PEOPLE if name in event.body},
            subject_event_id=request.subject_event_id,
            subject_client=None if subject is None else subject.client,
            channel=request.channel,
            text=texts["text"]["sealed"] if "text" in texts else None,
        )
        self._act(work, COMPLAINED, matter.matter_id, {"event_id": event.event_id, **texts})
        seq = self._books.journal.seq_of(work.client, event.event_id)
        told = {"event_id": event.event_id, "accepted": True, "complaint_id": matter.matter_id}
        return told, None if seq is None else self._books.journal.get(seq)

    def _subject(self, event_id: str, client: str | None, work: Work) -> Event:
        assert work.said is not None  # noqa: S101 - for the type checker
        owner = client if client is not None else None if work.said.sees_all else work.client
        found = [
            event for event in self._books.journal.find(event_id)
            if event.kind in ("transaction", "application") and owner in (None, event.client)
        ]  # fmt: skip
        if not found or (not work.said.sees_all and owner != work.client):
            raise Problem(
                422, "unknown_subject",
                "complaint.subject_event_id: expected a payment or application of this client, got another",
            )  # fmt: skip
        if len(found) > 1:
            raise Problem(
                422, "ambiguous_subject",
                f"complaint.subject_client: expected the client whose event it is, {len(found)} used this event_id",
            )  # fmt: skip
        return found[0]

    # ------------------------------------------------------------- kill switch

    def _switch(self, work: Work) -> Told:
        _, request = _said(work, KillRequest)
        texts = self._books.appeals.sealed_within({"reason": request.reason})
        act = self._act(work, SWITCHED, "service", {"on": request.on, **texts})
        return {"on": request.on, "act_id": act.act_id}, None

    # ------------------------------------------------------------------ changes

    def _change(self, work: Work) -> Told:
        """The act of what the record of changes says already; once for each step of a change."""
        _, change = _said(work, Change)
        kind = CHANGED[change.state]
        if all(act.kind != kind for act in self._books.acts.about(change.id)):
            body = {name: getattr(change, name) for name in ("subject", "content", "before")}
            self._act(work, kind, change.id, body)
        return told_of(change), None

    # ------------------------------------------------------------------- parts

    def _decision(self, work: Work) -> Entry:
        assert work.said is not None  # noqa: S101 - for the type checker
        entry = self._books.ledger.get(work.said.subject)
        if entry is None or not (work.said.sees_all or entry.client == work.client):
            raise unknown_decision()
        return entry

    def _act(self, work: Work, kind: str, subject: str, body: Mapping[str, Any]) -> Act:
        act = Act(self._new_id(), kind, subject, work.received_at, work.client, body)
        self._books.acts.append_within(act)
        return act


def unknown_decision() -> Problem:
    """There is no such decision, or it is another client's: the same answer for both."""
    return Problem(404, "unknown_decision", "path: expected the id of a decision of yours, got another")


def _said(work: Work, kind: type[Any]) -> tuple[Any, Any]:
    if work.said is None or not isinstance(work.said.request, kind):
        raise TypeError(f"work: expected a {kind.__name__}")
    return work.said, work.said.request


def _check_verdict(request: VerdictRequest, entry: Entry) -> None:
    if request.verdict == "upheld":
        if request.action is not None:
            raise invalid("body.action: expected none with upheld, got one")
        return
    allowed = [action.value for action in ACTIONS[Product(entry.product)] if action.value != entry.action]
    if request.action not in allowed:
        raise invalid(f"body.action: expected one of {', '.join(allowed)} instead of what was decided, got another")
