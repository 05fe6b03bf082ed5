"""What can be asked of a service, the same for the client that waits and the one that awaits."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from domain.time import format_instant, to_micros

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, the same at every attempt."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str | None:
        """The idempotency key of a write."""
        return self.headers.get("Idempotency-Key")


class Calls(ABC, Generic[A]):
    """Everything that can be asked; ``A`` is an answer, or what becomes one.

    Every call raises Refused when the service refuses it, and Unanswered (an Unavailable) when no attempt got an
    answer: try a write later under the same key. ``key`` of either is the one that was given, or drawn where none was.
    """

    @abstractmethod
    def _ask(self, ask: Ask) -> A:
        """What becomes of one question."""

    def score_payment(self, payment: Mapping[str, Any], *, key: str | None = None) -> A:
        """The decision on a payment."""
        return self._send("/v1/payments/score", payment, key)

    def score_payments(self, payments: Sequence[Mapping[str, Any]], *, key: str | None = None) -> A:
        """Decisions on up to 1,000 payments, in their order, each with a status of its own."""
        return self._send("/v1/payments/score:batch", payments, key)

    def score_loan(self, application: Mapping[str, Any], *, key: str | None = None) -> A:
        """The decision on a loan application."""
        return self._send("/v1/loans/score", application, key)

    def send_event(self, event: Mapping[str, Any], *, key: str | None = None) -> A:
        """Record a fact (with its ``kind``)."""
        return self._send("/v1/events", event, key)

    def send_outcome(self, outcome: Mapping[str, Any], *, key: str | None = None) -> A:
        """Record what became known."""
        return self._send("/v1/outcomes", outcome, key)

    def send_complaint(self, complaint: Mapping[str, Any], *, key: str | None = None) -> A:
        """Record a complaint."""
        return self._send("/v1/complaints", complaint, key)

    def ask_review(self, decision_id: str, review: Mapping[str, Any], *, key: str | None = None) -> A:
        """Ask that a person looks at a decision again."""
        return self._send(f"{_decision(decision_id)}/review", review, key)

    def decide_review(self, decision_id: str, verdict: Mapping[str, Any], *, key: str | None = None) -> A:
        """Decide on an appeal."""
        return self._send(f"{_decision(decision_id)}/review/verdict", verdict, key)

    def dispose_alert(self, decision_id: str, disposition: Mapping[str, Any], *, key: str | None = None) -> A:
        """Say what an alert turned out to be."""
        return self._send(f"{_alert(decision_id)}/disposition", disposition, key)

    def turn_kill_switch(self, *, on: bool, reason: str, key: str | None = None) -> A:
        """Have rules decide alone, or lift that."""
        return self._send("/v1/admin/kill", {"on": on, "reason": reason}, key)

    def reload(self) -> A:
        """Have keys and deployed bundles looked at now; ``done`` is false while a bundle is still loading."""
        return self._ask(Ask("POST", "/v1/admin/reload"))

    def propose_policy(self, subject: str, policy: Mapping[str, Any], why: str, *, key: str | None = None) -> A:
        """Propose a policy (``payment`` or ``loan``), as its settings file has it; another client approves it."""
        return self._send("/v1/policies/changes", {"subject": subject, "policy": policy, "why": why}, key)

    def propose_list_change(
        self,
        why: str,
        *,
        add: Sequence[Mapping[str, Any]] = (),
        remove: Sequence[Mapping[str, Any]] = (),
        key: str | None = None,
    ) -> A:
        """Propose entries of lists to add or renew, and entries to take away; another client approves them."""
        return self._send("/v1/lists/changes", {"add": add, "remove": remove, "why": why}, key)

    def approve_change(self, change_id: str, why: str, *, key: str | None = None) -> A:
        """Put a change in force that another client has proposed."""
        return self._send(f"{_change(change_id)}/approve", {"why": why}, key)

    def reject_change(self, change_id: str, why: str, *, key: str | None = None) -> A:
        """Close a change."""
        return self._send(f"{_change(change_id)}/reject", {"why": why}, key)

    def changes(self) -> A:
        """Every change of a policy or list, newest first."""
        return self._get("/v1/policies/changes")

    def decision(self, decision_id: str) -> A:
        """A past decision."""
        return self._get(_decision(decision_id))

    def decisions(self, **query: Any) -> A:
        """A page of past decisions: product, since, until, action, grade, client, customer, limit, cursor."""
        return self._get("/v1/decisions", query)

    def explanation(self, decision_id: str) -> A:
        """Why a decision came out as it did."""
        return self._get(f"{_decision(decision_id)}/explanation")

    def outcomes(self, decision_id: str) -> A:
        """What became known about a decided event."""
        return self._get(f"{_decision(decision_id)}/outcomes")

    def review(self, decision_id: str) -> A:
        """Every appeal of a decision and what became of it."""
        return self._get(f"{_decision(decision_id)}/review")

    def reviews(self, **query: Any) -> A:
        """A page of appeals that wait for a person."""
        return self._get("/v1/reviews", query)

    def alerts(self, **query: Any) -> A:
        """A page of alerts: status, product, limit, cursor."""
        return self._get("/v1/alerts", query)

    def alert(self, decision_id: str) -> A:
        """One alert with everything that was done about it."""
        return self._get(_alert(decision_id))

    def lists(self) -> A:
        """The block, allow and watch lists in use, product by product."""
        return self._get("/v1/lists")

    def models(self) -> A:
        """What is deployed."""
        return self._get("/v1/models")

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> A:
        return self._ask(Ask("GET", path, query={name: str(_plain(value)) for name, value in (query or {}).items()}))

    def _send(self, path: str, content: Any, key: str | None) -> A:
        chosen = secrets.token_urlsafe(18) if key is None else key
        return self._ask(Ask("POST", path, _plain(content), {"Idempotency-Key": chosen}))


def _decision(decision_id: str) -> str:
    return f"/v1/decisions/{quote(decision_id, safe='')}"


def _alert(decision_id: str) -> str:
    return f"/v1/alerts/{quote(decision_id, safe='')}"


def _change(change_id: str) -> str:
    return f"/v1/policies/changes/{quote(change_id, safe='')}"


def _plain(content: Any) -> Any:
    """JSON of it: a datetime must carry its zone, to_micros refuses one that does not."""
    if isinstance(content, datetime):
        return format_instant(to_micros(content))
    if isinstance(content, Mapping):
        return {name: _plain(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    return content
