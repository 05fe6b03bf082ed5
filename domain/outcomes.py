"""Outcomes as events: what became known, bound to the event it is about."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from domain.errors import InputError, expected_got
from domain.events import KINDS, ColumnType, Event, Value
from domain.labels import LABEL_POLICIES, LabelPolicy

POLICY_OF: Mapping[str, LabelPolicy] = MappingProxyType(
    {policy.subject_kind: policy for policy in LABEL_POLICIES.values()}
)
"""Kind of the subject → the label policy that reads its outcomes."""

_KEYS = tuple(
    name for name, column in KINDS["outcome"].items() if column.type is ColumnType.KEY and name != "subject_event_id"
)
_TAKEN = (*_KEYS, "amount", "currency")
"""What an outcome takes over from its subject: entity keys and the amount at stake."""


def outcome_about(subject: Event, code: str, *, event_id: str, known_at: int, source: str, client: str) -> Event:
    """The outcome of a payment or application, with ``event_time = known_at``.

    Raises
    ------
    InputError
        When the subject is neither, the label policy does not name the code, or it is known before its subject.

    Examples
    --------
    >>> paid = Event("transaction", "p1", 10, 10, {"card_id": "c", "amount": 5, "currency": "CNY"})
    >>> told = outcome_about(paid, "confirmed_fraud", event_id="o1", known_at=20, source="analyst", client="desk")
    >>> told.event_time, told.body["subject_time"], told.body["card_id"]
    (20, 10, 'c')
    """
    policy = POLICY_OF.get(subject.kind)
    if policy is None:
        raise InputError(expected_got(f"an event of {', '.join(POLICY_OF)}", subject.kind, "outcome.subject"))
    if code not in policy.verdicts:
        raise InputError(expected_got(f"one of {', '.join(policy.verdicts)} ({policy.version})", code, "outcome.code"))
    if known_at < subject.event_time:
        raise InputError(expected_got("a time not before the subject's", known_at, "outcome.known_at"))
    body: dict[str, Value] = {
        "subject_event_id": subject.event_id,
        "subject_kind": subject.kind,
        "subject_time": subject.event_time,
        "code": code,
        "source": source,
        **{name: subject.body[name] for name in _TAKEN if name in subject.body},
    }
    return Event("outcome", event_id, known_at, known_at, body, client)
