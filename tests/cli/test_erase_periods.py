"""`assay erase` waits for the end of the records, with a due-diligence record and without one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from domain.events import Event
from domain.time import DAY, system_clock
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keys import secret_key
from stores.ledger import Ledger
from stores.vault import Vault
from tests.cli.test_aml import Desk
from tests.monitoring.aml.world import Payments, configs, home_of
from tests.stores.decisions import decision

YEAR = 365.25 * DAY
NAMED = {"customer_id": "ann", "card_id": "card ann", "account_id": "acc-ann", "device_id": "phone ann"}


def ago(years: float) -> int:
    return system_clock() - int(years * YEAR)


def desk_of(folder: Path, events: list[Event], capsys: pytest.CaptureFixture[str]) -> Desk:
    home_of(folder / "home", events)
    configs(folder / "configs")
    return Desk(folder, capsys)


def paid(years: float, **more: object) -> list[Event]:
    made = Payments([])
    made.pay("ann", "acc-shop", 10_000, ago(years), card_id="card ann", device_id="phone ann", **more)
    return made.events


def refused(desk: Desk, column: str, identifier: str) -> str | None:
    """What is said to whom may not erase; None where it was erased."""
    code, _, err = desk("erase", column, identifier, actor="operator")
    assert code in (0, 3), err
    return err if code else None


def test_a_payment_keeps_whoever_it_names_for_ten_years(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    young = desk_of(tmp_path / "young", paid(9.9), capsys)
    for column, identifier in [*NAMED.items(), ("payee_id", "acc-shop"), ("borrower_id", "ann")]:
        assert "must be kept" in str(refused(young, column, identifier)), column
    assert "kept until" in young("records", "shred", "ann")[2]
    old = desk_of(tmp_path / "old", paid(10.1), capsys)
    for column, identifier in [*NAMED.items(), ("payee_id", "acc-shop")]:
        assert refused(old, column, identifier) is None, column


def test_a_card_that_names_nobody_is_kept_as_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = {"amount": 10_000, "currency": "CNY", "channel": "mobile", "card_id": "lonely"}
    for years, waits in ((9.9, True), (10.1, False)):
        at = ago(years)
        desk = desk_of(tmp_path / str(years), [Event("transaction", "t", at, at, body)], capsys)
        assert (refused(desk, "card_id", "lonely") is not None) is waits


def test_a_loan_and_a_complaint_have_periods_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten years from the last of a loan, three from a complaint; an application alone is no relationship."""

    def of(kind: str, years: float, **body: object) -> list[Event]:
        return [Event(kind, kind, ago(years), ago(years), {"borrower_id": "bo", **body})]

    asked = {"amount": 1, "currency": "CNY"}
    for name, events, waits in (
        ("repaid", of("repayment", 9.9, loan_id="l", **asked), True),
        ("long repaid", of("repayment", 10.1, loan_id="l", **asked), False),
        ("complained", of("complaint", 2.9, complaint_class="service"), True),
        ("long complained", of("complaint", 3.1, complaint_class="service"), False),
        ("applied", of("application", 0.1, **asked), False),
    ):
        desk = desk_of(tmp_path / name, events, capsys)
        assert (refused(desk, "borrower_id", "bo") is not None) is waits, name


def test_what_was_declined_or_taken_back_did_not_happen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = paid(0.5)
    back = {"amount": 10_000, "currency": "CNY", "channel": "mobile", "stage": "reversal", "links_to": "t-00000"}
    at = ago(0.4)
    reversed_ = desk_of(tmp_path / "reversed", [*events, Event("transaction", "r", at, at, back)], capsys)
    assert refused(reversed_, "customer_id", "ann") is None
    declined = desk_of(tmp_path / "declined", [], capsys)
    home = Home(tmp_path / "declined" / "home")
    database = Database(home.database)
    asked = Vault(database, secret_key(home.keys, "vault", {})).tokenised(events[0])
    decision(Journal(database, home.segments), Ledger(database, secret_key(home.keys, "chain", {})), asked, "decline")
    database.close()
    assert refused(declined, "customer_id", "ann") is None


def test_the_refusal_does_not_say_what_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A period, a due-diligence record, a case and a court order: one sentence, whatever the day."""
    said = set()
    for years in (1.0, 11.0):
        for why in ("period", "record", "case", "court"):
            desk = desk_of(tmp_path / f"{why}-{years}", paid(years), capsys)
            if why == "record":
                path = tmp_path / "ann.yaml"
                told = {"customer_id": "ann", "party": "person", "grade": "low", "reasons": ["a test"], "evidence": []}
                path.write_text(yaml.safe_dump(told), encoding="utf-8")
                assert desk("aml", "diligence", "add", str(path))[0] == 0
            if why == "case":
                assert desk("aml", "case", "open", "ann", "--reason", "money passes through")[0] == 0
            if why == "court":
                assert desk("records", "hold", "ann", "--reason", "court order 2026-17")[0] == 0
            found = refused(desk, "customer_id", "ann")
            assert (found is None) is (why == "period" and years > 10)
            said |= {found} - {None}
    assert len(said) == 1
