"""Holds with their reasons: what keeps a subject's records from any end, placed and released by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from domain.errors import DataError, expected_got
from monitoring.aml.access import Office, said
from stores.holds import Holds
from stores.restricted import Record

HOLD: Final = "hold"
RELEASE: Final = "hold_release"

Basis = Literal["retention", "legal"]


@dataclass(frozen=True)
class NamedHold:
    """A hold with its reason, as the restricted records tell it."""

    hold_id: int
    token: str
    basis: Basis
    placed_at: int
    placed_by: str
    reason: str
    released_at: int | None


def place(office: Office, holds: Holds, token: str, reason: str) -> int:
    """Put a legal hold on a subject's records: no command ends them until it is released.

    Raises
    ------
    InputError
        When no reason of ten characters is given.
    """
    why = said(reason, "--reason")
    number = holds.place(token, office.at)
    office.note(HOLD, token, {"hold": number, "reason": why, "basis": "legal"})
    return number


def note_kept(office: Office, holds: Holds, kind: str, token: str, body: Mapping[str, Any]) -> str:
    """Append a record whose subject is held for the retention period; returns its id.

    The hold comes first, as it lies in another file: a crash in between leaves a hold without a reason, which holds and
    can be released by name, and never a record that anybody's command could end.
    """
    mine = named(office.store.read(HOLD), holds, token)
    standing = any(hold.basis == "retention" and hold.released_at is None for hold in mine)
    number = None if standing else holds.place(token, office.at)
    with office.store.database.transaction():
        if number is not None:
            why = {"hold": number, "reason": "records kept for the retention period", "basis": "retention"}
            office.note_within(HOLD, token, why)
        return office.note_within(kind, token, body)


def release(office: Office, holds: Holds, hold_id: int, reason: str, *, period_over: bool = False) -> None:
    """Release a hold, saying why.

    Parameters
    ----------
    period_over : it has been seen that the retention period has ended.

    Raises
    ------
    DataError
        When it holds for the retention period, and that is not over: nobody may end it by a word.
    InputError
        When no reason of ten characters is given.
    """
    why = said(reason, "--reason")
    mine = next((each for each in named(office.store.read(HOLD), holds) if each.hold_id == hold_id), None)
    if mine is not None and mine.basis == "retention" and not period_over:
        expected = "a legal hold; what is held for the retention period ends with it (`assay records shred`)"
        raise DataError(expected_got(expected, "a retention hold", f"hold {hold_id}"))
    ended = holds.release(hold_id, office.at)
    office.note(RELEASE, ended.token, {"hold": hold_id, "reason": why})


def named(records: Iterable[Record], holds: Holds, token: str | None = None) -> list[NamedHold]:
    """Every hold with its reason, of all or of one subject."""
    told: dict[int, tuple[Record, Mapping[str, Any]]] = {
        int(record.body["hold"]): (record, record.body)
        for record in records
        if record.kind == HOLD and record.body is not None
    }
    found = []
    for hold in holds.all():
        if token is not None and hold.token != token:
            continue
        # A hold whose record was shredded or never written is taken as a legal one: it holds.
        basis: Basis = "legal"
        by, reason = "", "not on record"
        if hold.hold_id in told:
            record, body = told[hold.hold_id]
            basis, by, reason = body["basis"], record.made_by, str(body["reason"])
        found.append(NamedHold(hold.hold_id, hold.token, basis, hold.placed_at, by, reason, hold.released_at))
    return found
