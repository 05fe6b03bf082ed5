"""Reconciliation: every planted difference is found as what it is, a clean month has none, and the sums close."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.simulator.custody import Movement, statement
from domain.events import Event
from domain.time import DAY
from monitoring.funds.coverage import coverage
from monitoring.funds.daily import unusual_days
from monitoring.funds.flags import flags
from monitoring.funds.movements import movements
from monitoring.funds.reconcile import reconcile
from monitoring.funds.settings import CoverageSettings, FundsSettings
from stores.database import Database
from stores.journal import Journal
from stores.settings_files import load_settings
from stores.statements import StatementLine
from tests.monitoring.aml.world import START, ZONE

SETTINGS = load_settings(Path(__file__).parents[3] / "configs" / "funds.yaml", FundsSettings)
TODAY = date(2026, 5, 1)
OWN = "platform-operating"


def month(n: int = 400, seed: int = 3) -> list[Movement]:
    random = np.random.default_rng(seed)
    days = sorted(int(each) for each in random.integers(0, 40, n))
    return [
        Movement(f"{'loan' if k % 7 == 0 else 'rep'}-{k}", "loan" if k % 7 == 0 else "repayment",
                 date(2026, 3, 1) + timedelta(days=day),
                 -int(random.integers(10_000_00, 90_000_00)) if k % 7 == 0 else int(random.integers(100_00, 9_000_00)))
        for k, day in enumerate(days)
    ]  # fmt: skip


def ledger_of(movements_: list[Movement]) -> pd.DataFrame:
    return pd.DataFrame(
        [(m.event_id, m.kind, 0, m.day.isoformat(), m.minor, "CNY", m.kind == "loan") for m in movements_],
        columns=["event_id", "kind", "at", "day", "minor", "currency", "withdrawal"],
    )


def lines_of(text: str) -> list[StatementLine]:
    rows = list(csv.DictReader(io.StringIO(text)))
    return [
        StatementLine(r["bank_ref"], k, r["date"], round(float(r["amount"]) * 100), "CNY", r["reference"] or None,
                      r["counterparty"] or None, round(float(r["balance"]) * 100))
        for k, r in enumerate(rows, 2)
    ]  # fmt: skip


def bank(movements_: list[Movement], *, faults: bool, seed: int = 5):
    return statement(movements_, currency="CNY", places=2, opening=10**10, own_account=OWN, faults=faults, seed=seed)


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_month_has_no_break_and_no_flag(seed: int) -> None:
    mine = month(seed=seed)
    lines = lines_of(bank(mine, faults=False, seed=seed).text)
    found = reconcile(ledger_of(mine), lines, SETTINGS, today=TODAY)
    assert (len(found.matched), found.breaks, found.in_transit) == (len(mine), (), ())
    assert found.days[-1].apart == 0
    assert flags(found, lines, own={OWN}, related=(), fee_prefix="FEE-") == ()


@pytest.mark.parametrize("seed", range(5))
def test_every_planted_fault_is_found_as_what_it_is(seed: int) -> None:
    mine = month(seed=seed)
    made = bank(mine, faults=True, seed=seed)
    lines = lines_of(made.text)
    found = reconcile(ledger_of(mine), lines, SETTINGS, today=TODAY)
    kinds = {each.kind: each.event_id for each in found.breaks if each.kind != "missing_here"}
    assert kinds == {what: made.faults[what][0] for what in ("missing_at_bank", "amount", "date", "twice")}
    here = {each.bank_ref for each in found.breaks if each.kind == "missing_here"}
    assert here == {*made.faults["missing_here"], *made.faults["commingling"]}
    told = flags(found, lines, own={OWN}, related=(), fee_prefix="FEE-")
    assert {each.what for each in told if each.event_id is None} == {"commingling"}
    financed = {each.event_id: each.what for each in told if each.event_id is not None}
    (event,) = made.faults["self_financing"]
    assert financed == {event: "self_financed_loan" if event.startswith("loan") else "self_financed_repayment"}
    # The books are apart by exactly what the breaks say.
    assert found.days[-1].apart == sum(each.difference for each in found.breaks)
    closing = lines[-1].balance
    assert found.days[-1].closing == closing


def line(ref: str, day: str, minor: int, our: str | None = None, other: str | None = None) -> StatementLine:
    return StatementLine(ref, 2, day, minor, "CNY", our, other, None)


def test_without_a_reference_the_nearest_of_the_same_sum_is_taken_once() -> None:
    mine = [Movement("a", "repayment", date(2026, 3, 1), 500), Movement("b", "repayment", date(2026, 3, 3), 500)]
    lines = [line("B1", "2026-03-04", 500), line("B2", "2026-03-04", 500), line("B3", "2026-03-04", 500)]
    found = reconcile(ledger_of(mine), [line("B0", "2026-03-01", 7), *lines], SETTINGS, today=TODAY)
    assert {(each.event_id, each.bank_ref, each.by) for each in found.matched} == {
        ("b", "B1", "likeness"), ("a", "B2", "likeness"),
    }  # fmt: skip
    assert {each.bank_ref for each in found.breaks} == {"B0", "B3"}


def test_what_the_bank_may_still_book_is_in_transit_and_then_a_break_that_ages() -> None:
    mine = [Movement("a", "repayment", date(2026, 3, 10), 500)]
    first = [line("B1", "2026-03-10", 7)]
    found = reconcile(ledger_of(mine), first, SETTINGS, today=date(2026, 3, 11))
    assert found.in_transit == ("a",)
    later = [*first, line("B2", "2026-03-13", 9)]
    (gone,) = (
        each for each in reconcile(ledger_of(mine), later, SETTINGS, today=date(2026, 3, 20)).breaks if each.event_id
    )
    assert (gone.kind, gone.age_days, gone.difference) == ("missing_at_bank", 10, -500)
    booked = [*later, line("B3", "2026-03-13", 500, "a")]
    assert not [each for each in reconcile(ledger_of(mine), booked, SETTINGS, today=TODAY).breaks if each.event_id]


def test_days_without_a_statement_are_not_judged() -> None:
    mine = month()
    found = reconcile(ledger_of(mine), [], SETTINGS, today=TODAY)
    assert (found.first, found.breaks, found.days) == (None, (), ())


def test_a_declared_fee_is_neither_break_nor_flag_but_money_coming_back_is() -> None:
    lines = [line("B1", "2026-03-01", -100, "FEE-7", OWN), line("B2", "2026-03-02", 100, "FEE-7", OWN),
             line("B3", "2026-03-02", 100, None, "somebody")]  # fmt: skip
    found = reconcile(ledger_of([]), lines, SETTINGS, today=TODAY)
    assert {each.bank_ref for each in found.breaks} == {"B3"}
    assert [each.bank_ref for each in flags(found, lines, own={OWN}, related=(), fee_prefix="FEE-")] == ["B2"]


def test_movements_are_those_of_the_rules(tmp_path: Path) -> None:
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    money = {"amount": 700, "currency": "CNY"}
    journal.append(
        [
            Event("loan", "l1", START, START, {"borrower_id": "b", "loan_id": "x", **money}),
            Event("repayment", "r1", START + DAY, START + DAY, {"borrower_id": "b", **money}),
            Event("repayment", "late", START + DAY, START + 9 * DAY, {"borrower_id": "b", **money}),
            Event("transaction", "t1", START, START, {"customer_id": "c", "channel": "third_party_wallet", **money}),
            Event("transaction", "t2", START, START, {"customer_id": "c", "channel": "mobile", **money}),
            Event("transaction", "t1b", START + 5, START + 5, {"stage": "reversal", "links_to": "t1", "amount": 200,
                                                               "currency": "CNY", "channel": "third_party_wallet"}),
        ]
    )  # fmt: skip
    wallet = {
        "kind": "transaction",
        "direction": "out",
        "when": {"channel": ["third_party_wallet"]},
        "withdrawal": True,
    }
    told = {**SETTINGS.model_dump(), "movements": [*SETTINGS.model_dump()["movements"], wallet]}
    made = movements(journal, (), FundsSettings.model_validate(told), ZONE, until=START + 5 * DAY)
    assert {(r["event_id"], r["minor"], r["day"]) for r in made.to_dict("records")} == {
        ("l1", -700, "2026-03-01"), ("r1", 700, "2026-03-02"), ("t1", -500, "2026-03-01"),
    }  # fmt: skip
    none = movements(journal, (), SETTINGS, ZONE, until=START)
    assert len(none) == 0


def test_coverage_is_balance_over_the_worst_week() -> None:
    rows = [Movement(f"l{k}", "loan", date(2026, 3, 1) + timedelta(days=k), -(100 + (900 if k in (10, 12) else 0)))
            for k in range(30)]  # fmt: skip
    settings = CoverageSettings.model_validate({"horizon": "7d", "look_back": "30d", "limit": None})
    found = coverage(ledger_of(rows), "CNY", 5000, "2026-03-30", settings)
    sums = [sum(-m.minor for m in rows[max(0, k - 6) : k + 1]) for k in range(30)]
    assert (found.largest, found.ratio) == (max(sums), 5000 / max(sums))
    assert coverage(ledger_of(rows), "CNY", None, None, settings).why == "no balance of the bank"
    assert coverage(ledger_of([]), "CNY", 5000, "2026-03-30", settings).ratio is None


def test_an_unusual_day_is_found_and_a_usual_month_is_not() -> None:
    random = np.random.default_rng(2)
    rows = [
        Movement(f"r{day}-{k}", "repayment", date(2026, 1, 1) + timedelta(days=day), int(random.integers(8000, 12000)))
        for day in range(80) for k in range(20)
    ]  # fmt: skip
    quiet = unusual_days(ledger_of(rows), "CNY", "2026-02-10", "2026-03-21")
    assert quiet == ()
    rows += [Movement(f"x{k}", "repayment", date(2026, 3, 5), 100_00) for k in range(60)]
    (found,) = unusual_days(ledger_of(rows), "CNY", "2026-02-10", "2026-03-21")
    assert (found.day, found.direction) == ("2026-03-05", "in")
    assert found.times == pytest.approx(4, rel=0.1)


def test_two_clients_with_one_id_are_two_movements(tmp_path: Path) -> None:
    """Ids are unique for a client alone: neither movement may be lost, and each finds its own line."""
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    at = START + 12 * 3_600_000_000
    paid = {"borrower_id": "b", "loan_id": "l", "currency": "CNY"}
    journal.append(
        [
            Event("repayment", "r1", at, at, {**paid, "amount": minor}, client)
            for minor, client in ((500, "a"), (700, "b"))
        ]
    )
    ledger = movements(journal, [], SETTINGS, ZONE, until=at + DAY)
    assert sorted(ledger["minor"]) == [500, 700]
    lines = [
        StatementLine(f"b{minor}", k, "2026-03-01", minor, "CNY", "r1", None, None)
        for k, minor in enumerate((700, 500), 2)
    ]
    found = reconcile(ledger, lines, SETTINGS, today=TODAY)
    assert (len(found.matched), found.breaks, found.days[-1].apart) == (2, (), 0)
    one = reconcile(ledger, lines[:1], SETTINGS, today=TODAY)
    assert (len(one.matched), one.days[-1].apart) == (1, -500)
    journal.database.close()
