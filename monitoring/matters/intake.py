"""Complaints as they stood at a moment, with those that reached the journal and that nobody has taken in."""

from __future__ import annotations

from domain.matters import Entry, Matter, MatterKind, Step, begun
from stores.journal import Journal
from stores.matter_settings import ComplaintSettings
from stores.matters import Matters

UNTAKEN = "untaken"
"""Who is said to have opened a complaint that nobody took in."""


def complaints_at(journal: Journal, settings: ComplaintSettings, until: int) -> list[Matter]:
    """The complaints known before ``until`` (µs UTC), oldest first.

    A complaint that reached the service as an event alone is a complaint all the same: its promises run since it was
    known, and it has no owner until somebody takes it in (`assay complaints take-in`).
    """
    taken = Matters(journal.database).of(MatterKind.COMPLAINT, until=until)
    known = {(matter.about.get("client"), matter.about.get("event_id")) for matter in taken}
    columns = ["client", "event_id", "known_at", "complaint_class", "customer_id", "borrower_id"]
    untaken = [
        _untaken(row, settings)
        for row in journal.read("complaint", columns=columns).to_pylist()
        if row["known_at"] < until and (row["client"], row["event_id"]) not in known
    ]
    return sorted([*taken, *untaken], key=lambda matter: (matter.opened_at, matter.matter_id))


def _untaken(row: dict[str, object], settings: ComplaintSettings) -> Matter:
    at, topic = int(str(row["known_at"])), str(row["complaint_class"])
    people = {name: row[name] for name in ("customer_id", "borrower_id") if row[name] is not None}
    body = {"class": topic, "people": people, "due": dict(settings.due(topic, at))}
    return begun(Entry(MatterKind.COMPLAINT, str(row["event_id"]), 1, at, UNTAKEN, Step.OPENED, body))
