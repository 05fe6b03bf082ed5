"""Outcomes: what became known, bound to the event it is about."""

from __future__ import annotations

import hashlib

from domain.events import KINDS, ColumnType, Event
from domain.labels import LABEL_POLICIES
from domain.time import to_micros
from serving.problems import Problem
from serving.requests import OutcomeRequest, invalid
from stores.journal import Journal

_POLICIES = {policy.subject_kind: policy for policy in LABEL_POLICIES.values()}
_KEYS = tuple(
    name for name, column in KINDS["outcome"].items() if column.type is ColumnType.KEY and name != "subject_event_id"
)
"""Entity keys that an outcome takes over from its subject."""


def bind(request: OutcomeRequest, client: str, key: str, received_at: int, journal: Journal) -> Event:
    """The outcome event of a request: its subject looked up, its code checked against that kind's label policy.

    Raises
    ------
    Problem
        422 when the subject is unknown or not the only one of its id, the code is not one of its
        policy, or the outcome is known only in the future.
    """
    subject = _subject(request, journal)
    policy = _POLICIES[subject.kind]
    if request.code not in policy.verdicts:
        codes = ", ".join(policy.verdicts)
        raise Problem(422, "unknown_code", f"outcome.code: expected one of {codes} ({policy.version}), got another")
    known_at = received_at if request.known_at is None else to_micros(request.known_at)
    if known_at > received_at:
        raise invalid("outcome.known_at: expected a time that has been, got one ahead of the clock")
    if known_at < subject.event_time:
        raise invalid("outcome.known_at: expected a time not before the subject's event_time, got an earlier one")
    body = {
        "subject_event_id": subject.event_id,
        "subject_kind": subject.kind,
        "subject_time": subject.event_time,
        "code": request.code,
        **{name: subject.body[name] for name in _KEYS if name in subject.body},
    }
    if request.source is not None:
        body["source"] = request.source
    if request.amount is not None and request.currency is not None:
        body.update(amount=request.amount, currency=request.currency)
    else:
        body.update({name: subject.body[name] for name in ("amount", "currency") if name in subject.body})
    event_id = request.event_id if request.event_id is not None else _derived_id(client, key)
    return Event("outcome", event_id, known_at, known_at, body, client)


def _subject(request: OutcomeRequest, journal: Journal) -> Event:
    found = [event for event in journal.find(request.subject_event_id) if event.kind in _POLICIES]
    if request.subject_client is not None:
        found = [event for event in found if event.client == request.subject_client]
    if not found:
        raise Problem(
            422, "unknown_subject",
            "outcome.subject_event_id: expected an event_id of a payment or application in the journal, got another",
        )  # fmt: skip
    if len(found) > 1:
        raise Problem(
            422, "ambiguous_subject",
            f"outcome.subject_client: expected the client whose event it is, {len(found)} clients used this event_id",
        )  # fmt: skip
    return found[0]


def _derived_id(client: str, key: str) -> str:
    """One id per idempotency key, so that an outcome without an id of its own is still one fact."""
    return "outcome-" + hashlib.sha256(f"{client}\0{key}".encode()).hexdigest()[:32]
