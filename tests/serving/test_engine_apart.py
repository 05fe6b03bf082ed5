"""An engine in a process of its own: answers as in this one, and what becomes of requests when it stalls or dies."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decision import Product
from domain.events import Event
from serving import engine_link
from serving.engine_apart import Mailbox
from serving.engine_wire import Frames, frame_of, frame_of_settled, framed, settled_of, work_of
from serving.http import Answer
from serving.people_requests import ComplaintRequest
from serving.problems import Problem
from serving.requests import OutcomeRequest
from serving.work import Done, Kind, Said, Work, first_deadline
from tests.serving import world
from tests.serving.doors import Doors, until
from tests.serving.parity import same_vectors


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    settings = {"answer_timeout": "60s", "default_deadline": "30s"}
    made = Doors(tmp_path_factory.mktemp("apart"), apart=True, settings=settings)
    yield made
    made.close()


def stream(doors: Doors, n: int, seed: int = 1, **body: Any) -> list[dict[str, Any]]:
    requests = world.payment_stream(n, seed, world.START, prefix=f"{doors.key()}-")
    return [
        {"path": "/v1/payments/score", "body": {**request, **body}, "key": request["event_id"]} for request in requests
    ]


@contextmanager
def stopped(doors: Doors) -> Iterator[None]:
    """The engine does nothing while the block runs."""
    pid = doors.engine.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


# ------------------------------------------------------------------------- wire

TEXT = st.text(max_size=20)
VALUES = st.one_of(
    TEXT,
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False),
    st.just("\ud800"),
    st.just(-0.0),
    st.none(),
)
EVENTS = st.builds(
    Event,
    st.sampled_from(["transaction", "application", "repayment"]), TEXT, st.integers(0, 2**62), st.integers(0, 2**62),
    st.dictionaries(TEXT, VALUES, max_size=6), TEXT,
)  # fmt: skip
SAID = st.builds(
    Said,
    st.sampled_from([ComplaintRequest(event_id="c", complaint_class="other", text="说明"), b"[1]", None]), TEXT,
    st.booleans(),
)  # fmt: skip
WORKS = st.builds(
    Work,
    st.sampled_from(Kind), TEXT, TEXT, st.binary(max_size=32), st.integers(0, 2**62), st.integers(0, 2**62),
    st.integers(0, 2**40), st.none() | EVENTS,
    st.none() | st.just(OutcomeRequest(event_id="o", code="confirmed_fraud", subject_event_id="p")),
    st.none() | st.sampled_from(Product), st.none() | st.integers(1, 60_000), st.none() | SAID,
)  # fmt: skip
HEADERS = st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=3).map(tuple)
ANSWERS = st.builds(Answer, st.integers(200, 299), st.binary(max_size=50), st.binary(max_size=10), HEADERS)
PROBLEMS = st.builds(
    lambda status, code, detail, headers, extra: Problem(status, code, detail, headers=headers, extra=extra),
    st.integers(400, 599), TEXT.filter(bool), TEXT, st.dictionaries(TEXT, TEXT, max_size=2),
    st.dictionaries(TEXT, st.none() | TEXT | st.integers(-(2**60), 2**60), max_size=2),
)  # fmt: skip


@given(WORKS, st.integers(1, 2**40))
def test_a_work_arrives_as_it_was_sent(work: Work, n: int) -> None:
    (body,) = Frames().fed(frame_of(n, work))
    arrived = work_of(body)
    assert arrived.future == n
    arrived.future = work.future
    assert arrived == work
    if work.event is not None:
        assert [type(value) for value in arrived.event.body.values()] == [type(v) for v in work.event.body.values()]  # type: ignore[union-attr]  # it is equal


@given(st.lists(st.tuples(WORKS, ANSWERS | PROBLEMS), max_size=5))
def test_what_became_of_works_arrives_as_it_was_sent(pairs: list[tuple[Work, Answer | Problem]]) -> None:
    (body,) = Frames().fed(frame_of_settled([(work, Done(result)) for work, result in pairs]))
    arrived = list(settled_of(body))
    assert [n for n, _ in arrived] == [work.future for work, _ in pairs]
    for (_, found), (_, sent) in zip(arrived, pairs, strict=True):
        if isinstance(sent, Problem):
            assert vars(found) == vars(sent)
        else:
            assert found == sent


@given(st.lists(st.binary(max_size=300), max_size=8), st.data())
def test_frames_come_whole_however_the_stream_is_cut(bodies: list[bytes], data: st.DataObject) -> None:
    rest, frames, found = b"".join(map(framed, bodies)), Frames(), []
    while rest:
        cut = data.draw(st.integers(1, len(rest)))
        found += list(frames.fed(rest[:cut]))
        rest = rest[cut:]
    assert found == bodies


# ---------------------------------------------------------------------- mailbox


def _work(key: str, deadline_ms: int | None = None) -> Work:
    return Work(Kind.DECIDE, "c", key, b"d", 1, 5_000_000, None, deadline_ms=deadline_ms)


def test_a_mailbox_gives_works_in_order_and_what_is_put_before_them() -> None:
    ours, theirs = socket.socketpair()
    mailbox = Mailbox(theirs)
    for n in range(3):
        ours.sendall(frame_of(n, _work(f"k{n}")))
    mailbox.put(None)
    assert mailbox.get() is None
    assert [mailbox.get_nowait().key for _ in range(3)] == ["k0", "k1", "k2"]  # type: ignore[union-attr]  # works
    with pytest.raises(queue.Empty):
        mailbox.get_nowait()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(mailbox.get)
        time.sleep(0.05)
        assert not waiting.done()
        ours.sendall(frame_of(3, _work("k3")))
        assert waiting.result(10).key == "k3"  # type: ignore[union-attr]  # a work
        waiting = pool.submit(mailbox.get)
        mailbox.put(change := lambda: None)
        assert waiting.result(10) is change
    ours.close()
    theirs.close()


def test_who_hangs_does_not_hide_the_deadlines_of_those_who_wait() -> None:
    """The watch of `Rescue` asks for them while the thread that would receive them hangs."""
    ours, theirs = socket.socketpair()
    mailbox = Mailbox(theirs)
    ours.sendall(frame_of(1, _work("hanging")))
    taken = mailbox.get()
    assert isinstance(taken, Work)
    ours.sendall(frame_of(2, _work("waits", deadline_ms=40)))
    until(lambda: len(mailbox.at_hand()) == 2)
    assert first_deadline(mailbox.at_hand()) == 5_000_000 + 40_000_000 - 2_000_000
    mailbox.deliver([(taken, Done(Answer(200, b"{}")))])
    assert [work.key for work in mailbox.at_hand()] == ["waits"]
    (body,) = Frames().fed(ours.recv(1_000))
    assert list(settled_of(body)) == [(1, Answer(200, b"{}"))]
    assert not mailbox.empty()
    ours.close()
    theirs.close()


def test_a_mailbox_whose_doors_are_gone_gives_what_came_and_then_waits_without_work() -> None:
    ours, theirs = socket.socketpair()
    mailbox = Mailbox(theirs)
    ours.sendall(frame_of(1, _work("last")))
    ours.close()
    taken = mailbox.get()
    assert isinstance(taken, Work)
    mailbox.deliver([(taken, Done(Answer(200, b"{}")))])
    found: Future[Any] = Future()
    began = time.process_time()
    thread = threading.Thread(target=lambda: found.set_result(mailbox.get()))
    thread.start()
    time.sleep(0.3)
    assert not found.done()
    assert time.process_time() - began < 0.1
    mailbox.put(None)
    assert found.result(10) is None
    thread.join()
    assert mailbox.empty()
    theirs.close()


# ------------------------------------------------------------------- the engine


def test_it_answers_as_an_engine_in_this_process(apart: Doors, tmp_path: Path) -> None:
    here = Doors(tmp_path)
    try:
        asked = stream(apart, 30, seed=21)
        told = [[one.json() for one in doors.together(asked)] for doors in (apart, here)]
    finally:
        here.close()
    for name in ("event_id", "score", "risk_grade", "action", "reasons", "versions", "degraded"):
        assert [one[name] for one in told[0]] == [one[name] for one in told[1]], name


def test_problems_and_what_people_say_come_through(apart: Doors) -> None:
    decision = apart.decided()
    again = apart.pay({**stream(apart, 1)[0]["body"], "event_id": decision["event_id"]})
    assert (again.status_code, again.json()["decision_id"]) == (409, decision["decision_id"])
    path = f"/v1/decisions/{decision['decision_id']}/review"
    asked = apart.send("POST", path, {"asked_by": "customer", "statement": "请再看一次"}, client="flow")
    assert asked.status_code == 200, asked.text
    assert "请再看一次" in apart.send("GET", path, client="reviewer").text
    huge = apart.pay({**stream(apart, 1)[0]["body"], "amount": 10**30})
    assert huge.status_code == 422
    assert apart.send("GET", "/v1/lists", client="admin").status_code == 200
    assert apart.send("POST", "/v1/admin/reload", client="admin").status_code == 200


def test_a_batch_of_a_thousand_comes_through(apart: Doors) -> None:
    requests = [one["body"] for one in stream(apart, 1_000, seed=22)]
    answer = apart.send("POST", "/v1/payments/score:batch", requests)
    assert answer.status_code == 200, answer.text
    assert [one["decision"]["event_id"] for one in answer.json()["items"]] == [one["event_id"] for one in requests]


def test_a_deployed_bundle_is_followed_and_told(apart: Doors) -> None:
    digest = world.deploy(apart.home, Product.PAYMENT, seed=6, at=world.START + 1)
    until(lambda: apart.decided()["versions"]["model"] == digest)
    assert apart.send("GET", "/v1/models").json()["payment"]["model"] == digest
    assert apart.send("GET", "/readyz", client=None).json()["products"]["payment"] == {"model": True, "refused": False}


def test_one_that_stalls_is_waited_for_and_those_above_the_limit_are_turned_away(
    apart: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart.engine, "_limit", 900)
    # More than fits into the socket at once.
    requests = stream(apart, 1_000, seed=23)
    with ThreadPoolExecutor(1) as pool:
        with stopped(apart):
            sending = pool.submit(apart.together, requests)
            until(lambda: len(apart.runtime.in_flight) == 900)
            until(lambda: apart.engine._life._unsent)
            assert not sending.done()
        answers = sending.result(60)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(503)) == (900, 100)
    assert {answer.json()["code"] for answer in answers if answer.status_code == 503} == {"overloaded"}
    again = apart.together([one for one, status in zip(requests, statuses, strict=True) if status == 503])
    assert {answer.status_code for answer in again} == {200}
    same_vectors(apart.home, Product.PAYMENT)


def test_one_that_is_killed_is_started_again_and_a_retry_gets_its_answer(apart: Doors) -> None:
    kept = apart.together(stream(apart, 5, seed=24))
    requests = stream(apart, 20, seed=25)
    pid = apart.engine.pid
    with ThreadPoolExecutor(1) as pool, stopped(apart):
        sending = pool.submit(apart.together, requests)
        until(lambda: len(apart.runtime.in_flight) == 20)
        os.kill(pid, signal.SIGKILL)
        answers = sending.result(60)
    assert {answer.status_code for answer in answers} == {503}
    assert apart.runtime.alive
    # What needs no engine goes on; what does says that it comes back.
    decision_id = kept[0].json()["decision_id"]
    assert apart.send("GET", f"/v1/decisions/{decision_id}").status_code == 200
    until(lambda: apart.engine.pid not in (None, pid))
    assert apart.runtime.ready is False
    assert apart.together(stream(apart, 1))[0].json()["code"] == "not_ready"
    assert apart.send("GET", "/readyz", client=None).status_code == 503
    assert "assay_ready 0.0" in apart.send("GET", "/v1/metrics", client="metrics").text
    until(lambda: apart.runtime.ready)
    assert {answer.status_code for answer in apart.together(requests)} == {200}
    again = apart.together(requests)
    assert {answer.headers["idempotent-replayed"] for answer in again} == {"true"}
    same_vectors(apart.home, Product.PAYMENT)
    assert [json.loads(line)["code"] for line in apart.log.getvalue().splitlines() if "engine_ended" in line] == [-9]


def test_what_is_asked_while_it_ends_is_answered(apart: Doors) -> None:
    """Questions about the engine do not wait for the one that is gone."""
    with ThreadPoolExecutor(2) as pool:
        with stopped(apart):
            lists = pool.submit(apart.send, "GET", "/v1/lists", client="admin")
            models = pool.submit(apart.send, "GET", "/v1/models", client="admin")
            time.sleep(0.2)
            assert not lists.done()
            os.kill(apart.engine.pid, signal.SIGKILL)
        assert lists.result(10).status_code == 503
        # The last that was told of what is in use.
        assert models.result(10).json()["payment"]["name"] == "fraud"
    until(lambda: apart.runtime.ready)


def test_one_that_hangs_is_not_ready_and_then_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_link, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(engine_link, "HUNG_AFTER", 3)
    doors = Doors(tmp_path, products=(Product.PAYMENT,), apart=True)
    try:
        assert doors.decided()["degraded"] is False
        pid = doors.engine.pid
        with stopped(doors):
            until(lambda: not doors.runtime.ready)
            # Nobody waits for it: neither who pays nor who asks about it.
            begun = time.monotonic()
            assert doors.together(stream(doors, 1))[0].json()["code"] == "not_ready"
            assert doors.send("GET", "/readyz", client=None).status_code == 503
            assert doors.send("GET", "/livez", client=None).status_code == 200
            assert doors.send("GET", "/v1/models", client="admin").json()["payment"]["name"] == "fraud"
            assert "assay_ready 0.0" in doors.send("GET", "/v1/metrics", client="metrics").text
            assert time.monotonic() - begun < 1.5
            until(lambda: doors.engine.pid not in (None, pid))
        until(lambda: doors.runtime.ready)
        assert doors.decided()["degraded"] is False
        assert "engine_hangs" in doors.log.getvalue()
    finally:
        doors.close()


def test_one_that_was_silent_for_a_while_is_ready_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_link, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(engine_link, "HUNG_AFTER", 1_000)
    doors = Doors(tmp_path, products=(Product.PAYMENT,), apart=True)
    try:
        pid = doors.engine.pid
        with stopped(doors):
            until(lambda: not doors.runtime.ready)
        until(lambda: doors.runtime.ready)
        assert doors.decided()["degraded"] is False
        assert doors.engine.pid == pid
    finally:
        doors.close()


def test_stopping_finishes_what_was_sent_and_leaves_nobody_behind(tmp_path: Path) -> None:
    doors = Doors(tmp_path, products=(Product.PAYMENT,), apart=True)
    engine = psutil.Process(doors.engine.pid)
    # Signals for a whole group are left to the doors.
    for group in (signal.SIGINT, signal.SIGTERM):
        engine.send_signal(group)
    requests = stream(doors, 40, seed=26)
    with ThreadPoolExecutor(2) as pool:
        with stopped(doors):
            sending = pool.submit(doors.together, requests)
            until(lambda: len(doors.runtime.in_flight) == 40)
            stopping = pool.submit(doors.runtime.stop)
        stopping.result(60)
        statuses = {answer.status_code for answer in sending.result(60)}
    assert statuses == {200}
    assert not engine.is_running()
    assert doors.together(stream(doors, 1))[0].json()["code"] == "not_ready"
    assert doors.counts()["decision"] == 40
    # The last checkpoint is of the last event.
    assert "engine_ended" not in doors.log.getvalue()
    doors.close()


def test_doors_that_are_gone_take_their_engine_with_them(apart: Doors) -> None:
    """The chaos test kills doors alone; here what they held is closed, as at their death, and nobody is signalled."""
    engine = psutil.Process(apart.engine.pid)
    with socket.socket(fileno=os.dup(apart.engine._life._pipe.fileno())) as pipe:
        pipe.shutdown(socket.SHUT_RDWR)
    until(lambda: not engine.is_running())
    until(lambda: apart.engine.pid not in (None, engine.pid) and apart.runtime.ready)
    assert apart.together(stream(apart, 1))[0].status_code == 200
