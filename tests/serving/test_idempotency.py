"""A retry is answered with the same bytes and counts nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.decision import Product
from stores.database import Database
from stores.ledger import Ledger, Stored
from stores.migrations import MIGRATIONS
from tests.serving import world
from tests.serving.doors import Doors
from tests.serving.parity import same_vectors


def payment(event_id: str, **body: Any) -> dict[str, Any]:
    (request,) = world.payment_stream(1, 3, world.START)
    return {**request, "event_id": event_id, **body}


OUTCOME = {"code": "chargeback_fraud"}
WRITES = [
    ("/v1/payments/score", payment("i-1"), payment("i-2")),
    ("/v1/loans/score", *({**request, "event_id": f"i-l{n}"} for n, request in
                          enumerate(world.application_stream(2, 3, world.START)))),
    ("/v1/events", {**payment("i-3"), "kind": "transaction"}, {**payment("i-4"), "kind": "transaction"}),
    ("/v1/outcomes", {**OUTCOME, "subject_event_id": "i-1"}, {"subject_event_id": "i-1", "code": "first_party"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "other"), WRITES, ids=lambda value: value if isinstance(value, str) else "")
def test_the_table_of_retries(doors: Doors, path: str, body: dict[str, Any], other: dict[str, Any]) -> None:
    if path == "/v1/outcomes" and doors.counts()["event"] == 0:
        doors.pay(payment("i-1"))
    key = f"retry-{path}"
    first = doors.send("POST", path, body, key=key)
    assert first.status_code == 200, first.text
    assert "idempotent-replayed" not in first.headers
    before = doors.counts()
    # Same key, same body: the same bytes.
    again = doors.send("POST", path, body, key=key)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    # Same key, other body, or another route: refused.
    for where, what in ((path, other), ("/v1/events" if path != "/v1/events" else "/v1/outcomes", body)):
        answer = doors.send("POST", where, what, key=key)
        assert answer.status_code == 422, answer.text
    assert doors.send("POST", path, other, key=key).json()["code"] == "idempotency_key_reused"
    assert doors.counts() == before


def test_keys_are_the_clients_own(doors: Doors) -> None:
    first = doors.pay(payment("own-1"), key="shared", client="flow")
    second = doors.pay(payment("own-2"), key="shared", client="second")
    assert first.json()["event_id"] == "own-1"
    assert second.json()["event_id"] == "own-2"


def test_the_same_event_under_a_new_key_names_the_first_decision(doors: Doors) -> None:
    first = doors.pay(payment("dup-1"))
    before = doors.counts()
    answer = doors.pay(payment("dup-1", amount=77))
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_event")
    assert answer.json()["decision_id"] == first.json()["decision_id"]
    assert doors.counts() == before
    # Another client's event of the same id is another event.
    assert doors.pay(payment("dup-1"), client="second").status_code == 200
    # A fact has no decision to name.
    doors.send("POST", "/v1/events", {**payment("dup-2"), "kind": "transaction"})
    assert doors.pay(payment("dup-2")).json()["decision_id"] is None


def test_requests_at_once_under_one_key_make_one_decision(doors: Doors) -> None:
    request = {"path": "/v1/payments/score", "body": payment("once-1"), "key": "once"}
    answers = doors.together([request] * 8)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert set(statuses) <= {200, 409}
    assert all(answer.json()["code"] == "in_flight" for answer in answers if answer.status_code == 409)
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1


def test_the_same_event_at_once_under_many_keys_makes_one_decision(doors: Doors) -> None:
    before = doors.counts()
    answers = doors.together([{"path": "/v1/payments/score", "body": payment("many-1")} for _ in range(8)])
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [409] * 7
    (decided,) = (answer.json()["decision_id"] for answer in answers if answer.status_code == 200)
    assert {answer.json()["decision_id"] for answer in answers if answer.status_code == 409} == {decided}
    assert doors.counts()["event"] == before["event"] + 1


def test_answers_survive_a_restart(doors: Doors) -> None:
    first = doors.pay(payment("restart-1"), key="restart")
    doors.restart()
    before = doors.counts()
    assert doors.pay(payment("restart-1"), key="restart").content == first.content
    assert doors.counts() == before


def test_answers_are_let_go_after_their_time_and_decisions_are_not(doors: Doors) -> None:
    doors.pay(payment("old-1"), key="old")
    doors.now += 3 * 24 * 3600 * 1_000_000
    doors.pay(payment("old-2"))
    answer = doors.pay(payment("old-1"), key="old")
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_event")


def test_every_vector_is_what_a_replay_says(doors: Doors) -> None:
    """After all the retries above the features have counted nothing twice."""
    n_vectors, n_values = same_vectors(doors.home, Product.PAYMENT)
    assert n_vectors >= 9
    assert n_values > 20 * n_vectors
    books = doors.engine.committing
    assert books.ledger.verify() == []


def test_the_exam_of_the_vectors_can_be_failed(doors: Doors) -> None:
    """An event moved by an hour behind the service's back is told."""
    doors.together(
        [{"path": "/v1/payments/score", "body": request} for request in world.payment_stream(8, 3, doors.now)]
    )
    books = doors.engine.committing
    books.database.execute("UPDATE event SET event_time = event_time - 3600000000 WHERE event_id = 'p3'")
    with pytest.raises(AssertionError, match="online"):
        same_vectors(doors.home, Product.PAYMENT)


def test_a_kept_decision_lies_in_the_ledger_alone(doors: Doors) -> None:
    body = world.payment_stream(1, 5, world.START, prefix="once")[0]
    first = doors.pay(body, key="kept-once")
    database = doors.engine.committing.database
    (response, n_link), *others = database.execute(
        "SELECT response, n_link FROM idempotency WHERE key = ?", ("kept-once",)
    )
    assert (response, others) == (b"", [])
    assert (
        database.one("SELECT decision_id FROM decision WHERE n_link = ?", (n_link,))[0] == first.json()["decision_id"]
    )
    again = doors.pay(body, key="kept-once")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


def test_answers_of_a_home_from_before_are_replayed(tmp_path: Path) -> None:
    before = MIGRATIONS[: next(n for n, step in enumerate(MIGRATIONS) if "idempotency ADD COLUMN" in step)]
    database = Database(tmp_path / "assay.db", migrations=before)
    database.execute("INSERT INTO idempotency VALUES ('shop', 'k', x'01', 200, x'7b7d', 5)")
    database.close()
    database = Database(tmp_path / "assay.db")
    assert Ledger(database, bytes(32)).recall("shop", "k") == Stored(b"\x01", 200, b"{}")
    database.close()
