"""Cases of suspicion: opened, written on and closed by officers; who was suspected is known nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from domain.errors import DataError, InputError, expected_got
from monitoring.aml.access import Office, said
from monitoring.aml.holding import note_kept
from stores.holds import Holds
from stores.restricted import Record

OPENED: Final = "case"
NOTE: Final = "case_note"
CLOSED: Final = "case_closed"
PACK: Final = "case_pack"
EXPORT: Final = "case_export"

Result = Literal["filed", "dismissed"]


@dataclass(frozen=True)
class Case:
    """A case and everything said on it: (time µs UTC, who, kind, what)."""

    case_id: str
    customer: str
    opened_at: int
    opened_by: str
    reason: str | None
    said: tuple[tuple[int, str, str, str], ...]
    result: Result | None
    closed_at: int | None


def open_case(office: Office, holds: Holds, customer: str, reason: str) -> str:
    """Open a case on a customer, who is held for the retention period; returns its id.

    Raises
    ------
    InputError
        When no reason is given.
    """
    return note_kept(office, holds, OPENED, customer, {"reason": _said(reason, "--reason")})


def write_on(office: Office, case_id: str, text: str) -> str:
    """Add a note to a case."""
    case = case_of(office.store.read(), case_id)
    return office.note(NOTE, case.customer, {"case": case_id, "text": _said(text, "--text")})


def close_case(office: Office, case_id: str, result: Result, why: str, reference: str | None = None) -> str:
    """Close a case: a person filed a report under a reference, or found nothing to report.

    Raises
    ------
    InputError
        When a report was filed but no reference is given.
    DataError
        When it is closed already.
    """
    case = case_of(office.store.read(), case_id)
    if case.result is not None:
        raise DataError(expected_got("a case that is open", f"one closed as {case.result}", case_id))
    if result == "filed" and not reference:
        raise InputError(expected_got("the number the report was filed under (--reference)", reference, case_id))
    body: dict[str, Any] = {"case": case_id, "result": result, "why": _said(why, "--why"), "reference": reference}
    return office.note(CLOSED, case.customer, body)


def cases(records: Iterable[Record]) -> list[Case]:
    """Every case, oldest first."""
    found: dict[str, Case] = {}
    for record in records:
        body = record.body
        if record.kind == OPENED:
            reason = None if body is None else str(body["reason"])
            made = (record.record_id, record.subject, record.made_at, record.made_by, reason)
            found[record.record_id] = Case(*made, (), None, None)
        elif body is not None and record.kind in (NOTE, CLOSED, PACK, EXPORT) and body["case"] in found:
            case = found[body["case"]]
            text = str(body.get("text") or body.get("why") or body.get("folder") or body.get("sha256"))
            said = (*case.said, (record.made_at, record.made_by, record.kind, text))
            closed = record.kind == CLOSED
            found[case.case_id] = Case(
                case.case_id, case.customer, case.opened_at, case.opened_by, case.reason, said,
                body["result"] if closed else case.result, record.made_at if closed else case.closed_at,
            )  # fmt: skip
    return list(found.values())


def case_of(records: Iterable[Record], case_id: str) -> Case:
    """The case of an id.

    Raises
    ------
    DataError
        When there is none.
    """
    for case in cases(records):
        if case.case_id == case_id:
            return case
    raise DataError(expected_got("a case that was opened (`assay aml cases`)", case_id, "case"))


def _said(text: str, where: str) -> str:
    return said(text, where, "at least ten characters that say why")
