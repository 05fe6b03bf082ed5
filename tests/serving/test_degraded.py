"""Each part is broken in turn; every payment is answered and the answer says what was missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from domain.decision import Product
from domain.errors import ModelError
from scoring.replay import Replayer
from serving.kill_switch import KILL_FILE
from tests.serving import world
from tests.serving.doors import Doors


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(tmp_path_factory.mktemp("degraded"), products=(Product.PAYMENT,))
    yield made
    made.close()


def risky(doors: Doors, **body: Any) -> dict[str, Any]:
    """The decision on a payment that needs reasons."""
    (request,) = world.payment_stream(1, 3, world.START, prefix=f"r{doors.key()}-")
    answer = doors.pay({**request, "amount": 3_000_000, "currency": "CNY", **body})
    assert answer.status_code == 200, answer.text
    decision: dict[str, Any] = answer.json()
    return decision


def test_nothing_missing(doors: Doors) -> None:
    decision = risky(doors)
    assert decision["degraded"] is False
    assert decision["action"] != "approve"
    assert decision["reasons"]
    assert decision["score"] > 0.2
    assert set(decision["timings_us"]) == {"wait", "admit", "features", "rules", "score", "reasons", "policy", "total"}


def test_a_deadline_drops_the_reasons_first_and_then_the_model(doors: Doors) -> None:
    decider = doors.engine._decider
    decider._cost.update(score=1_000_000, reasons=40_000_000_000)
    decision = risky(doors, deadline_ms=10_000)
    assert decision["degraded"] == "reasons dropped: deadline of 10000 ms"
    assert decision["score"] is not None
    assert decision["reasons"] == []
    decider._cost.update(score=40_000_000_000)
    decision = risky(doors, deadline_ms=10_000)
    assert decision["degraded"] == "model dropped: deadline of 10000 ms"
    assert decision["score"] is None
    # What it costs here is learnt again.
    decider._cost.update(score=1_000_000, reasons=1_000_000)
    assert risky(doors, deadline_ms=10_000)["degraded"] is False


def test_a_late_request_is_still_answered(doors: Doors) -> None:
    assert "deadline of 1 ms" in str(risky(doors, deadline_ms=1)["degraded"])


def test_the_kill_switch_leaves_the_rules_alone_at_once(doors: Doors) -> None:
    switch = doors.home.pointers / KILL_FILE
    switch.touch()
    try:
        decision = risky(doors)
        assert decision["degraded"] == "model dropped: kill switch"
        assert (decision["score"], decision["action"]) == (None, "review")
        small = risky(doors, amount=100)
        assert small["action"] == "approve"
    finally:
        switch.unlink()
    assert risky(doors)["degraded"] is False


@pytest.mark.parametrize(
    ("part", "method", "told"),
    [
        ("scorer", "raw", "model dropped: the model failed"),
        ("explainer", "contributions", "reasons dropped: the explainer failed"),
        ("calibrator", "probability", "model dropped: the model failed"),
    ],
)
def test_a_broken_part_of_the_model_is_done_without(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, part: str, method: str, told: str
) -> None:
    def broken(*_: Any) -> Any:
        raise ModelError("broken on purpose")

    found = getattr(doors.engine.desks[Product.PAYMENT].bundle, part)
    with monkeypatch.context() as patch:
        patch.setattr(type(found), method, broken)
        decision = risky(doors)
    assert decision["degraded"] == told
    assert risky(doors)["degraded"] is False


def test_a_broken_state_is_done_without(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    state = doors.engine.desks[Product.PAYMENT].state

    def broken(_: Any) -> Any:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(state, "vector", broken, raising=False)
        decision = risky(doors)
    assert decision["degraded"] == "features dropped: the state failed"
    assert risky(doors)["degraded"] is False


def test_a_loan_without_a_model_is_referred(doors: Doors) -> None:
    (request,) = world.application_stream(1, 3, world.START)
    decision = doors.send("POST", "/v1/loans/score", request).json()
    assert (decision["action"], decision["degraded"]) == ("refer", "model dropped: no model is deployed")
    assert decision["versions"]["model"] == "none"


def test_every_decision_above_replays_bit_for_bit(doors: Doors) -> None:
    books = doors.engine.committing
    replayer = Replayer(books.ledger, books.journal, doors.home.bundles)
    decided = [*books.ledger.read("payment").to_pylist(), *books.ledger.read("loan").to_pylist()]
    kinds = {str(msgspec.json.decode(row["body"])["degraded"]).split(":")[0] for row in decided}
    assert kinds == {"False", "reasons dropped", "model dropped", "features dropped"}
    for row in decided:
        same, expected, got = replayer.replay(row["decision_id"])
        assert same, (expected, got)
    assert books.ledger.verify() == []


def test_metrics_tell_of_it(doors: Doors) -> None:
    text = doors.send("GET", "/v1/metrics", client="metrics").text
    degraded = next(line for line in text.splitlines() if line.startswith('assay_degraded_total{product="payment"}'))
    assert float(degraded.split()[1]) >= 7
    for name in ("assay_stage_seconds_bucket", "assay_decisions_total", "assay_queue_length", "assay_reloads_total"):
        assert name in text


def test_vectors_are_right_all_the_same(doors: Doors) -> None:
    """Decisions made without features have no vector; every other one has the right one."""
    books = doors.engine.committing
    books.database.execute("SELECT 1")
    decided = books.ledger.read("payment")
    assert decided["vector"].null_count == 1
