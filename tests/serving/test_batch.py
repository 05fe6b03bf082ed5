"""A batch is so many decisions: each as it would be alone, durable, chained, once; and one answer under one key."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from unittest import mock

import pytest

from serving import batch
from serving.books import Books
from tests.serving import world
from tests.serving.doors import Doors

PATH = "/v1/payments/score:batch"
CANARY = "canary4111111111111111"


def payments(n: int, prefix: str, seed: int = 7) -> list[dict[str, Any]]:
    return world.payment_stream(n, seed, world.START, prefix=prefix)


def rows(doors: Doors, prefix: str) -> int:
    books = Books.open(doors.home, {}, 10.0)
    try:
        assert books.ledger.verify() == []
        return int(books.database.one("SELECT count(*) FROM decision WHERE event_id LIKE ?", (prefix + "%",))[0])
    finally:
        books.close()


def test_answers_stand_in_order_and_are_those_of_single_requests(doors: Doors) -> None:
    items = payments(40, "b-a")
    answer = doors.send("POST", PATH, items)
    assert answer.status_code == 200, answer.text
    told = answer.json()["items"]
    assert [one["decision"]["event_id"] for one in told] == [item["event_id"] for item in items]
    for one in told[::13]:
        single = doors.send("GET", f"/v1/decisions/{one['decision']['decision_id']}", client="flow")
        assert single.json() == one["decision"]
    assert rows(doors, "b-a") == 40


def test_a_retry_gives_the_same_bytes_and_counts_nothing_twice(doors: Doors) -> None:
    items = payments(20, "b-r")
    first = doors.send("POST", PATH, items, key="b-r")
    before = doors.counts()
    second = doors.send("POST", PATH, items, key="b-r")
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert doors.counts() == before
    other = doors.send("POST", PATH, items[:-1], key="b-r")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    single = doors.pay(items[0], key="b-r")
    assert (single.status_code, single.json()["code"]) == (422, "idempotency_key_reused")


def test_only_the_whole_answer_is_kept(doors: Doors) -> None:
    before = doors.counts()["idempotency"]
    doors.send("POST", PATH, payments(20, "b-k"))
    assert doors.counts()["idempotency"] == before + 1


def test_a_bad_item_has_its_own_problem_and_harms_no_other(doors: Doors) -> None:
    good = payments(3, "b-m")
    items = [good[0], {**good[1], "amount": True}, CANARY, {**good[1], CANARY: CANARY}, good[0], good[2], [], None]
    answer = doors.send("POST", PATH, items)
    told = answer.json()["items"]
    assert [one["status"] for one in told] == [200, 422, 422, 422, 409, 200, 422, 422]
    assert [one.get("problem", {}).get("code") for one in told] == [
        None, "invalid_field", "invalid_field", "unknown_field", "duplicate_event", None, "invalid_field",
        "invalid_field",
    ]  # fmt: skip
    assert CANARY not in answer.text
    assert rows(doors, "b-m") == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"[]", 422, "batch_size"),
        (b"{}", 422, "invalid_field"),
        (b'{"items": []}', 422, "invalid_field"),
        (b"[1,", 400, "bad_json"),
        (b"", 400, "bad_json"),
        (b"\xff", 400, "bad_json"),
        (b"[" * 30_000, 400, "bad_json"),
        (b"[" + b"{}," * 1_000 + b"{}]", 422, "batch_size"),
        (b'["' + b"x" * 1_048_576 + b'"]', 413, "body_too_large"),
    ],
)
def test_a_wrong_batch_is_refused_whole(doors: Doors, body: bytes, status: int, code: str) -> None:
    before = doors.counts()
    answer = doors.send("POST", PATH, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert doors.counts() == before


def test_an_item_as_hostile_as_a_body_can_be(doors: Doors) -> None:
    payment = json.dumps(payments(1, "b-h")[0]).encode()
    hostile = [
        payment[:-1] + b', "amount": 5}', payment[:-1] + b', "latitude": 1e999}', b"[" * 200 + b"]" * 200,
        payment[:-1] + b', "latitude": ' + b"[" * 200 + b"]" * 200 + b"}",
    ]  # fmt: skip
    told = doors.send("POST", PATH, b"[" + b",".join(hostile) + b"]").json()["items"]
    assert [one["problem"]["code"] for one in told] == ["duplicate_key", "invalid_field", "invalid_field",
                                                        "invalid_field"]  # fmt: skip
    bare = doors.send("POST", PATH, b"[" + payment[:-1] + b', "latitude": NaN}]')
    assert (bare.status_code, bare.json()["code"]) == (422, "not_finite")
    assert doors.send("POST", PATH, b"[" + payment).json()["code"] == "bad_json"


def test_a_batch_of_a_thousand_lets_single_payments_pass(doors: Doors) -> None:
    items = payments(1_000, "b-t")
    single = payments(1, "b-s")[0]
    waited: list[dict[str, int]] = []

    async def both() -> Any:
        long = asyncio.ensure_future(doors._request("POST", PATH, items, "flow", None, None))
        while not long.done():
            number = len(waited)
            event = {**single, "event_id": f"b-s-{number}"}
            answer = await doors._request("POST", "/v1/payments/score", event, "flow", None, None)
            waited.append(answer.json()["timings_us"])
        return await long

    answer = doors.run(both)
    assert [one["status"] for one in answer.json()["items"]] == [200] * 1_000
    assert len(waited) > 2, "nothing passed between"
    # At most one transaction of the batch stands before a single payment.
    assert rows(doors, "b-t") == 1_000


def test_a_batch_that_was_cut_off_goes_on_under_its_key(doors: Doors) -> None:
    items = payments(30, "b-c")
    done = 0
    real = batch.commit

    async def breaks(runtime: Any, work: Any) -> Any:
        nonlocal done
        done += 1
        if work.kind.value == "decide" and done >= 15:
            raise batch.unavailable("store: gone")
        return await real(runtime, work)

    with mock.patch.object(batch, "commit", breaks):
        cut = doors.send("POST", PATH, items, key="b-c")
    assert cut.status_code == 503
    assert 0 < rows(doors, "b-c") < 30
    other = doors.send("POST", PATH, [*items[:-1], payments(1, "b-z")[0]], key="b-c")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    again = doors.send("POST", PATH, items, key="b-c")
    assert [one["status"] for one in again.json()["items"]] == [200] * 30
    assert rows(doors, "b-c") == 30
    assert doors.send("POST", PATH, items, key="b-c").content == again.content


def test_one_batch_at_a_time_under_a_key(doors: Doors) -> None:
    items = payments(60, "b-f")
    first, second = doors.together([{"path": PATH, "body": items, "key": "b-f"}] * 2)
    assert sorted((first.status_code, second.status_code)) == [200, 409]
    assert rows(doors, "b-f") == 60
