"""Reading: search and its pages, outcomes with their history, explanations for two kinds of readers, lists, models."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.labels import FRAUD_POLICY
from domain.restricted import restricted_texts
from domain.time import format_instant
from serving.books import Books
from tests.serving import world
from tests.serving.doors import Doors

N = 24


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    doors = Doors(tmp_path_factory.mktemp("reading"))
    for number, request in enumerate(world.payment_stream(N, 11, world.START, prefix="s")):
        doors.now = world.now_like(number)
        amount = 90_000_000 if number % 6 == 0 else 1_000
        client = "second" if number % 4 == 0 else "flow"
        assert doors.pay({**request, "amount": amount, "currency": "CNY"}, client=client).status_code == 200
    for request in world.application_stream(4, 12, world.START, prefix="sl"):
        assert doors.send("POST", "/v1/loans/score", request).status_code == 200
    yield doors
    doors.close()


def found(doors: Doors, query: str = "", client: str = "analyst") -> list[dict[str, Any]]:
    answer = doors.send("GET", f"/v1/decisions?limit=200&{query}".rstrip("&"), client=client)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_search_finds_what_a_plain_loop_finds(desk: Doors) -> None:
    everything = found(desk)
    assert len(everything) == N + 4
    assert [one["decided_at"] for one in everything] == sorted((one["decided_at"] for one in everything), reverse=True)
    middle = format_instant(world.now_like(10))
    for query, holds in (
        ("product=loan", lambda one: one["product"] == "loan"),
        ("action=review", lambda one: one["action"] == "review"),
        ("grade=normal&product=payment", lambda one: one["risk_grade"] == "normal" and one["product"] == "payment"),
        (f"since={middle}", lambda one: one["decided_at"] >= middle),
        (f"until={middle}&client=flow", lambda one: one["decided_at"] < middle and one["client"] == "flow"),
        ("client=nobody", lambda one: False),
    ):
        expected = [one for one in everything if holds(one)]
        assert found(desk, query) == expected, query
        assert expected or "nobody" in query, query


def test_pages_join_to_the_whole(desk: Doors) -> None:
    seen, cursor = [], ""
    while True:
        page = desk.send("GET", f"/v1/decisions?limit=5{cursor}", client="analyst").json()
        seen += page["items"]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert seen == found(desk)


def test_a_scorer_finds_its_own_only(desk: Doors) -> None:
    assert {one["client"] for one in found(desk, client="second")} == {"second"}
    assert len(found(desk, client="second")) == N // 4
    assert found(desk, "client=second", client="second") == found(desk, client="second")
    answer = desk.send("GET", "/v1/decisions?client=flow", client="second")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_customer_is_found_by_the_token_and_not_by_the_identifier(desk: Doors) -> None:
    books = Books.open(desk.home, {}, 10.0)
    raw = [request["customer_id"] for request in world.payment_stream(N, 11, world.START, prefix="s")]
    token = books.vault.known("customer_id", raw[0])
    for flushed in (False, True):
        if flushed:
            books.journal.flush()
        assert len(found(desk, f"customer={token}")) == raw.count(raw[0])
        assert found(desk, f"customer={token}&client=nobody") == []
    assert found(desk, f"customer={raw[0]}") == []
    books.close()


@pytest.mark.parametrize(
    "query", ["product=car", "since=yesterday", "since=2026-01-01T00:00:00", "limit=0", "limit=x", "cursor=-1", "x=1",
              "action=explode", "limit=5&limit=5", "grade", "customer=%ff", "client=",
              "customer=" + 129 * "y", "cursor=99999999999999999999"],
)  # fmt: skip
def test_a_wrong_query_is_refused_without_its_content(desk: Doors, query: str) -> None:
    answer = desk.send("GET", f"/v1/decisions?{query}", client="analyst")
    assert (answer.status_code, answer.json()["code"]) == (422, "query")
    assert "explode" not in answer.text


def test_a_search_has_its_time(desk: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    from stores import decision_search

    monkeypatch.setattr(decision_search, "_STEPS", 1)
    monkeypatch.setattr(decision_search.time, "monotonic", iter(range(10**6)).__next__)
    answer = desk.send("GET", "/v1/decisions", client="analyst")
    assert (answer.status_code, answer.json()["code"]) == (422, "search_too_wide")
    monkeypatch.undo()
    assert found(desk)


# ------------------------------------------------------------------ outcomes


def test_outcomes_are_told_in_the_order_they_became_known_with_their_label(desk: Doors) -> None:
    (decision,) = [one for one in found(desk) if one["event_id"] == "s6"]
    path = f"/v1/decisions/{decision['decision_id']}/outcomes"
    empty = desk.send("GET", path, client="analyst").json()
    assert (empty["label"], empty["items"], empty["policy"]) == (None, [], FRAUD_POLICY.version)
    said = [("step_up_passed", None), ("chargeback_fraud", "positive"), ("correction_genuine", "negative")]
    for number, (code, label) in enumerate(said, start=1):
        desk.now += 1_000_000
        body = {"subject_event_id": "s6", "code": code, "source": "issuer"}
        if decision["client"] != "flow":
            body["subject_client"] = decision["client"]
        assert desk.send("POST", "/v1/outcomes", body).status_code == 200
        told = desk.send("GET", path, client="analyst").json()
        assert [one["code"] for one in told["items"]] == [each for each, _ in said[:number]]
        # A passed step-up is never by itself good.
        assert told["label"] == label
    other = next(one for one in found(desk) if one["event_id"] == "s7")
    assert desk.send("GET", f"/v1/decisions/{other['decision_id']}/outcomes", client="analyst").json()["items"] == []


# -------------------------------------------------------------- explanations


def explanation(doors: Doors, decision_id: str, client: str) -> httpx.Response:
    return doors.send("GET", f"/v1/decisions/{decision_id}/explanation", client=client)


def test_an_analyst_gets_all_of_it_and_a_scorer_what_a_customer_may_read(desk: Doors) -> None:
    mine = next(one for one in found(desk, "action=review&client=flow"))
    whole = explanation(desk, mine["decision_id"], "analyst")
    assert whole.status_code == 200, whole.text
    told = whole.json()
    assert told["receipt"]["replays"]
    assert told["receipt"]["link_holds"]
    assert abs(sum(one["push"] for one in told["waterfall"]["concepts"])
               - (told["waterfall"]["raw"] - told["waterfall"]["reference"])) < 1e-9  # fmt: skip
    safe = explanation(desk, mine["decision_id"], "flow").json()
    assert set(safe) == {"decision_id", "product", "action", "reasons"}
    assert safe["reasons"]
    assert all(set(reason) == {"code", "zh", "en"} for reason in safe["reasons"])
    assert restricted_texts([whole.text, str(safe)]) == []


def test_an_approval_is_explained_on_demand(desk: Doors) -> None:
    mine = next(one for one in found(desk, "action=approve&client=flow"))
    assert explanation(desk, mine["decision_id"], "flow").json()["action"] == "approve"
    assert desk.send("GET", f"/v1/decisions/{mine['decision_id']}", client="flow").json()["reasons"] == []


def test_a_child_that_dies_is_replaced_and_what_is_gone_is_told(desk: Doors, tmp_path: Path) -> None:
    mine = found(desk, "action=review&client=flow")[0]
    assert explanation(desk, mine["decision_id"], "flow").status_code == 200
    pid = desk.runtime.explaining.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert explanation(desk, mine["decision_id"], "flow").status_code == 503
    folder = desk.home.bundles / mine["model"]
    folder.rename(tmp_path / "aside")
    try:
        answer = explanation(desk, mine["decision_id"], "analyst")
        assert (answer.status_code, answer.json()["code"]) == (410, "explanation_gone")
    finally:
        (tmp_path / "aside").rename(folder)
    assert explanation(desk, mine["decision_id"], "flow").status_code == 200
    assert desk.runtime.explaining.pid != pid


def test_lists_and_models_are_told(desk: Doors) -> None:
    lists = desk.send("GET", "/v1/lists", client="analyst").json()
    assert set(lists) == {"payment", "loan"}
    assert "entries" in lists["payment"]
    assert desk.send("GET", "/v1/models", client="flow").json()["payment"]["name"] == "fraud"
