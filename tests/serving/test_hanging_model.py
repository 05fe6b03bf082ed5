"""A model that hangs or crawls, for real, is not waited for: an answer comes in time, flagged, asked for or not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from domain.decision import Product
from scoring.replay import Replayer
from serving.rescue import LeftBehind, Rescue, TooLate
from serving.settings import ServingSettings
from stores.settings_files import load_settings
from tests.serving import world
from tests.serving.doors import Doors
from tests.serving.parity import same_vectors

DEADLINE_MS = 2_000
DEFAULT_MS = 4_000
SLACK_US = 1_500_000
"""What a busy machine may add before a thread is woken; what waited for the default instead would be later still."""


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    settings = {"default_deadline": f"{DEFAULT_MS // 1000}s", "answer_timeout": "60s"}
    made = Doors(tmp_path_factory.mktemp("hanging"), products=(Product.PAYMENT,), settings=settings)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_learnt(doors: Doors) -> None:
    """What one test has made slow is not known to the next, nor does anything of it still hang."""
    end = time.monotonic() + 60
    while doors.engine._rescue._hanging:
        assert time.monotonic() < end
        time.sleep(0.01)
    doors.engine._decider._cost.update(features=0, score=1_000_000, reasons=1_000_000)
    doors.engine._rescue._rests.clear()


@pytest.mark.parametrize(("part", "method"), [("scorer", "raw"), ("explainer", "contributions")])
def test_a_part_that_hangs_is_not_waited_for(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, part: str, method: str
) -> None:
    found = getattr(doors.engine.desks[Product.PAYMENT].bundle, part)
    own, released = getattr(type(found), method), threading.Event()

    def hanging(self: Any, *arguments: Any) -> Any:
        assert released.wait(60)
        return own(self, *arguments)

    assert doors.decided(deadline_ms=10_000)["degraded"] is False
    with monkeypatch.context() as patch:
        patch.setattr(type(found), method, hanging)
        began = time.monotonic()
        decision = doors.decided(deadline_ms=DEADLINE_MS)
        took = time.monotonic() - began
        assert decision["degraded"] == f"model dropped: deadline of {DEADLINE_MS} ms"
        assert (decision["score"], decision["action"]) == (None, "review")
        # The decision itself was in time.
        assert decision["timings_us"]["total"] <= DEADLINE_MS * 1000 + SLACK_US
        assert took < 30
        # While it still hangs nobody waits for it, with a deadline or without.
        assert doors.decided(deadline_ms=DEADLINE_MS)["timings_us"]["total"] < DEADLINE_MS * 1000
        assert doors.decided()["degraded"] == "model dropped: the model is too slow"
        assert doors.decided(amount=100, deadline_ms=DEADLINE_MS)["action"] == "approve"
        assert doors.send("GET", "/readyz", client=None).status_code == 200
        released.set()
        # Now it rests, for ten times as long as it took.
        end = time.monotonic() + 30
        while not doors.engine._rescue._rests:
            assert time.monotonic() < end
        assert doors.decided()["degraded"] == "model dropped: the model is too slow"
        doors.engine._rescue._rests.clear()
        while doors.decided()["degraded"] is not False:
            assert time.monotonic() < end
    assert "model_too_slow" in doors.log.getvalue()


def test_who_names_no_deadline_or_a_long_one_is_answered_all_the_same(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = type(doors.engine.desks[Product.PAYMENT].bundle.scorer)
    raw, released = scorer.raw, threading.Event()

    def hanging(self: Any, row: Any) -> Any:
        assert released.wait(120)
        return raw(self, row)

    def known_again() -> None:
        released.set()
        end = time.monotonic() + 30
        while doors.decided()["degraded"] is not False:
            doors.engine._rescue._rests.clear()
            assert time.monotonic() < end
        released.clear()
        doors.engine._decider._cost.update(score=1_000_000, reasons=1_000_000)

    released.set()
    with monkeypatch.context() as patch:
        patch.setattr(scorer, "raw", hanging)
        known_again()
        decision = doors.decided()
        assert decision["degraded"] == f"model dropped: deadline of {DEFAULT_MS} ms"
        assert (decision["score"], decision["action"]) == (None, "review")
        assert DEFAULT_MS * 500 < decision["timings_us"]["total"] <= DEFAULT_MS * 1000 + SLACK_US
        known_again()
        # A client that has a minute does not make everybody behind it wait for that long.
        decision = doors.decided(deadline_ms=60_000)
        assert decision["degraded"] == "model dropped: the model is too slow"
        assert decision["timings_us"]["total"] < 30_000_000
        known_again()


def test_who_waits_behind_it_with_less_time_is_answered_in_time(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = type(doors.engine.desks[Product.PAYMENT].bundle.scorer)
    raw, released = scorer.raw, threading.Event()

    def hanging(self: Any, row: Any) -> Any:
        assert released.wait(120)
        return raw(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(scorer, "raw", hanging)
        requests = world.payment_stream(2, 3, world.START, prefix=f"hw{doors.key()}-")
        bodies = [requests[0], {**requests[1], "deadline_ms": DEADLINE_MS}]
        told = [each.json() for each in doors.together([{"path": "/v1/payments/score", "body": b} for b in bodies])]
        assert told[1]["degraded"].startswith("model dropped")
        # The first had twice the time, and is cut short for the second.
        assert told[0]["degraded"] == "model dropped: the model is too slow"
        for decision in told:
            assert decision["timings_us"]["total"] <= DEADLINE_MS * 1000 + SLACK_US < DEFAULT_MS * 1000
        released.set()


def test_the_default_lies_before_the_moment_at_which_the_door_gives_up() -> None:
    settings = load_settings(world.CONFIGS / "serving.yaml", ServingSettings)
    assert settings.default_deadline < settings.answer_timeout
    with pytest.raises(ValidationError, match="default_deadline: expected less than answer_timeout"):
        ServingSettings(default_deadline="10s", answer_timeout="10s")


def test_what_was_too_slow_once_is_tried_again(doors: Doors) -> None:
    doors.engine._decider._cost.update(score=20_000_000_000, reasons=1_000_000)
    told = [doors.decided(deadline_ms=10_000)["degraded"] for _ in range(40)]
    assert told[0] == "model dropped: deadline of 10000 ms"
    assert told[-1] is False
    assert doors.engine._decider._cost["score"] < 10_000_000_000


def test_a_crawling_model_is_dropped_only_where_there_is_no_time(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = doors.engine.desks[Product.PAYMENT].bundle.scorer
    raw = type(scorer).raw

    def crawling(self: Any, row: Any) -> Any:
        time.sleep(2.5)
        return raw(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(type(scorer), "raw", crawling)
        assert doors.decided(deadline_ms=30_000)["degraded"] is False
        # Known by now: nothing is even begun.
        decision = doors.decided(deadline_ms=DEADLINE_MS)
        assert decision["degraded"] == f"model dropped: deadline of {DEADLINE_MS} ms"
        assert decision["timings_us"]["total"] <= DEADLINE_MS * 1000 + SLACK_US


def test_a_batch_behind_a_model_that_hangs_is_one_transaction_with_every_answer(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of many hangs: another thread goes on with the transaction; nobody is lost or counted twice."""
    scorer = type(doors.engine.desks[Product.PAYMENT].bundle.scorer)
    raw, released, left = scorer.raw, threading.Event(), threading.Event()

    def hanging(self: Any, row: Any) -> Any:
        assert released.wait(120)
        left.set()
        return raw(self, row)

    requests = world.payment_stream(40, 8, world.START, prefix=f"hb{doors.key()}-")
    before, thread = doors.counts(), doors.engine.committer._thread
    with monkeypatch.context() as patch:
        patch.setattr(scorer, "raw", hanging)
        sent = [{"path": "/v1/payments/score", "body": {**each, "deadline_ms": DEADLINE_MS}} for each in requests]
        answers = doors.together(sent)
        assert {answer.status_code for answer in answers} == {200}
        assert {str(answer.json()["degraded"]).partition(":")[0] for answer in answers} == {"model dropped"}
        assert doors.engine.committer._thread is not thread
        assert thread.is_alive()
        released.set()
        assert left.wait(30)
        # The thread that was left behind ends, and touches nothing.
        thread.join(30)
        assert not thread.is_alive()
    after = doors.counts()
    assert {name: after[name] - before[name] for name in ("event", "decision", "idempotency")} == {
        "event": 40, "decision": 40, "idempotency": 40,
    }  # fmt: skip
    assert doors.engine.committing.ledger.verify() == []
    assert doors.runtime.alive
    assert doors.runtime.ready


def test_everything_above_replays_and_was_learnt_once(doors: Doors) -> None:
    books = doors.engine.committing
    replayer = Replayer(books.ledger, books.journal, doors.home.bundles)
    for row in books.ledger.read("payment").to_pylist():
        same, expected, got = replayer.replay(row["decision_id"])
        assert same, (expected, got)
    assert same_vectors(doors.home, Product.PAYMENT)[0] > 40


def test_rescue_gives_raises_leaves_behind_and_lets_rest() -> None:
    second, now = 1_000_000_000, [0]
    rescue, released, taken = Rescue(lambda: now[0]), threading.Event(), threading.Event()
    rescue.start(taken.set)
    with pytest.raises(ZeroDivisionError):
        rescue.within("a", 60 * second, lambda: 1 // 0, {})
    ended: list[BaseException] = []
    begun = threading.Event()

    def at_work() -> None:
        try:
            rescue.within("a", second, lambda: begun.set() or released.wait(60), {"rules": 1})
        except LeftBehind as error:
            ended.append(error)

    thread = threading.Thread(target=at_work)
    thread.start()
    assert begun.wait(30)
    assert not taken.wait(0.05)
    now[0] += 2 * second
    assert taken.wait(30)
    with pytest.raises(TooLate) as late:
        rescue.within("a", 60 * second, lambda: 1, {})
    assert late.value.begun is not None
    assert late.value.note == {"rules": 1}
    # What has another name does not hang.
    assert rescue.within("b", 60 * second, lambda: 2, {}) == 2
    released.set()
    thread.join(30)
    assert len(ended) == 1
    with pytest.raises(TooLate) as late:
        rescue.within("a", 60 * second, lambda: 1, {})
    assert late.value.begun is None
    # It rests for ten times as long as it took, and no longer.
    now[0] += 20 * second - 1
    with pytest.raises(TooLate):
        rescue.within("a", 60 * second, lambda: 1, {})
    now[0] += 1
    assert rescue.within("a", 60 * second, lambda: 3, {}) == 3
    rescue.stop()


def test_the_watch_looks_when_something_is_due_and_not_oftener() -> None:
    rescue, looks, taken = Rescue(lambda: ticks()), [0], threading.Event()

    def ticks() -> int:
        looks[0] += threading.current_thread().name == "rescue"
        return time.perf_counter_ns()

    rescue.start(taken.set)
    second = 1_000_000_000
    end = time.perf_counter_ns() + second // 2
    n = 0
    while time.perf_counter_ns() < end:
        rescue.within("a", 2 * second, lambda: time.sleep(0.0005), {})
        n += 1
    # Looks every 5 ms were a hundred.
    assert n > 10
    assert looks[0] < 40
    assert not taken.is_set()
    # What is due before the next look calls, also after the watch has rested.
    for _ in range(2):
        begun = time.perf_counter_ns()
        with pytest.raises(LeftBehind):
            rescue.within(f"b{begun}", 10_000_000, lambda: taken.wait(30), {})
        assert time.perf_counter_ns() - begun < second
        taken.clear()
        rescue._looks_at = 2**63
    rescue.stop()


def test_who_must_have_his_answer_earlier_is_waited_for() -> None:
    first: list[int | None] = [None]
    rescue, taken = Rescue(time.perf_counter_ns, lambda: first[0]), threading.Event()
    rescue.start(taken.set)

    def hangs() -> bool:
        time.sleep(0.15)
        first[0] = time.perf_counter_ns()
        return taken.wait(30)

    with pytest.raises(LeftBehind):
        rescue.within("a", 60_000_000_000, hangs, {})
    rescue.stop()
