"""Decisions put into a ledger by hand, for tests of what comes after them."""

from __future__ import annotations

from domain.events import Event
from domain.time import DAY
from stores.journal import Journal
from stores.ledger import Entry, Ledger

NOW = 20_000 * DAY


def decision(
    journal: Journal, ledger: Ledger, event: Event, action: str = "decline", *, score: float | None = 0.7,
    grade: str = "high", model: str = "a" * 64, body: bytes = b"{}",
) -> str:  # fmt: skip
    """Journal an event and a decision on it at its time; returns the decision's id."""
    (appended,) = journal.append([event])
    product = "payment" if event.kind == "transaction" else "loan"
    entry = Entry(
        f"d-{event.event_id}", appended.seq, product, event.client, event.event_id, event.event_time, model, action,
        grade, None if score is None else 1.0, score, body, b"{}", None,
    )  # fmt: skip
    with journal.database.transaction():
        ledger.append_within([entry])
    return entry.decision_id


def payment(
    event_id: str, *, amount: int = 5_000, currency: str = "CNY", at: int = NOW - DAY, client: str = "flow", **keys: str
) -> Event:
    """A payment; its keys are tokens already."""
    body = {"card_id": "card", "customer_id": "someone", **keys, "amount": amount, "currency": currency}
    return Event("transaction", event_id, at, at, body, client)


def application(event_id: str, *, amount: int = 900_000, at: int = NOW - DAY, borrower_id: str = "b") -> Event:
    """A loan application."""
    return Event(
        "application", event_id, at, at, {"borrower_id": borrower_id, "amount": amount, "currency": "CNY"}, "flow"
    )
