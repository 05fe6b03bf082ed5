"""A state (read, or learning) or rules that really hang: each is answered in time; nothing is lost or learnt twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from domain.decision import Product
from domain.errors import DataError, InputError
from domain.events import Event
from features.online import OnlineState
from scoring.policy import Policy
from scoring.replay import Replayer
from serving import lost_states
from serving.books import Books
from serving.desk import FAR_BEHIND, STATE_BEHIND, STATE_LOST
from tests.serving import world
from tests.serving.doors import Doors, until
from tests.serving.parity import same_vectors

DEADLINE_MS = 1_500
SLACK_US = 1_500_000


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    settings = {"default_deadline": "4s", "answer_timeout": "60s"}
    made = Doors(tmp_path_factory.mktemp("hanging"), settings=settings)
    yield made
    made.close()


class Hanging:
    """Has a method of a class hang until it is released; ``one`` names the only instance that does."""

    def __init__(self, patch: pytest.MonkeyPatch, owner: type, method: str, one: object = None) -> None:
        own, self.released, self.n_hanging = getattr(owner, method), threading.Event(), 0

        def hanging(instance: Any, *arguments: Any) -> Any:
            if not self.released.is_set() and (one is None or instance is one):
                self.n_hanging += 1
                assert self.released.wait(120)
                self.n_hanging -= 1
            return own(instance, *arguments)

        patch.setattr(owner, method, hanging)


def state_of(doors: Doors) -> OnlineState | None:
    state: OnlineState | None = doors.engine.desks[Product.PAYMENT].state
    return state


def books_of(doors: Doors) -> Books:
    """Those of the committer, whoever has opened others since."""
    books: Books = doors.engine.committer._at_work[0]  # type: ignore[index]  # there was a turn
    return books


def rested(doors: Doors) -> None:
    """What was too slow rests for longer than a test should last."""
    until(lambda: not doors.engine._rescue._hanging)
    doors.engine._rescue._rests.clear()


def asked_together(doors: Doors, n: int, seed: int, prefix: str) -> list[dict[str, Any]]:
    """What is answered to payments that come at once, each with a deadline."""
    requests = world.payment_stream(n, seed, world.START, prefix=f"{prefix}{doors.key()}-")
    answers = doors.together(
        [{"path": "/v1/payments/score", "body": {**each, "deadline_ms": DEADLINE_MS}} for each in requests]
    )
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


def added(doors: Doors, counts: dict[str, int]) -> dict[str, int]:
    """Rows that have come since they were counted."""
    after = doors.counts()
    return {name: after[name] - counts[name] for name in ("event", "decision", "idempotency")}


def in_time(decision: dict[str, Any]) -> bool:
    return bool(decision["timings_us"]["total"] <= DEADLINE_MS * 1000 + SLACK_US)


def test_a_state_that_hangs_is_left_and_taken_back_when_it_comes(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state_of(doors)
    assert doors.decided()["degraded"] is False
    with monkeypatch.context() as patch:
        hanging = Hanging(patch, OnlineState, "vector", before)
        decision = doors.decided(deadline_ms=DEADLINE_MS)
        assert decision["degraded"] == f"features dropped: deadline of {DEADLINE_MS} ms"
        # Of a large amount the stand-in policy asks a person; rules have been asked, without features.
        assert (decision["score"], decision["action"]) == (None, "review")
        assert in_time(decision)
        # Nobody else waits, reads it or teaches it; small amounts go on being approved.
        seq = before.seq  # type: ignore[union-attr]  # there was one
        assert state_of(doors) is None
        small = doors.decided(amount=100)
        assert (small["degraded"], small["action"]) == (f"features dropped: {STATE_LOST}", "approve")
        assert before.seq == seq  # type: ignore[union-attr]  # likewise
        # What it could not learn when it is back is refused meanwhile, too.
        with pytest.raises(InputError, match="rate"):
            doors.engine.desks.check(Event("transaction", "x", 1, 1, {"amount": 5, "currency": "XAU"}))
        # The other product has a state of its own.
        (loan,) = world.application_stream(1, 3, world.START, prefix=f"hl{doors.key()}-")
        assert doors.send("POST", "/v1/loans/score", loan).json()["degraded"] is False
        assert doors.send("GET", "/readyz", client=None).status_code == 200
        assert hanging.n_hanging == 1
        hanging.released.set()
        rested(doors)
        until(lambda: state_of(doors) is before)
    assert doors.decided()["degraded"] is False
    assert "state_too_slow" in doors.log.getvalue()


def test_a_state_that_does_not_come_back_is_made_anew(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state_of(doors)
    monkeypatch.setattr(lost_states, "REBUILD_AFTER", 500_000_000)
    with monkeypatch.context() as patch:
        hanging = Hanging(patch, OnlineState, "vector", before)
        # The first of many hangs, in the middle of a transaction whose earlier works it has learnt.
        counts = doors.counts()
        decisions = asked_together(doors, 30, 9, "hs")
        assert all(str(decision["degraded"]).startswith("features dropped") for decision in decisions)
        until(lambda: state_of(doors) is not None)
        assert state_of(doors) is not before
        assert hanging.n_hanging == 1
        assert doors.decided()["degraded"] is False
        hanging.released.set()
        rested(doors)
        # The old one is not wanted any more.
        doors.runtime.look_now()
        assert state_of(doors) is not before
        assert doors.decided()["degraded"] is False
    assert added(doors, counts) == {"event": 32, "decision": 32, "idempotency": 32}


def test_a_state_that_hangs_while_it_learns_is_left_and_taken_back(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of(doors)
    with monkeypatch.context() as patch:
        hanging = Hanging(patch, OnlineState, "apply", before)
        begun = time.monotonic()
        decision = doors.decided(deadline_ms=DEADLINE_MS)
        # It was made before anything hung, and stands.
        assert decision["degraded"] is False
        assert time.monotonic() - begun < (DEADLINE_MS * 1000 + SLACK_US) / 1e6
        assert state_of(doors) is None
        assert doors.decided(amount=100)["degraded"] == f"features dropped: {STATE_LOST}"
        assert doors.send("GET", "/readyz", client=None).status_code == 200
        assert hanging.n_hanging == 1
        hanging.released.set()
        rested(doors)
        until(lambda: state_of(doors) is before)
    assert doors.decided()["degraded"] is False


def appended(doors: Doors, n: int) -> None:
    """Payments that another process appends beside the service."""
    books = Books.open(doors.home, {}, 10.0)
    requests = world.payment_stream(n, 21, world.START, prefix=f"import{doors.key()}-")
    events = [world.as_event(request, "transaction") for request in requests]
    with books.database.transaction():
        books.journal.append_within([books.vault.tokenised(replace(event, client="import")) for event in events])
    books.close()


def test_a_state_that_is_far_behind_catches_up_apart_from_who_decides(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of(doors)
    assert doors.decided()["degraded"] is False
    with monkeypatch.context() as patch:
        hanging = Hanging(patch, OnlineState, "follow", before)
        appended(doors, FAR_BEHIND + 1)
        assert doors.decided(deadline_ms=DEADLINE_MS)["degraded"] == f"features dropped: {STATE_BEHIND}"
        assert in_time(doors.decided(deadline_ms=DEADLINE_MS))
        until(lambda: hanging.n_hanging == 1)
        assert state_of(doors) is None
        hanging.released.set()
        until(lambda: state_of(doors) is before)
    assert doors.decided()["degraded"] is False
    # A few are taken in by who decides.
    appended(doors, 50)
    assert doors.decided()["degraded"] is False
    assert state_of(doors) is before
    assert "state_behind" in doors.log.getvalue()


def test_a_state_that_cannot_catch_up_is_made_anew(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state_of(doors)
    with monkeypatch.context() as patch:
        patch.setattr(lost_states, "REBUILD_AFTER", 0)

        def failing(state: OnlineState, journal: Any) -> int:
            raise DataError("it breaks by half")

        patch.setattr(OnlineState, "follow", failing)
        appended(doors, FAR_BEHIND + 1)
        assert doors.decided()["degraded"] == f"features dropped: {STATE_BEHIND}"
        until(lambda: state_of(doors) not in (None, before))
    assert "it breaks by half" in doors.log.getvalue()
    assert doors.decided()["degraded"] is False


def test_a_state_that_fails_after_it_hung_is_made_anew(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has learnt by half can only be thrown away with it."""
    before = state_of(doors)
    monkeypatch.setattr(lost_states, "REBUILD_AFTER", 500_000_000)
    counts = doors.counts()
    with monkeypatch.context() as patch:

        def fails(state: OnlineState, event: Event) -> None:
            raise OSError(f"{event.event_id}: the room of {state.seq} is gone")

        own = OnlineState.apply
        patch.setattr(OnlineState, "apply", lambda state, event: (fails if state is before else own)(state, event))
        hanging = Hanging(patch, OnlineState, "apply", before)
        # In the middle of a transaction: the others are decided without it, and learnt by the one that is made.
        decisions = asked_together(doors, 20, 10, "hf")
        assert sum(decision["degraded"] is False for decision in decisions) == 1
        assert hanging.n_hanging == 1
        hanging.released.set()
        until(lambda: state_of(doors) is not None)
        assert state_of(doors) is not before
    assert doors.decided()["degraded"] is False
    assert added(doors, counts) == {"event": 21, "decision": 21, "idempotency": 21}
    # Nothing was taken for a transaction that failed.
    assert "commit_failed" not in doors.log.getvalue()


def test_a_state_that_hangs_while_a_transaction_fails_is_not_taken_back(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had learnt from a transaction that is not there: after the rebuild every desk has another."""
    before = state_of(doors)
    with monkeypatch.context() as patch:
        hanging = Hanging(patch, OnlineState, "vector", before)
        assert doors.decided(deadline_ms=DEADLINE_MS)["degraded"] is not False
        doors.engine.committer.between(lambda: doors.engine.desks.rebuild(books_of(doors).journal))
        until(lambda: state_of(doors) is not None)
        made = state_of(doors)
        hanging.released.set()
        rested(doors)
        until(lambda: not doors.engine._lost_states._lost)
        assert state_of(doors) is made
        assert made is not before


def test_rules_that_hang_put_everything_before_a_person(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        hanging = Hanging(patch, Policy, "rule", doors.engine.desks[Product.PAYMENT].policy)
        decision = doors.decided(deadline_ms=DEADLINE_MS)
        assert decision["degraded"] == f"rules dropped: deadline of {DEADLINE_MS} ms"
        assert (decision["score"], decision["action"], decision["rule_reasons"]) == (None, "review", [])
        assert in_time(decision)
        # Nobody else waits, and nothing is approved unseen, however small.
        small = doors.decided(amount=100)
        assert (small["degraded"], small["action"]) == ("rules dropped: the rules are too slow", "review")
        assert small["timings_us"]["total"] < DEADLINE_MS * 1000
        (loan,) = world.application_stream(1, 4, world.START, prefix=f"hr{doors.key()}-")
        assert doors.send("POST", "/v1/loans/score", loan).json()["degraded"] is False
        # Without the model they are asked under a name of their own: one more thread finds out.
        doors.runtime.turn_kill_switch(on=True)
        decision = doors.decided(deadline_ms=DEADLINE_MS)
        assert decision["degraded"].startswith("rules dropped")
        assert in_time(decision)
        assert hanging.n_hanging == 2
        doors.runtime.turn_kill_switch(on=False)
        hanging.released.set()
        rested(doors)
    doors.engine._decider._cost.update(features=0, score=1_000_000, reasons=1_000_000)
    assert doors.decided()["degraded"] is False
    assert "rules_too_slow" in doors.log.getvalue()


def test_rules_of_loans_that_hang_refer(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        hanging = Hanging(patch, Policy, "rule", doors.engine.desks[Product.LOAN].policy)
        (loan,) = world.application_stream(1, 5, world.START, prefix=f"hq{doors.key()}-")
        decision = doors.send("POST", "/v1/loans/score", {**loan, "deadline_ms": DEADLINE_MS}).json()
        assert (decision["degraded"], decision["action"]) == (f"rules dropped: deadline of {DEADLINE_MS} ms", "refer")
        hanging.released.set()
        rested(doors)


def test_what_is_late_is_still_asked_of_state_and_rules(doors: Doors) -> None:
    decision = doors.decided(deadline_ms=1)
    assert decision["degraded"] == "model dropped: deadline of 1 ms"


def test_everything_above_replays_and_was_learnt_once(doors: Doors) -> None:
    books = books_of(doors)
    assert books.ledger.verify() == []
    replayer = Replayer(books.ledger, books.journal, doors.home.bundles)
    seen = set()
    for product in ("payment", "loan"):
        for row in books.ledger.read(product).to_pylist():
            same, expected, got = replayer.replay(row["decision_id"])
            assert same, (expected, got)
            seen.add(b"rules dropped" in got)
    assert seen == {True, False}
    # A state that was laid aside, one made anew and one rebuilt knew what a fresh one learns from the journal.
    assert same_vectors(doors.home, Product.PAYMENT)[0] >= 5
    assert doors.runtime.alive
    assert doors.runtime.ready
