"""Record keeping: periods from the right day, holds that hold, and an end that leaves the chains whole."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from domain.errors import DataError, InputError
from domain.events import Event
from domain.matters import MatterKind, Step
from monitoring.aml.access import Office
from monitoring.aml.cases import close_case, open_case
from monitoring.aml.diligence import Diligence, Standing
from monitoring.aml.holding import named, note_kept, place, release
from monitoring.aml.last_seen import last_money, last_service
from monitoring.aml.retention import check_shreddable, kept
from stores.database import Database
from stores.holds import Holds
from stores.journal import Journal
from stores.matters import Matters
from stores.restricted import RestrictedStore
from tests.monitoring.aml.world import ZONE, at, settings

PAID = at(3)
TODAY = date(2036, 3, 3)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(RestrictedStore(tmp_path / "restricted", bytes(32)), "wen", at(5))


@pytest.fixture
def holds(tmp_path: Path) -> Holds:
    return Holds(Database(tmp_path / "assay.db"))


def standing(ended: str | None) -> Standing:
    told = {"party": "person", "grade": "low", "reasons": ["a test"], "evidence": [], "ended_on": ended}
    return Standing("c", Diligence.model_validate(told), 0, "wen", (), None, None, (), ())


def look(
    office: Office, holds: Holds, ended: str | bool | None = False, today: date = TODAY, complaint: int | None = None
):
    known = {} if ended is False else {"c": standing(ended)}  # type: ignore[arg-type]
    said = {} if complaint is None else {"c": complaint}
    records = office.store.read()
    return kept({"c": PAID}, said, known, records, named(records, holds), settings().retention, today=today, zone=ZONE)


def test_ten_years_from_the_end_and_not_a_day_less(office: Office, holds: Holds) -> None:
    (once,) = look(office, holds, today=date(2036, 3, 2))
    assert (once.due_on, once.state) == (date(2036, 3, 3), "keep")
    assert look(office, holds)[0].state == "due"
    (going_on,) = look(office, holds, None)
    assert (going_on.due_on, going_on.state) == (None, "in_force")
    (ended,) = look(office, holds, "2026-06-30")
    assert (ended.due_on, ended.state) == (date(2036, 6, 30), "keep")
    # A payment after the end of the relationship counts from its own day.
    assert look(office, holds, "2026-01-31")[0].due_on == date(2036, 3, 3)


def test_service_records_end_sooner_but_do_not_take_the_others_along(office: Office, holds: Holds) -> None:
    service, aml = look(office, holds, today=date(2030, 1, 1), complaint=at(4))
    assert (service.records, service.due_on, service.state) == ("service", date(2029, 3, 4), "due")
    assert aml.state == "keep"
    with pytest.raises(DataError, match="kept until 2036-03-03"):
        check_shreddable("c", (service, aml))


def test_a_legal_hold_stops_the_end_until_it_is_released(office: Office, holds: Holds) -> None:
    number = place(office, holds, "c", "court order 2026-17")
    second = place(office, holds, "c", "a second court order")
    (found,) = look(office, holds)
    assert (found.state, found.held_by) == ("held", ("hold 1", "hold 2"))
    release(office, holds, number, "the case was dismissed")
    with pytest.raises(DataError, match="held by hold 2"):
        check_shreddable("c", look(office, holds))
    release(office, holds, second, "the case was dismissed")
    check_shreddable("c", look(office, holds))
    told = named(office.store.read(), holds)[0]
    assert (told.placed_by, told.reason, told.basis) == ("wen", "court order 2026-17", "legal")
    with pytest.raises(DataError, match="one already released"):
        release(office, holds, second, "the case was dismissed")
    with pytest.raises(InputError, match="ten characters"):
        place(office, holds, "c", "why not")


def test_an_open_case_holds_too(office: Office, holds: Holds) -> None:
    case = open_case(office, holds, "c", "money passes through")
    assert look(office, holds)[0].held_by == (case,)
    close_case(office, case, "dismissed", "salary of a small firm")
    assert look(office, holds)[0].state == "due"
    with pytest.raises(DataError, match="closed as dismissed"):
        close_case(office, case, "dismissed", "salary of a small firm")


def test_what_is_kept_for_its_period_is_held_once_and_does_not_stop_its_end(office: Office, holds: Holds) -> None:
    note_kept(office, holds, "note", "c", {})
    note_kept(office, holds, "note", "c", {})
    assert [each.basis for each in named(office.store.read(), holds)] == ["retention"]
    assert holds.held("c")
    assert look(office, holds)[0].state == "due"


def test_a_hold_whose_reason_is_gone_holds_all_the_same(office: Office, holds: Holds) -> None:
    place(office, holds, "c", "court order 2026-17")
    office.store.shred("c")
    assert look(office, holds)[0].state == "held"
    assert named(office.store.read(), holds)[0].reason == "not on record"


def test_nobody_ends_a_retention_period_by_a_word(office: Office, holds: Holds) -> None:
    note_kept(office, holds, "note", "c", {})
    with pytest.raises(DataError, match="ends with it"):
        release(office, holds, 1, "the customer asked for it")
    assert holds.held("c")
    release(office, holds, 1, "the retention period has ended", period_over=True)
    assert not holds.held("c")


def test_periods_are_counted_from_the_last_of_loans_and_tickets_too(tmp_path: Path) -> None:
    """A borrower pays nothing and repays for years; a ticket is service; a complaint ends when it is settled."""
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    loan = {"borrower_id": "b", "loan_id": "l", "application_id": "a", "amount": 1, "currency": "CNY"}
    repaid = {"borrower_id": "b", "loan_id": "l", "amount": 1, "currency": "CNY"}
    said = {"borrower_id": "b", "complaint_class": "service"}
    matters = Matters(journal.database)
    with journal.database.transaction():
        journal.append_within(
            [
                Event("loan", "l", at(1), at(1), loan), Event("repayment", "r", at(9), at(9), repaid),
                Event("repayment", "late", at(10), at(20), repaid), Event("complaint", "k", at(2), at(2), said),
            ]
        )  # fmt: skip
        opened = matters.open_within(MatterKind.TICKET, at=at(3), actor="door", body={"people": {"customer_id": "c"}})
        matters.append_within(opened.matter_id, Step.TAKEN, at=at(7), actor="lin")
    legs = pd.DataFrame({"customer": ["c", "b"], "at": [at(4), at(5)]})
    assert last_money(legs, journal, until=at(20)) == {"b": at(9), "c": at(4)}
    assert last_service(journal, until=at(20)) == {"b": at(2), "c": at(7)}
    assert last_service(journal, until=at(6)) == {"b": at(2), "c": at(3)}
