"""The queue of alerts: opened with the decision, moved on by whoever saw its present status."""

# ruff: noqa: PT012 - a transaction is several statements
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.alerts import AlertStatus, outcome_code
from domain.errors import DataError, InputError
from domain.labels import CREDIT_POLICY, FRAUD_POLICY
from stores.alerts import Alerts
from stores.database import Database
from stores.ledger import Entry, Ledger
from stores.migrations import MIGRATIONS

N_BEFORE = next(place for place, script in enumerate(MIGRATIONS) if "CREATE TABLE alert" in script)


def decide(database: Database, number: int, action: str, product: str = "payment") -> None:
    entry = Entry(
        f"d{number}", number, product, "flow", f"e{number}", 100 + number, "m", action, "high", 1.5, 0.8, b"{}", b"{}",
        None,
    )  # fmt: skip
    with database.transaction():
        values = (number, f"e{number}", "flow", "transaction", number, number)
        database.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, NULL)", values)
        Ledger(database, bytes(32)).append_within([entry])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "assay.db")
    yield made
    made.close()


def test_every_decision_but_an_approval_opens_an_alert_with_it(database: Database) -> None:
    for number, action in enumerate(["approve", "step_up", "review", "decline"], start=1):
        decide(database, number, action)
    decide(database, 5, "refer", "loan")
    alerts = Alerts(database)
    assert [(alert.decision_id, alert.action, alert.opened_at) for alert in alerts.queue()] == [
        ("d2", "step_up", 102), ("d3", "review", 103), ("d4", "decline", 104), ("d5", "refer", 105),
    ]  # fmt: skip
    assert alerts.get("d1") is None
    assert alerts.counts() == {("payment", AlertStatus.OPEN): 3, ("loan", AlertStatus.OPEN): 1}
    assert [alert.decision_id for alert in alerts.queue(product="loan")] == ["d5"]


def test_a_decision_that_is_taken_back_leaves_no_alert(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction():
        database.execute("INSERT INTO event VALUES (9, 'e9', 'flow', 'transaction', 1, 1, NULL)")
        entry = Entry("d9", 9, "payment", "flow", "e9", 1, "m", "decline", "high", None, None, b"{}", b"{}", None)
        Ledger(database, bytes(32)).append_within([entry])
        raise ZeroDivisionError
    assert Alerts(database).queue(None) == []


def test_decisions_of_an_older_home_get_their_alerts(tmp_path: Path) -> None:
    old = Database(tmp_path / "old.db", migrations=MIGRATIONS[:N_BEFORE])
    decide(old, 1, "approve")
    decide(old, 2, "decline")
    old.close()
    new = Database(tmp_path / "old.db")
    assert [alert.decision_id for alert in Alerts(new).queue()] == ["d2"]
    new.close()


def test_the_queue_is_read_in_pages_without_gap_or_repeat(database: Database) -> None:
    for number in range(1, 24):
        decide(database, number, "review")
    alerts, seen, after = Alerts(database), [], None
    while page := alerts.queue(after=after, limit=5):
        seen += [alert.decision_id for alert in page]
        after = (page[-1].opened_at, page[-1].decision_id)
    assert seen == [f"d{number}" for number in range(1, 24)]


def test_two_people_cannot_both_move_the_same_alert(database: Database) -> None:
    decide(database, 1, "decline")
    alerts = Alerts(database)
    with database.transaction():
        alerts.dispose_within("d1", AlertStatus.ESCALATED, was=AlertStatus.OPEN, by="ann", at=7, note="n")
    with pytest.raises(InputError, match="escalated"), database.transaction():
        alerts.dispose_within("d1", AlertStatus.GENUINE, was=AlertStatus.OPEN, by="bob", at=8)
    found = alerts.get("d1")
    assert found is not None
    assert (found.status, found.disposed_by, found.disposed_at, found.note) == (AlertStatus.ESCALATED, "ann", 7, "n")
    assert alerts.queue() == []
    for again in (AlertStatus.ESCALATED, AlertStatus.OPEN):
        with pytest.raises(InputError), database.transaction():
            alerts.dispose_within("d1", again, was=AlertStatus.ESCALATED, by="bob", at=9)
    with pytest.raises(DataError, match="nobody"), database.transaction():
        alerts.dispose_within("nobody", AlertStatus.GENUINE, was=AlertStatus.OPEN, by="bob", at=9)


def test_every_code_that_a_disposition_writes_is_one_of_its_label_policy() -> None:
    policies = {"payment": FRAUD_POLICY, "loan": CREDIT_POLICY}
    told = set()
    for product, policy in policies.items():
        for before in AlertStatus:
            for after in AlertStatus:
                code = outcome_code(product, before, after)
                assert code is None or code in policy.verdicts
                told.add(code)
    assert told == {None, "confirmed_fraud", "reviewed_genuine", "correction_fraud", "correction_genuine",
                    "first_party_fraud"}  # fmt: skip
