"""What Prometheus reads is what happened: each figure against its own plain count."""

from __future__ import annotations

import re
import threading
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from domain.decision import Product
from serving.books import Books
from serving.door_metrics import DoorMetrics
from serving.metrics import Metrics
from serving.work import Observed
from tests.serving import world
from tests.serving.doors import Doors

N = 12


@pytest.fixture(scope="module")
def told(doors: Doors) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    for request in world.payment_stream(N, 17, world.START, prefix="m-"):
        assert doors.pay({**request, "amount": 90_000_000, "currency": "CNY"}).status_code == 200
    first = doors.send("POST", "/v1/payments/score", {}, client="flow")
    assert first.status_code == 422
    books = Books.open(doors.home, {}, 10.0)
    (decision_id,) = books.database.one("SELECT decision_id FROM alert LIMIT 1")
    books.close()
    assert doors.send("POST", f"/v1/decisions/{decision_id}/review", {"asked_by": "client"}).status_code == 200
    text = doors.send("GET", "/v1/metrics", client="metrics").text
    return samples(text)


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(told: Any, name: str, **labels: str) -> float:
    found: float = told["assay_" + name, tuple(sorted(labels.items()))]
    return found


def test_decisions_alerts_reviews_and_links(doors: Doors, told: Any) -> None:
    books = Books.open(doors.home, {}, 10.0)
    rows = books.database.execute("SELECT product, action, risk_grade, score FROM decision")
    for product, action, grade in {row[:3] for row in rows}:
        n = sum(row[:3] == (product, action, grade) for row in rows)
        assert value(told, "decisions_total", product=product, action=action, risk_grade=grade) == n
    assert value(told, "score_count", product="payment") == N
    below = sum(row[3] <= 0.5 for row in rows)
    assert value(told, "score_bucket", product="payment", le="0.5") == below
    assert value(told, "ledger_links") == len(rows) == N
    assert value(told, "alerts", product="payment", status="open") == sum(row[1] != "approve" for row in rows)
    assert value(told, "open_reviews") == 1
    books.close()


def test_what_the_states_keep(doors: Doors, told: Any) -> None:
    kept = [state.holdings for state in doors.engine.desks.states()]
    payments = doors.engine.desks[Product.PAYMENT].state.holdings
    sent = world.payment_stream(N, 17, world.START)
    for entity in ("customer_id", "merchant_id"):
        assert len(payments.first[entity]) == len({request[entity] for request in sent})
    assert value(told, "state_entities") == sum(len(known) for each in kept for known in each.first.values())
    assert value(told, "state_bytes") == 8 * sum(each.memory.pool.size + each.memory.meta.size for each in kept)


def test_every_stage_has_its_latency(told: Any) -> None:
    for stage in ("wait", "admit", "features", "rules", "score", "reasons", "policy", "total"):
        assert value(told, "stage_seconds_count", stage=stage) == N, stage
    assert value(told, "stage_seconds_count", stage="commit") > 0
    assert value(told, "requests_total", route="/payments/score", status="422") == 1
    assert value(told, "request_seconds_count", route="/payments/score") == N + 1
    assert (value(told, "ready"), value(told, "kill_switch"), value(told, "queue_length")) == (1, 0, 0)


def test_missing_features_are_counted_as_in_the_vectors_of_the_ledger(doors: Doors, told: Any) -> None:
    books = Books.open(doors.home, {}, 10.0)
    names = doors.engine.desks[Product.PAYMENT].bundle.encoder.names
    vectors = [np.frombuffer(v, "<f8") for (v,) in books.database.execute("SELECT vector FROM decision")]
    nulls = np.isnan(np.array(vectors)).sum(axis=0)
    assert nulls.any()
    for name, n in zip(names, nulls, strict=True):
        assert value(told, "feature_nulls_total", product="payment", feature=name) == n
    assert value(told, "feature_rows_total", product="payment") == N
    books.close()


def test_no_label_can_be_chosen_by_a_caller(doors: Doors, told: Any) -> None:
    for path in ("/v1/canary4111", "/v1/decisions/canary4111", "/v1/payments/canary4111"):
        doors.send("GET", path, client="analyst")
    assert not re.search("canary4111", doors.send("GET", "/v1/metrics", client="metrics").text)


def test_what_is_counted_together_is_what_was_told_one_by_one() -> None:
    rng, metrics, doors = np.random.default_rng(3), Metrics(), DoorMetrics()
    names = ("amount", "pace")
    rows = [np.where(rng.random(2) < 0.3, np.nan, 1.0) for _ in range(1_000)]
    decided = [
        Observed(
            "payment", ("approve", "review")[n % 2], "normal", n % 7 == 0, None if n % 5 == 0 else n / 1_000,
            {"features": n, "total": 3 * n}, names, None if n % 5 == 0 else row,
        )
        for n, row in enumerate(rows)
    ]  # fmt: skip
    threads = [
        threading.Thread(target=lambda part=decided[place::4]: [metrics.decided(each) for each in part])  # type: ignore[misc]
        for place in range(4)
    ]
    threads.append(threading.Thread(target=lambda: [doors.answered("/x", 200 + n % 3, n / 1e3) for n in range(1_000)]))
    threads.append(threading.Thread(target=lambda: [metrics.text() + doors.text(ready=True) for _ in range(20)]))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = samples((metrics.text() + doors.text(ready=True)).decode())
    assert value(told, "decisions_total", product="payment", action="review", risk_grade="normal") == 500
    assert value(told, "degraded_total", product="payment") == sum(each.degraded for each in decided)
    assert value(told, "score_bucket", product="payment", le="0.1") == sum(n % 5 != 0 for n in range(101))
    assert value(told, "feature_nulls_total", product="payment", feature="pace") == sum(
        np.isnan(each.row[1]) for each in decided if each.row is not None
    )
    assert value(told, "feature_rows_total", product="payment") == 800
    assert value(told, "stage_seconds_count", stage="total") == 1_000
    assert value(told, "stage_seconds_sum", stage="features") == pytest.approx(sum(range(1_000)) / 1e6)
    assert value(told, "stage_seconds_bucket", stage="total", le="0.001") == sum(3 * n <= 1_000 for n in range(1_000))
    assert value(told, "requests_total", route="/x", status="201") == 333
    assert value(told, "request_seconds_count", route="/x") == 1_000
