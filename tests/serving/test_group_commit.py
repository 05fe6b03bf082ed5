"""A transaction that fails is answered 503, leaves nothing behind, and is forgotten by the states."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from domain.decision import Product
from domain.errors import DataError
from domain.events import Event
from serving.rows import Rows
from stores.database import Database
from stores.journal import Journal
from tests.serving import world
from tests.serving.doors import Doors
from tests.serving.parity import same_vectors


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(tmp_path_factory.mktemp("commit"), settings={"busy_timeout": "1s"})
    yield made
    made.close()


def stream(prefix: str, n: int, seed: int = 1) -> list[dict[str, Any]]:
    requests = world.payment_stream(n, seed, world.START, prefix=prefix)
    return [{"path": "/v1/payments/score", "body": request} for request in requests]


def settled(doors: Doors) -> None:
    """Wait until the doors take works again, and check that state, journal and ledger agree."""
    assert doors.engine.committer.wait_ready(30)
    state = doors.engine.desks[Product.PAYMENT].state
    assert doors.pay(stream(f"s{doors.key()}-", 1)[0]["body"]).status_code == 200
    assert state is not None
    same_vectors(doors.home, Product.PAYMENT)
    assert doors.engine.committing.ledger.verify() == []


@contextmanager
def held(doors: Doors) -> Iterator[None]:
    """The committer waits while the block runs, so that what is sent meanwhile shares transactions."""
    gate, reached = threading.Event(), threading.Event()
    doors.engine.committer.between(lambda: (reached.set(), gate.wait(60), None)[-1])
    assert reached.wait(60)
    try:
        yield
    finally:
        gate.set()


def commits(doors: Doors) -> float:
    metrics = doors.send("GET", "/v1/metrics", client="metrics").text
    return float(next(line for line in metrics.splitlines() if line.startswith("assay_commit_size_count")).split()[1])


def test_many_at_once_share_transactions_and_see_each_other(doors: Doors) -> None:
    doors.together(stream("warm", 1))
    before = commits(doors)
    with ThreadPoolExecutor(1) as pool:
        with held(doors):
            sending = pool.submit(doors.together, stream("g", 80))
            while doors.engine.committer.waiting < 80:
                assert not sending.done()
        answers = sending.result()
    assert {answer.status_code for answer in answers} == {200}
    # 80 requests of 64 at most.
    assert commits(doors) - before == 2
    n_vectors, _ = same_vectors(doors.home, Product.PAYMENT)
    assert n_vectors >= 80


def test_many_at_once_take_hardly_more_statements_than_one(doors: Doors) -> None:
    connection = doors.engine.committing.database.connection
    said: list[str] = []

    def statements(requests: list[dict[str, Any]]) -> int:
        with ThreadPoolExecutor(1) as pool:
            with held(doors):
                sending = pool.submit(doors.together, requests)
                while doors.engine.committer.waiting < len(requests):
                    assert not sending.done()
                said.clear()
                connection.exec_trace = lambda _, sql, values: said.append(sql) or True  # type: ignore[func-returns-value]
            assert {answer.status_code for answer in sending.result()} == {200}
        connection.exec_trace = None
        return len(said)

    statements(stream("first", 1, seed=30))
    # Strangers, so that identifiers are looked up and written too.
    assert statements(stream("alone", 1, seed=31)) == 10
    assert statements(stream("crowd", 64, seed=32)) <= 30


def test_an_answer_that_comes_too_late_is_kept_for_the_retry(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    patched = doors.runtime.settings.model_copy(update={"answer_timeout": 50_000})
    monkeypatch.setattr(doors.runtime, "settings", patched)
    (request,) = stream("slow", 1)
    with held(doors):
        answer = doors.together([{**request, "key": "slow"}])[0]
    assert (answer.status_code, answer.json()["code"]) == (503, "timeout")
    monkeypatch.undo()
    before = doors.counts()["event"]
    again = doors.together([{**request, "key": "slow"}])[0]
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert doors.counts()["event"] in (before, before + 1)
    assert doors.counts()["event"] == doors.engine.committing.journal.last_seq()


def test_a_full_disk_acknowledges_nothing_and_passes(doors: Doors) -> None:
    doors.together(stream("f", 20))
    before = doors.counts()
    database = doors.engine.committing.database
    (pages,) = database.one("PRAGMA page_count")
    (free,) = database.one("PRAGMA freelist_count")
    database.one(f"PRAGMA max_page_count={pages - free}")
    try:
        statuses = set()
        while 503 not in statuses:
            assert doors.engine.committer.wait_ready(30)
            kept = doors.counts()
            answers = doors.together(stream(f"full{len(statuses)}{doors.key()}-", 40, seed=9))
            statuses = {answer.status_code for answer in answers}
        after = doors.counts()
        acknowledged = sum(answer.status_code == 200 for answer in answers)
        assert {answer.json()["code"] for answer in answers if answer.status_code == 503} <= {
            "unavailable",
            "not_ready",
        }
        assert after["event"] - kept["event"] == after["decision"] - kept["decision"] == acknowledged
        assert before["event"] <= kept["event"]
    finally:
        database.one("PRAGMA max_page_count=1073741823")
    settled(doors)


def test_a_busy_store_acknowledges_nothing_and_passes(doors: Doors) -> None:
    before = doors.counts()
    other = Database(doors.home.database)
    try:
        with other.transaction():
            answers = doors.together(stream("busy", 4))
        assert {answer.status_code for answer in answers} == {503}
        assert all(answer.headers["retry-after"] == "1" for answer in answers)
    finally:
        other.close()
    assert doors.counts() == before
    # The very same requests are welcome afterwards.
    assert {answer.status_code for answer in doors.together(stream("busy", 4))} == {200}
    settled(doors)


def test_a_state_that_fails_in_the_middle_of_a_batch_is_rebuilt(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    state = doors.engine.desks[Product.PAYMENT].state
    apply, calls = state.apply, []

    def failing(event: Any) -> None:
        calls.append(event.seq)
        if len(calls) == 3:
            raise DataError("broken on purpose")
        apply(event)

    monkeypatch.setattr(state, "apply", failing, raising=False)
    before = doors.counts()
    answers = doors.together(stream("mid", 6))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused
    assert doors.engine.committer.wait_ready(30)
    assert doors.counts()["event"] == before["event"] + len(answers) - len(refused)
    assert doors.engine.desks[Product.PAYMENT].state is not state
    settled(doors)


def test_one_bad_work_does_not_take_its_neighbours_with_it(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    appended = Rows.appended

    def failing(rows: Rows, event: Event, *, checked: bool) -> Any:
        numbered = appended(rows, event, checked=checked)
        if event.event_id == "bad2":
            raise ZeroDivisionError
        return numbered

    before = doors.counts()
    with monkeypatch.context() as patch:
        patch.setattr(Rows, "appended", failing)
        answers = doors.together(stream("bad", 4))
    assert [answer.status_code for answer in answers] == [200, 200, 500, 200]
    assert doors.counts()["event"] == before["event"] + 3
    assert "ZeroDivisionError" in doors.log.getvalue()
    settled(doors)


def test_events_appended_by_others_are_followed(doors: Doors) -> None:
    other = Database(doors.home.database)
    try:
        requests = world.payment_stream(30, 77, world.START, prefix="other")
        token = doors.engine.committing.vault.token("card_id", requests[0]["card_id"])
        events = [world.as_event({**request, "card_id": token}, "transaction", "import") for request in requests]
        Journal(other, doors.home.segments).append(events)
        doors.together(stream("follow", 10, seed=77))
        Journal(other, doors.home.segments).flush()
        doors.together(stream("flushed", 10, seed=77))
    finally:
        other.close()
    settled(doors)


def test_too_many_waiting_are_turned_away(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors.engine.committer, "_queue_limit", 0)
    answer = doors.together(stream("limit", 1))[0]
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")


def test_stopping_finishes_what_is_queued(doors: Doors) -> None:
    before = doors.counts()
    answers = doors.together(stream("stop", 10))
    doors.runtime.stop()
    answer = doors.together(stream("late", 1))[0]
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert doors.send("GET", "/readyz", client=None).status_code == 503
    assert {answer.status_code for answer in answers} == {200}
    doors.restart()
    assert doors.counts()["event"] == before["event"] + 10
    settled(doors)
