"""A challenger in the shadow scores what was decided as it would have been asked, and never in anybody's way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from domain.decision import Product
from features.replay import build_snapshot
from scoring.bundle import load_bundle
from serving.books import Books
from serving.deployments import started_state
from serving.logs import json_logger
from serving.shadow import Rules, Shadow
from stores.bundles import point, unpoint
from stores.ledger import Ledger
from stores.shadow import ShadowStore
from tests.serving import world
from tests.serving.doors import Doors, until

PAYMENT = Product.PAYMENT


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(tmp_path_factory.mktemp("shadow"), products=(PAYMENT,))
    yield made
    made.close()


@pytest.fixture
def store(doors: Doors) -> Iterator[ShadowStore]:
    made = ShadowStore(doors.home.shadow)
    yield made
    made.close()


def told(doors: Doors) -> dict[str, Any]:
    return dict(doors.send("GET", "/v1/models").json()["payment"])


def pay(doors: Doors, n: int) -> list[dict[str, Any]]:
    requests = world.payment_stream(n, 4, world.START, prefix=f"{doors.key()}-")
    answers = doors.together([{"path": "/v1/payments/score", "body": request} for request in requests])
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


def shadowed(doors: Doors, **how: Any) -> str:
    digest = world.deploy(doors.home, PAYMENT, role="shadow", **how)
    until(lambda: told(doors)["shadow"] == digest)
    return digest


def metric(doors: Doors, result: str) -> float:
    text = doors.send("GET", "/v1/metrics", client="metrics").text
    name = f'assay_shadow_total{{product="payment",result="{result}"}} '
    return sum(float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))


@pytest.mark.parametrize("how", [{"seed": 6}, {"seed": 5, "views": False}], ids=["same features", "other features"])
def test_each_decision_is_scored_as_a_replay_would(doors: Doors, store: ShadowStore, how: dict[str, Any]) -> None:
    pay(doors, 10)
    digest = shadowed(doors, **how)
    answers = pay(doors, 50)
    # Facts in between are learnt as well.
    fact = {"event_id": doors.key(), "event_time": "2025-10-31T22:00:00Z", "kind": "authentication", "method": "otp",
            "customer_id": "c1", "result": "failed"}  # fmt: skip
    assert doors.send("POST", "/v1/events", fact).status_code == 200
    answers += pay(doors, 20)
    until(lambda: store.read(digest).num_rows == len(answers))
    kept = store.read(digest)
    assert set(kept["decision_id"].to_pylist()) == {answer["decision_id"] for answer in answers}
    # Nobody is told, and nothing of it decides.
    assert {answer["versions"]["model"] for answer in answers} == {told(doors)["model"]} != {digest}
    bundle = load_bundle(doors.home.bundles / digest, score_golden_in_child=False)
    books = Books.open(doors.home, {}, 10.0)
    try:
        offline = build_snapshot(
            bundle.feature_set, books.journal, bundle.platform, subjects=kept["seq"].combine_chunks(), threads=1
        )
    finally:
        books.close()
    assert offline.table["seq"].to_pylist() == kept["seq"].to_pylist()
    raw = bundle.scorer.raw_many(bundle.encoder.matrix(offline.table))
    assert raw.tobytes() == np.array(kept["raw_score"].to_pylist()).tobytes()
    assert np.asarray(bundle.calibrator.probability(raw)).tobytes() == np.array(kept["score"].to_pylist()).tobytes()
    assert metric(doors, "scored") >= len(answers)
    assert not store.skipped(digest)
    unpoint(doors.home.pointers, "payment.shadow")
    until(lambda: told(doors)["shadow"] is None)


def test_a_shadow_that_breaks_or_hangs_disturbs_nobody(
    doors: Doors, store: ShadowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = shadowed(doors, seed=7)
    (shadow,) = doors.engine.shadows._shadows.values()
    hangs, hanging, released = threading.Event(), threading.Event(), threading.Event()

    class Slow:
        def raw(self, row: Any) -> float:
            if not hangs.is_set():
                raise RuntimeError("broken")
            hanging.set()
            assert released.wait(60)
            # Longer than a shadow may take, each time.
            time.sleep(2 * doors.runtime.settings.shadow_timeout_ms / 1e3)
            return 0.0

    whole = shadow.bundle
    broken = type("Broken", (), {name: getattr(whole, name) for name in ("hash", "encoder", "calibrator", "cutoffs")})
    broken.scorer = Slow()  # type: ignore[attr-defined]
    monkeypatch.setattr(shadow, "bundle", broken)
    answers = pay(doors, 10)
    until(lambda: store.skipped(digest).get("failed") == 10)
    hangs.set()
    answers += pay(doors, 10)
    # All are answered, and more, while the shadow does not come back from the first.
    assert hanging.wait(60)
    answers += pay(doors, 5)
    assert not store.skipped(digest).get("timeout")
    released.set()
    until(lambda: store.skipped(digest).get("timeout") == 15)
    monkeypatch.setattr(shadow, "bundle", whole)
    answers = pay(doors, 5)
    until(lambda: store.read(digest).num_rows == 5)
    assert metric(doors, "failed") == 10
    assert metric(doors, "timeout") == 15


def test_a_bad_bundle_leaves_the_shadow_at_work(doors: Doors, store: ShadowStore) -> None:
    digest = shadowed(doors, seed=8)
    point(doors.home.pointers, "payment.shadow", "0" * 64, 3)
    until(lambda: told(doors)["shadow_refused"] is not None)
    before = store.read(digest).num_rows
    pay(doors, 5)
    until(lambda: store.read(digest).num_rows == before + 5)
    assert told(doors)["shadow"] == digest
    assert told(doors)["refused"] is None


def test_what_was_missed_while_it_was_down_is_counted(doors: Doors, store: ShadowStore) -> None:
    digest = shadowed(doors, seed=6)
    pay(doors, 4)
    until(lambda: store.read(digest).num_rows > 0)
    rows = store.read(digest).num_rows
    until(lambda: store.read(digest).num_rows >= rows)
    doors.engine.shadows.stop()
    missed = len(pay(doors, 6))
    doors.restart()
    until(lambda: told(doors)["shadow"] == digest)
    until(lambda: store.skipped(digest).get("restart", 0) >= missed)
    pay(doors, 3)
    until(lambda: metric(doors, "scored") >= 3)


def shadow_by_hand(doors: Doors, books: Books, digest: str, limit: int) -> Shadow:
    bundle = load_bundle(doors.home.bundles / digest, score_golden_in_child=False)
    state = started_state(bundle, doors.home, books.journal, json_logger(doors.log))
    policies = doors.engine.deployments._policies
    rules = Rules(policies.policy, lambda: policies.lists)
    return Shadow(PAYMENT, bundle, state, rules, limit=limit, cap_ns=10**10, ticks=time.perf_counter_ns)


def test_more_than_may_wait_are_dropped_oldest_first_and_counted(doors: Doors, store: ShadowStore) -> None:
    unpoint(doors.home.pointers, "payment.shadow")
    digest = world.deploy(doors.home, PAYMENT, seed=9, role="aside")
    books = Books.open(doors.home, {}, 10.0)
    try:
        shadow = shadow_by_hand(doors, books, digest, limit=12)
        answers = pay(doors, 40)
        result = shadow.turn(books, store, lambda: False)
        assert (result["scored"], result["queue"]) == (12, 28)
        assert store.skipped(digest) == {"queue": 28}
        kept = store.read(digest)
        # The newest in the order of the journal, scored as if none had been left out.
        order = [d.decision_id for d in books.ledger.between("payment", 0, 2**60)][-12:]
        assert kept["decision_id"].to_pylist() == order
        assert set(order) <= {answer["decision_id"] for answer in answers}
        offline = build_snapshot(
            shadow.bundle.feature_set, books.journal, shadow.bundle.platform,
            subjects=kept["seq"].combine_chunks(), threads=1,
        )  # fmt: skip
        raw = shadow.bundle.scorer.raw_many(shadow.bundle.encoder.matrix(offline.table))
        assert raw.tobytes() == np.array(kept["raw_score"].to_pylist()).tobytes()
        assert shadow.turn(books, store, lambda: False) == {}
    finally:
        books.close()


def test_shadow_scores_lie_outside_the_chain(doors: Doors) -> None:
    books = Books.open(doors.home, {}, 10.0)
    try:
        assert isinstance(books.ledger, Ledger)
        assert not books.ledger.verify()
        tables = {name for (name,) in books.database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert "shadow" not in tables
    finally:
        books.close()
