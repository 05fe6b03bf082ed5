"""Complaints: taken in once, answered and settled against a clock; an upheld one becomes an outcome.

intake      complaint event in the journal + OPENED, in the caller's transaction
settled     CLOSED with upheld or not; upheld about an event we decided on: outcome event, known at that moment,
            and the decision is asked to be looked at again (`stores.appeals`): its receipt is open. The decision
            itself is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import InputError, expected_got
from domain.events import COMPLAINT_CLASSES, Event, Value
from domain.labels import Verdict
from domain.matters import Matter, MatterKind, Step
from domain.outcomes import POLICY_OF, outcome_about
from stores.acts import Act, Acts
from stores.appeals import ASKED, DECIDED
from stores.database import Database
from stores.journal import Journal
from stores.ledger import Ledger
from stores.matter_settings import ComplaintSettings
from stores.matters import Matters
from stores.outcome_history import history

CLIENT = "complaints"
"""Owner of the ids of outcomes that complaints become."""

_TAKEN_BACK = {"transaction": "correction_genuine"}
"""Kind of the event complained of → the code that says it was none of what an upheld complaint made of it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a complaint did to the receipt of a decision.

    Parameters
    ----------
    reopened_at : µs UTC. complaint_id : the complaint that was upheld. outcome_id : event id of its outcome, if any.
    """

    decision_id: str
    complaint_id: str
    reopened_at: int
    outcome_id: str | None


class Complaints:
    """Take complaints in and move them on.

    Parameters
    ----------
    journal, ledger : over the connection that owns the transaction.
    settings : ``configs/complaints.yaml``.
    """

    def __init__(self, journal: Journal, ledger: Ledger, settings: ComplaintSettings) -> None:
        self.database: Database = journal.database
        self.matters = Matters(journal.database)
        self._journal = journal
        self._ledger = ledger
        self._settings = settings

    def open_complaint(
        self,
        complaint_class: str,
        *,
        at: int,
        actor: str,
        client: str,
        event_id: str,
        event_time: int | None = None,
        people: Mapping[str, str] | None = None,
        subject_event_id: str | None = None,
        subject_client: str | None = None,
        channel: str | None = None,
        text: str | None = None,
    ) -> Matter:
        """Take a complaint in, inside the caller's transaction; the same (client, event_id) again is the same one.

        Parameters
        ----------
        at : µs UTC of the intake, from which the promises run. event_time : when it was made, ``at`` by default.
        client, event_id : name the complaint event in the journal.
        people : ``customer_id`` and ``borrower_id``, as tokens.
        subject_event_id : the payment or application complained of; of ``subject_client`` where several used the id.
        text : id of the sealed words of the customer (`stores.sealing`).

        Raises
        ------
        InputError
            When the class is unknown or the event complained of is not in the journal.
        """
        if complaint_class not in COMPLAINT_CLASSES:
            raise InputError(expected_got(f"one of {', '.join(COMPLAINT_CLASSES)}", complaint_class, "complaint.class"))
        known = self.of_event(client, event_id)
        if known is not None:
            return known
        subject = None if subject_event_id is None else self._subject(subject_event_id, subject_client)
        told: dict[str, Value | None] = {
            **(people or {}),
            "subject_event_id": subject_event_id,
            "complaint_class": complaint_class,
            "channel": channel,
        }
        body = {name: value for name, value in told.items() if value is not None}
        made_at = at if event_time is None else event_time
        (appended,) = self._journal.append_within([Event("complaint", event_id, made_at, at, body, client)])
        if not appended.new and self._kind_of(appended.seq) != "complaint":
            raise InputError(expected_got("an event_id of its own", event_id, "complaint.event_id"))
        decision = None if subject is None else self._ledger.by_event(subject.client, subject.event_id)
        return self.matters.open_within(
            MatterKind.COMPLAINT,
            at=at,
            actor=actor,
            body={
                "class": complaint_class,
                "client": client,
                "event_id": event_id,
                "seq": appended.seq,
                "people": dict(people or {}),
                "subject_seq": None if subject is None else subject.seq,
                "subject_event_id": subject_event_id,
                "channel": channel,
                "decisions": [] if decision is None else [decision.decision_id],
                "text": text,
                "due": dict(self._settings.due(complaint_class, at)),
            },
        )

    def untaken(self, until: int) -> list[Event]:
        """Complaint events known before ``until`` (µs UTC) that nobody has taken in, in the order they arrived."""
        taken = {
            (matter.about.get("client"), matter.about.get("event_id"))
            for matter in self.matters.of(MatterKind.COMPLAINT, until=until)
        }
        return [
            _event(row)
            for row in self._journal.read("complaint").to_pylist()
            if row["known_at"] < until and (row["client"], row["event_id"]) not in taken
        ]

    def take_in(self, event: Event, *, actor: str) -> Matter:
        """Take in a complaint that reached the journal by another way; its promises run since it was known.

        What it names that is no single payment or application of the journal is not followed.
        """
        named = event.body.get("subject_event_id")
        subjects = [] if named is None else self._subjects(str(named), None)
        return self.open_complaint(
            str(event.body["complaint_class"]),
            at=event.known_at,
            actor=actor,
            client=event.client,
            event_id=event.event_id,
            event_time=event.event_time,
            people={name: str(event.body[name]) for name in ("customer_id", "borrower_id") if name in event.body},
            subject_event_id=str(named) if len(subjects) == 1 else None,
            channel=None if event.body.get("channel") is None else str(event.body["channel"]),
        )

    def of_event(self, client: str, event_id: str) -> Matter | None:
        """The complaint that a client's event opened, None when there is none."""
        row = self.database.maybe(
            "SELECT matter_id FROM matter_entry WHERE kind = 'complaint' AND n = 1 "
            "AND json_extract(body, '$.client') = ? AND json_extract(body, '$.event_id') = ?",
            (client, event_id),
        )
        return None if row is None else self.matters.get(row[0])

    def settle(
        self,
        complaint_id: str,
        *,
        upheld: bool,
        at: int,
        actor: str,
        acts: Acts,
        code: str | None = None,
        text: str | None = None,
    ) -> tuple[Matter, Receipt | None]:
        """Close a complaint inside the caller's transaction; an upheld one becomes an outcome, known at ``at``.

        One that was upheld before, was reopened and is not upheld any more takes its outcome back, unless somebody
        else has told of the event since, or says the same of it.

        Parameters
        ----------
        acts : where it is kept that the receipt is open again.
        code : of the outcome, where the settings name none for the class, or another is meant.

        Raises
        ------
        InputError
            When the step must not follow, or a code is named for what can have no outcome.
        """
        complaint = self.matters.get(complaint_id, MatterKind.COMPLAINT)
        subject_seq = complaint.about.get("subject_seq")
        if code is not None and (not upheld or subject_seq is None):
            raise InputError(expected_got("an upheld complaint about an event, to write an outcome", code, "code"))
        outcome_id = None
        if upheld and subject_seq is not None:
            subject = self._journal.get(int(subject_seq))
            chosen = code or self._settings.outcomes.get(complaint.topic, {}).get(subject.kind)
            if chosen is not None:
                outcome_id = f"{complaint_id}-{complaint.last.n + 1}"
                told = outcome_about(
                    subject, chosen, event_id=outcome_id, known_at=at, source="customer", client=CLIENT
                )
                self._journal.append_within([told])
        elif subject_seq is not None:
            outcome_id = self._taken_back(complaint, int(subject_seq), at)
        body: dict[str, Any] = {"upheld": upheld, "outcome": outcome_id, "text": text}
        complaint = self.matters.append_within(complaint_id, Step.CLOSED, at=at, actor=actor, body=body)
        if not upheld or not complaint.decisions:
            return complaint, None
        receipt = Receipt(complaint.decisions[0], complaint_id, at, outcome_id)
        self._ask_review(acts, receipt, f"{complaint_id}-{complaint.last.n}", actor)
        return complaint, receipt

    def reopen(self, complaint_id: str, *, at: int, actor: str, reason: str | None) -> Matter:
        """Open a settled complaint again inside the caller's transaction: a new promise to settle it begins."""
        complaint = self.matters.get(complaint_id, MatterKind.COMPLAINT)
        due = dict(self._settings.due(complaint.topic, at, only="resolution"))
        return self.matters.append_within(
            complaint_id, Step.REOPENED, at=at, actor=actor, body={"reason": reason, "due": due}
        )

    def receipts(self, decision_id: str) -> list[Receipt]:
        """Each time a complaint opened the receipt of a decision again, oldest first."""
        found = [
            Receipt(decision_id, matter.matter_id, entry.at, entry.body.get("outcome"))
            for matter in self.matters.about(decision_id)
            if matter.kind is MatterKind.COMPLAINT
            for entry in matter.steps(Step.CLOSED)
            if entry.body.get("upheld")
        ]
        return sorted(found, key=lambda receipt: receipt.reopened_at)

    def _taken_back(self, complaint: Matter, subject_seq: int, at: int) -> str | None:
        """Id of the outcome that puts back what the others say of an event; None where ours says nothing by now."""
        closed = complaint.steps(Step.CLOSED)
        ours = closed[-1].body.get("outcome") if closed else None
        if ours is None:
            return None
        subject = self._journal.get(subject_seq)
        policy = POLICY_OF[subject.kind]
        telling = [
            each
            for each in history(self._journal, subject).outcomes
            if policy.verdicts.get(each.code, Verdict.UNKNOWN) is not Verdict.UNKNOWN
        ]
        if not telling or (telling[-1].client, telling[-1].event_id) != (CLIENT, ours):
            return None
        mine = f"{complaint.matter_id}-"
        others = [each.code for each in telling if each.client != CLIENT or not each.event_id.startswith(mine)]
        verdict = policy.verdicts[others[-1]] if others else policy.silence
        if verdict is policy.verdicts[telling[-1].code]:
            return None
        code = others[-1] if others and verdict is not Verdict.NEGATIVE else _TAKEN_BACK.get(subject.kind)
        if code is None:
            expected = f"an outcome that the label policy can take back for a {subject.kind}"
            raise InputError(expected_got(expected, telling[-1].code, complaint.matter_id))
        told_id = f"{complaint.matter_id}-{complaint.last.n + 1}"
        told = outcome_about(subject, code, event_id=told_id, known_at=at, source="customer", client=CLIENT)
        self._journal.append_within([told])
        return told_id

    @staticmethod
    def _ask_review(acts: Acts, receipt: Receipt, act_id: str, actor: str) -> None:
        """The decision is asked to be looked at again, as an appeal would; one that is open already stays."""
        said = [act.kind for act in acts.about(receipt.decision_id) if act.kind in (ASKED, DECIDED)]
        if not said or said[-1] == DECIDED:
            body = {"asked_by": "complaint", "complaint": receipt.complaint_id, "outcome": receipt.outcome_id}
            acts.append_within(Act(act_id, ASKED, receipt.decision_id, receipt.reopened_at, actor, body))

    def _subject(self, event_id: str, client: str | None) -> _Subject:
        found = self._subjects(event_id, client)
        if len(found) != 1:
            expected = "the event_id of one payment or application in the journal"
            raise InputError(expected_got(expected, f"{len(found)} of them", "complaint.subject_event_id"))
        return found[0]

    def _subjects(self, event_id: str, client: str | None) -> list[_Subject]:
        rows = self.database.execute(
            "SELECT seq, kind, client, event_id FROM event WHERE event_id = ? ORDER BY seq", (event_id,)
        )
        found = [_Subject(*row) for row in rows]
        return [each for each in found if each.kind in POLICY_OF and client in (None, each.client)]

    def _kind_of(self, seq: int) -> str:
        return str(self.database.one("SELECT kind FROM event WHERE seq = ?", (seq,))[0])


@dataclass(frozen=True, slots=True)
class _Subject:
    """Which event is complained of: its body lies in a segment, and is read only when it is needed."""

    seq: int
    kind: str
    client: str
    event_id: str


def _event(row: dict[str, Any]) -> Event:
    head = {name: row.pop(name) for name in ("seq", "client", "event_id", "event_time", "known_at")}
    body = {name: value for name, value in row.items() if value is not None}
    return Event(kind="complaint", body=body, **head)
