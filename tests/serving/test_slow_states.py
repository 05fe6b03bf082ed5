"""States that are slow, for real: another process holds their file, or reading them takes longer than there is time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from domain.decision import Product
from scoring.replay import Replayer
from serving.auth import revoke_key
from stores.keys import secret_key
from stores.vault import Vault
from tests.monitoring.aml.world import configs, keeps_for
from tests.serving import world
from tests.serving.doors import Doors
from tests.serving.parity import same_vectors
from tests.serving.test_checkpoints import last_seq, logged, saved, until

DEADLINE_MS = 2_000

HOLD = """
import sys, apsw
held = apsw.Connection(sys.argv[1])
held.set_busy_timeout(60_000)
for statement in sys.argv[2:]:
    held.execute(statement).fetchall()
print("held", flush=True)
sys.stdin.read()
"""
WRITING = ("BEGIN IMMEDIATE",)
"""Nobody else writes."""
ALONE = ("PRAGMA locking_mode=EXCLUSIVE", "BEGIN EXCLUSIVE", "CREATE TABLE held (n)")
"""Nobody else even reads."""


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(
        tmp_path_factory.mktemp("slow"), products=(Product.PAYMENT,),
        settings={"checkpoint_every": "1s", "default_deadline": "30s", "answer_timeout": "60s"},
    )  # fmt: skip
    yield made
    made.close()


@contextmanager
def held(path: Path, statements: tuple[str, ...]) -> Iterator[None]:
    """Another process holds the file; what it wrote is taken back when it goes."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), *statements], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        assert holder.stdout.readline() == "held\n"
        yield
    finally:
        holder.stdin.close()
        holder.wait(60)
        holder.stdout.close()


def test_nobody_waits_for_a_store_that_takes_no_writes(doors: Doors) -> None:
    doors.decided()
    with held(doors.home.states, WRITING):
        for _ in range(5):
            decision = doors.decided(deadline_ms=DEADLINE_MS)
            # Requests are decided from what is in memory: nothing is missing, and the answer says so.
            assert (decision["degraded"], decision["score"] is None) == (False, False)
        until(lambda: logged(doors, "checkpoint_failed"))
        assert "states.db" in logged(doors, "checkpoint_failed")[-1]["error"]
        # The watch goes on with the rest of what it looks at.
        assert doors.send("GET", "/v1/metrics", client="metrics").status_code == 200
        assert revoke_key(doors.home, "metrics")
        until(lambda: doors.send("GET", "/v1/metrics", client="metrics").status_code == 401)
        assert doors.decided()["degraded"] is False
        assert doors.send("GET", "/readyz", client=None).status_code == 200
    seq = last_seq(doors)
    until(lambda: saved(doors) >= seq)


def test_a_start_does_without_a_store_that_cannot_be_read(doors: Doors) -> None:
    doors.runtime.stop()
    with held(doors.home.states, ALONE):
        doors.restart()
        assert logged(doors, "state_started")[-1]["from_checkpoint"] == 0
        assert "locked" in logged(doors, "checkpoint_refused")[-1]["error"]
        assert doors.decided(deadline_ms=DEADLINE_MS)["degraded"] is False
        n_failed = len(logged(doors, "checkpoint_failed"))
        until(lambda: len(logged(doors, "checkpoint_failed")) > n_failed)
    seq = last_seq(doors)
    until(lambda: saved(doors) >= seq)
    same_vectors(doors.home, Product.PAYMENT)


def test_a_recovery_without_the_store_still_forgets_who_was_erased(doors: Doors, tmp_path: Path) -> None:
    unbound = str(configs(tmp_path / "unbound", retention=keeps_for(aml=0, service=0)))
    requests = world.payment_stream(25, 9, world.START, prefix="erased-")
    doors.together([{"path": "/v1/payments/score", "body": request} for request in requests])
    card = str(requests[0]["card_id"])
    token = Vault(doors.engine.committing.database, secret_key(doors.home.keys, "vault", {})).known("card_id", card)

    def state() -> Any:
        return doors.engine.desks[Product.PAYMENT].state

    assert token in state().holdings.first["card_id"]
    assert main(["--home", str(doors.home.root), "--configs", unbound, "erase", "card_id", card]) == 0
    until(lambda: token not in state().holdings.first["card_id"])
    books, before = doors.engine.committing, state()

    def refuse() -> bool:
        books.database.connection.set_commit_hook(None)
        return True

    away = doors.home.states.with_name("away.db")
    doors.home.states.rename(away)
    doors.home.states.mkdir()
    try:
        doors.engine.committer.between(lambda: books.database.connection.set_commit_hook(refuse))
        (request,) = world.payment_stream(1, 77, world.START, prefix="refused")
        assert doors.pay(request).status_code == 503
        until(lambda: state() is not before and doors.runtime.ready)
        assert logged(doors, "state_started")[-1]["from_checkpoint"] == 0
        # The journal alone brings the token back: who was erased, only the store can say.
        until(lambda: token not in state().holdings.first["card_id"])
        assert doors.decided()["degraded"] is False
    finally:
        doors.home.states.rmdir()
        away.rename(doors.home.states)


def test_reading_that_takes_longer_than_there_is_time_is_not_begun(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = doors.engine.desks[Product.PAYMENT].state
    vector = state.vector

    def crawling(event: Any) -> Any:
        # Nearly twice the deadline, which is long: a machine that stalls for half a second is not a state that hangs.
        time.sleep(1.8 * DEADLINE_MS / 1000)
        return vector(event)

    with monkeypatch.context() as patch:
        patch.setattr(state, "vector", crawling, raising=False)
        # Who has the time gets all of it.
        assert doors.decided(deadline_ms=30_000)["degraded"] is False
        decision = doors.decided(deadline_ms=DEADLINE_MS)
        assert decision["degraded"] == f"features dropped: deadline of {DEADLINE_MS} ms"
        assert (decision["score"], decision["action"]) == (None, "review")
        assert doors.decided(amount=100, deadline_ms=DEADLINE_MS)["action"] == "approve"
        assert doors.engine.desks[Product.PAYMENT].state is state
    told = [doors.decided(deadline_ms=DEADLINE_MS)["degraded"] for _ in range(40)]
    assert told[0] == f"features dropped: deadline of {DEADLINE_MS} ms"
    assert told[-1] is False


def test_reading_that_turns_out_too_slow_is_cut_short(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    state = doors.engine.desks[Product.PAYMENT].state
    vector = state.vector

    def crawling(event: Any) -> Any:
        time.sleep(DEADLINE_MS / 1000 + 0.5)
        return vector(event)

    with monkeypatch.context() as patch:
        patch.setattr(state, "vector", crawling, raising=False)
        decision = doors.decided(deadline_ms=DEADLINE_MS)
        assert decision["degraded"] == f"features dropped: deadline of {DEADLINE_MS} ms"
        assert doors.engine.desks[Product.PAYMENT].state is None
        # Its reader comes back; then it rests for ten times as long as that took.
        until(lambda: doors.engine._rescue._rests)
        assert doors.decided(deadline_ms=DEADLINE_MS)["degraded"] == "features dropped: the state is too slow"
    doors.engine._rescue._rests.clear()
    until(lambda: doors.engine.desks[Product.PAYMENT].state is state)
    assert doors.decided(deadline_ms=DEADLINE_MS)["degraded"] is False


def test_everything_above_replays_and_was_learnt_once(doors: Doors) -> None:
    books = doors.engine.committing
    replayer = Replayer(books.ledger, books.journal, doors.home.bundles)
    for row in books.ledger.read("payment").to_pylist():
        same, expected, got = replayer.replay(row["decision_id"])
        assert same, (expected, got)
    assert books.ledger.verify() == []
