"""Cases, complaints and tickets at the prompt: the way from an alert to an outcome, and what is refused."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from domain.time import DAY, system_clock
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keys import secret_key
from stores.ledger import Ledger
from stores.vault import Vault
from tests.stores.decisions import decision, payment

Assay = Callable[..., tuple[int, Any]]


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    home = Home(tmp_path)
    database = Database(home.database)
    journal, ledger = Journal(database, home.segments), Ledger(database, secret_key(home.keys, "chain", {}))
    vault = Vault(database, secret_key(home.keys, "vault", {}))
    card = vault.token("card_id", "card-4")
    yesterday = system_clock() - DAY
    for name, amount in (("p1", 5_000), ("p2", 90_000), ("p3", 100)):
        decision(journal, ledger, payment(name, amount=amount, at=yesterday, card_id=card))
    database.close()
    return tmp_path


@pytest.fixture(name="assay")
def _assay(home: Path, capsys: pytest.CaptureFixture[str]) -> Assay:
    """Run a command as lin; its exit code, and its JSON (or what it said on stderr)."""

    def run(*arguments: str, actor: str = "lin") -> tuple[int, Any]:
        capsys.readouterr()
        code = main(["--home", str(home), "--actor", actor, *arguments, "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else said.err

    return run


def test_from_the_queue_to_the_outcome(assay: Assay, home: Path) -> None:
    code, queue = assay("alerts")
    assert (code, [each["decision_id"] for each in queue["alerts"]]) in (
        (0, ["d-p2", "d-p1", "d-p3"]),
        (1, ["d-p2", "d-p1", "d-p3"]),
    )
    assert queue["alerts"][0]["expected_loss"] == "630.00 CNY"
    code, case = assay("cases", "open", "d-p2", "--with-linked", "--text", "三笔同卡 three on one card")
    assert code == 0
    assert sorted(case["decisions"]) == ["d-p1", "d-p2", "d-p3"]
    assert case["history"][0]["linked"] == {"d-p1": "card_id", "d-p3": "card_id"}
    assert assay("alerts") == (0, {"n": 0, "n_overdue": 0, "alerts": []})
    code, said = assay("cases", "close", "case-1", "--finding", "fraud")
    assert (code, "expected a case that is working, got 'open'" in said) == (2, True)
    assert assay("cases", "assign", "case-1")[1]["owner"] == "lin"
    assert assay("cases", "note", "case-1", "the merchant is closed", actor="wang")[0] == 0
    code, closed = assay("cases", "close", "case-1", "--finding", "fraud", "--but", "d-p3=genuine")
    assert (code, closed["state"]) == (0, "closed")
    assert closed["history"][-1]["outcomes"] == {
        "d-p1": "confirmed_fraud", "d-p2": "confirmed_fraud", "d-p3": "reviewed_genuine",
    }  # fmt: skip
    assert [each["text"] for each in closed["history"] if "text" in each] == [
        "三笔同卡 three on one card", "the merchant is closed",
    ]  # fmt: skip
    assert assay("journal")[1]["kinds"]["outcome"] == 3
    assert assay("ledger", "verify")[0] == 0
    # What people wrote lies nowhere in the file as they wrote it.
    Database(home / "assay.db").execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"the merchant is closed" not in (home / "assay.db").read_bytes()
    (rows,) = sqlite3.connect(home / "assay.db").execute("SELECT count(*) FROM matter_entry").fetchall()
    assert rows == (4,)


def test_two_must_agree_on_what_accuses_a_customer(assay: Assay) -> None:
    assay("cases", "open", "d-p1")
    assay("cases", "assign", "case-1")
    assert assay("cases", "close", "case-1", "--finding", "first_party")[1]["state"] == "proposed"
    for same in ("lin", " Lin", "ＬＩＮ"):
        assert assay("cases", "close", "case-1", "--confirm", actor=same)[0] == 2
    assert assay("cases", "close", "case-1", "--return", "ask her first", actor="wang")[1]["state"] == "working"
    assay("cases", "close", "case-1", "--finding", "first_party")
    assert assay("cases", "close", "case-1", "--confirm", actor="wang")[1]["state"] == "closed"
    code, told = assay("cases", "correct", "case-1", "--finding", "genuine", "--reason", "her son paid")
    assert (code, told["history"][-1]["outcomes"]) == (0, {"d-p1": "correction_genuine"})
    assert told["history"][-1]["reason"] == "her son paid"
    assert assay("cases", "reopen", "case-1", "--reason", " ")[0] == 2
    assert assay("cases", "reopen", "case-1", "--reason", "one more")[1]["state"] == "working"
    assert [each["id"] for each in assay("cases", "list", "--state", "working", "--owner", "lin")[1]] == ["case-1"]


def test_a_complaint_from_intake_to_the_open_receipt(assay: Assay, home: Path) -> None:
    opened = ["complaints", "open", "--class", "fraud_dispute", "--event", "p1", "--customer", "c-17", "--id", "k1"]
    code, made = assay(*opened, "--text", "I did not pay this")
    assert (code, made["decisions"], made["overdue"]) == (0, ["d-p1"], [])
    assert "c-17" not in json.dumps(made)
    assert assay(*opened)[1]["id"] == "complaint-1"
    assert assay("complaints", "assign", "complaint-1", "--to", "wang", actor="lead")[1]["first_owner"] == "wang"
    assert assay("complaints", "answer", "complaint-1", "we look into it")[0] == 2
    answered = assay("complaints", "answer", "complaint-1", "we look into it", actor="wang")[1]
    assert answered["clocks"]["first_answer"]["kept"] is True
    code, closed = assay("complaints", "close", "complaint-1", "--upheld", actor="wang")
    assert (code, closed["history"][-1]["upheld"]) == (0, True)
    assert assay("complaints", "rate", "complaint-1", "--score", "4")[1]["history"][-1]["score"] == 4
    assert assay("complaints", "rate", "complaint-1", "--score", "9")[0] == 2
    database = Database(home / "assay.db")
    assert database.one("SELECT kind, subject FROM act") == ("review_asked", "d-p1")
    database.close()


def test_complaints_in_the_journal_are_taken_in_and_late_ones_escalated(assay: Assay, home: Path) -> None:
    from domain.events import Event

    now = system_clock()
    database = Database(home / "assay.db")
    body = {"complaint_class": "service", "customer_id": "token"}
    early, late = now - 3 * DAY, now - 9 * DAY
    Journal(database, home / "journal").append(
        [Event("complaint", f"k{at}", at, at, {**body, "subject_event_id": "unknown"}, "sim") for at in (early, late)]
    )
    database.close()
    assert assay("complaints", "take-in") == (0, ["complaint-1", "complaint-2"])
    assert assay("complaints", "take-in") == (0, [])
    assay("complaints", "open", "--class", "other")
    assert [each["id"] for each in assay("complaints", "list", "--overdue")[1]] == ["complaint-2", "complaint-1"]
    code, escalated = assay("complaints", "escalate")
    assert (code, sorted(escalated)) == (1, ["complaint-1", "complaint-2"])
    assert assay("complaints", "escalate") == (0, [])
    assert [each["level"] for each in assay("complaints", "list")[1]] == ["major", "major", "general"]


def test_a_ticket_from_the_call_to_the_second_review(assay: Assay) -> None:
    code, made = assay("desk", "open", "--class", "hotline", "--customer", "c-17", "--text", "where is my refund")
    assert (code, made["history"][0]["sent_to"]) == (0, "desk-1")
    assert assay("desk", "assign", "ticket-1", actor="desk-1")[1]["owner"] == "desk-1"
    code, said = assay("desk", "assign", "ticket-1", actor="desk-2")
    assert (code, "expected desk-1, who is responsible, to hand it over" in said) == (2, True)
    assert assay("desk", "assign", "ticket-1", "--to", "desk-3", actor="lead")[1]["owner"] == "desk-3"
    assert assay("desk", "assign", "ticket-1", "--to", "desk-1", actor="desk-3")[1]["owner"] == "desk-1"
    assert assay("desk", "answer", "ticket-1", "booked today", actor="desk-1")[0] == 0
    assert assay("desk", "escalate", "ticket-1", "--reason", "second call")[1]["owner"] == "desk-lead"
    assert assay("desk", "escalate") == (0, [])
    assert assay("desk", "close", "ticket-1", "--resolved", actor="desk-1")[0] == 2
    closed = assay("desk", "close", "ticket-1", "--resolved", actor="desk-lead")[1]
    assert (closed["first_owner"], closed["clocks"]["follow_up"]["kept"]) == ("desk-1", None)
    assert assay("desk", "follow-up", "ticket-1", "content", actor="desk-2")[1]["clocks"]["follow_up"]["kept"] is True
    assert assay("desk", "review", "ticket-1", "--agree", actor="desk-lead")[0] == 2
    assert assay("desk", "review", "ticket-1", "--agree", actor="Desk-Lead ")[0] == 2
    assert assay("desk", "review", "ticket-1", "--agree", actor="desk-2")[0] == 0
    assert assay("desk", "rate", "ticket-1", "--score", "5")[0] == 0
    assert assay("desk", "reopen", "ticket-1", "--reason", "it did not arrive")[1]["state"] == "working"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cases", "show", "case-9"), "expected a matter that was opened, got 'case-9'"),
        (("cases", "show", "ticket-1"), "expected the id of a case, such as case-1"),
        (("cases", "open", "d-nine"), "expected a decision of the ledger, got 'd-nine'"),
        (("cases", "close", "case-1"), "expected one of --finding, --confirm, --return"),
        (("complaints", "open", "--class", "rude"), "rude"),
        (("complaints", "open", "--class", "other", "--event", "p9"), "expected the event_id of one payment"),
        (("desk", "open", "--class", "tea"), "expected one of hotline"),
        (("desk", "rate", "complaint-1", "--score", "3"), "expected the id of a ticket"),
    ],
)
def test_wrong_asking_is_told(assay: Assay, arguments: tuple[str, ...], message: str) -> None:
    code, said = assay(*arguments)
    assert code == 2
    assert message in said
