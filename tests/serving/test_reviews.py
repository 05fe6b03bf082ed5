"""Appeals and alerts: a person decides, it is recorded beside the decision, and the decision stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from serving.books import Books
from tests.serving import world
from tests.serving.doors import Doors

CANARY = "canary-4111-words"
ASK = {"asked_by": "customer", "contact": f"{CANARY}@mail", "statement": f"{CANARY} it was me"}


def decided(doors: Doors, event_id: str, amount: int = 90_000_000, client: str = "flow") -> dict[str, Any]:
    (request,) = world.payment_stream(1, 3, world.START)
    answer = doors.pay({**request, "event_id": event_id, "amount": amount, "currency": "CNY"}, client=client)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture
def refused(doors: Doors, request: pytest.FixtureRequest) -> dict[str, Any]:
    decision = decided(doors, f"rv-{request.node.name}"[:120])
    assert decision["action"] != "approve"
    return decision


def books_of(doors: Doors) -> Books:
    return Books.open(doors.home, {}, 10.0)


# ------------------------------------------------------------------- appeals


def test_a_decision_is_asked_about_overturned_and_stays_as_it_was(doors: Doors, refused: dict[str, Any]) -> None:
    path = f"/v1/decisions/{refused['decision_id']}"
    before = doors.send("GET", path, client="flow").content
    asked = doors.send("POST", f"{path}/review", ASK, client="flow")
    assert (asked.status_code, asked.json()["status"]) == (200, "open"), asked.text
    waiting = doors.send("GET", "/v1/reviews", client="reviewer").json()["items"]
    (mine,) = [one for one in waiting if one["decision_id"] == refused["decision_id"]]
    assert (mine["statement"], mine["contact"], mine["client"]) == (ASK["statement"], ASK["contact"], "flow")
    verdict = {"verdict": "overturned", "action": "approve", "note": f"{CANARY} called back"}
    answer = doors.send("POST", f"{path}/review/verdict", verdict, client="reviewer")
    assert answer.json() == {
        "decision_id": refused["decision_id"], "review_id": asked.json()["review_id"], "status": "decided",
        "verdict": "overturned", "action": "approve",
    }  # fmt: skip
    # The one who asked reads what was decided, and none of the reviewer's words.
    told = doors.send("GET", f"{path}/review", client="flow").json()
    assert (told["action"], told["items"][0]["verdict"]["action"]) == (refused["action"], "approve")
    assert CANARY not in str(told)
    whole = doors.send("GET", f"{path}/review", client="analyst").json()["items"][0]
    assert (whole["verdict"]["by"], whole["verdict"]["note"]) == ("reviewer", verdict["note"])
    assert doors.send("GET", path, client="flow").content == before
    assert refused["decision_id"] not in doors.send("GET", "/v1/reviews", client="reviewer").text
    books = books_of(doors)
    assert books.ledger.verify() == books.acts.verify() == []
    assert books.appeals.counts(0, 2**62)[1] >= 1
    books.close()


def test_one_open_review_at_a_time_and_another_after_the_verdict(doors: Doors, refused: dict[str, Any]) -> None:
    path = f"/v1/decisions/{refused['decision_id']}/review"
    first = doors.send("POST", path, {"asked_by": "client"})
    again = doors.send("POST", path, {"asked_by": "client"})
    assert (again.status_code, again.json()["code"], again.json()["review_id"]) == (
        409, "review_open", first.json()["review_id"],
    )  # fmt: skip
    upheld = {"verdict": "upheld", "note": "as it should be"}
    assert doors.send("POST", f"{path}/verdict", upheld, client="reviewer").status_code == 200
    late = doors.send("POST", f"{path}/verdict", upheld, client="reviewer")
    assert (late.status_code, late.json()["code"]) == (409, "no_open_review")
    assert doors.send("POST", path, {"asked_by": "customer"}).status_code == 200
    assert [one["status"] for one in doors.send("GET", path, client="flow").json()["items"]] == ["decided", "open"]


def test_a_retry_of_an_appeal_is_one_appeal(doors: Doors, refused: dict[str, Any]) -> None:
    path = f"/v1/decisions/{refused['decision_id']}/review"
    first, second = (doors.send("POST", path, ASK, key="rv-retry") for _ in range(2))
    assert first.content == second.content
    assert doors.send("POST", path, {**ASK, "statement": "other"}, key="rv-retry").status_code == 422


def test_who_asks_does_not_decide(doors: Doors, refused: dict[str, Any]) -> None:
    clients = doors.runtime.clients
    doors.runtime._clients.value = type(clients)({**clients._by_digest, **_both_roles(doors)})
    path = f"/v1/decisions/{refused['decision_id']}/review"
    assert doors.send("POST", path, {"asked_by": "client"}, client="analyst").status_code == 200
    answer = doors.send("POST", f"{path}/verdict", {"verdict": "upheld", "note": "x"}, client="analyst")
    assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")


def _both_roles(doors: Doors) -> dict[str, Any]:
    from serving.auth import Client, Role

    found = doors.runtime.clients.find(doors.keys["analyst"])
    assert found is not None
    return {
        digest: Client("analyst", frozenset({Role.ANALYST, Role.REVIEWER}))
        for digest, client in doors.runtime.clients._by_digest.items()
        if client.name == "analyst"
    }


@pytest.mark.parametrize(
    "verdict",
    [
        {"verdict": "overturned", "note": CANARY},
        {"verdict": "overturned", "action": "refer", "note": CANARY},
        {"verdict": "upheld", "action": "approve", "note": CANARY},
        {"verdict": "upheld"},
        {"verdict": "upheld", "note": ""},
        {"verdict": "upheld", "note": "a\x00b"},
        {"verdict": "upheld", "note": "x" * 2_001},
        {"verdict": CANARY, "note": "x"},
        {"verdict": "upheld", "note": "x", CANARY: 1},
    ],
)
def test_a_verdict_that_says_nothing_is_refused(doors: Doors, verdict: dict[str, Any]) -> None:
    decision = decided(doors, f"rv-v-{doors.key()}")
    path = f"/v1/decisions/{decision['decision_id']}/review"
    doors.send("POST", path, {"asked_by": "client"})
    answer = doors.send("POST", f"{path}/verdict", verdict, client="reviewer")
    assert answer.status_code == 422, answer.text
    assert CANARY not in answer.text
    same = {"verdict": "overturned", "action": decision["action"], "note": "x"}
    assert doors.send("POST", f"{path}/verdict", same, client="reviewer").status_code == 422
    assert doors.send("GET", path, client="flow").json()["items"][0]["status"] == "open"


def test_another_clients_decision_cannot_be_asked_about_nor_read(doors: Doors, refused: dict[str, Any]) -> None:
    path = f"/v1/decisions/{refused['decision_id']}"
    for method, tail, body in (("POST", "/review", ASK), ("GET", "/review", None), ("GET", "/explanation", None)):
        answer = doors.send(method, path + tail, body, client="second")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_decision")


def test_words_of_people_lie_nowhere_in_the_clear(doors: Doors, refused: dict[str, Any]) -> None:
    path = f"/v1/decisions/{refused['decision_id']}"
    doors.send("POST", f"{path}/review", ASK, client="flow")
    dispose = {"status": "escalated", "note": CANARY}
    assert doors.send("POST", f"/v1/alerts/{refused['decision_id']}/disposition", dispose, client="analyst").is_success
    for file in doors.home.root.rglob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), file
    assert CANARY not in doors.log.getvalue()


# -------------------------------------------------------------------- alerts


def test_an_alert_is_disposed_of_and_its_outcome_is_written_with_it(doors: Doors, refused: dict[str, Any]) -> None:
    decision_id = refused["decision_id"]
    queue = doors.send("GET", "/v1/alerts?limit=200", client="analyst").json()["items"]
    assert decision_id in [one["decision_id"] for one in queue]
    path = f"/v1/alerts/{decision_id}/disposition"
    answer = doors.send("POST", path, {"status": "confirmed_fraud", "note": "card stolen"}, client="analyst")
    assert answer.status_code == 200, answer.text
    outcomes = doors.send("GET", f"/v1/decisions/{decision_id}/outcomes", client="analyst").json()
    assert (outcomes["label"], [one["code"] for one in outcomes["items"]]) == ("positive", ["confirmed_fraud"])
    assert outcomes["items"][0]["event_id"] == answer.json()["outcome_event_id"]
    queue = doors.send("GET", "/v1/alerts?limit=200", client="analyst").json()["items"]
    assert decision_id not in [one["decision_id"] for one in queue]
    # Who comes late is told what it is now; who saw that may correct it, and the history keeps both.
    late = doors.send("POST", path, {"status": "genuine"}, client="analyst")
    assert (late.status_code, late.json()["code"], late.json()["alert_status"]) == (
        409, "alert_changed", "confirmed_fraud",
    )  # fmt: skip
    doors.now += 1_000_000
    corrected = doors.send("POST", path, {"status": "genuine", "was": "confirmed_fraud"}, client="analyst")
    assert corrected.status_code == 200, corrected.text
    outcomes = doors.send("GET", f"/v1/decisions/{decision_id}/outcomes", client="analyst").json()
    assert (outcomes["label"], [one["code"] for one in outcomes["items"]]) == (
        "negative", ["confirmed_fraud", "correction_genuine"],
    )  # fmt: skip
    whole = doors.send("GET", f"/v1/alerts/{decision_id}", client="reviewer").json()
    assert [one["note"] for one in whole["dispositions"]] == ["card stolen", None]
    assert (whole["status"], whole["disposed_by"]) == ("genuine", "analyst")


def test_a_refused_disposition_leaves_neither_outcome_nor_act(doors: Doors, refused: dict[str, Any]) -> None:
    before, books = doors.counts(), books_of(doors)
    head = books.acts.head()
    path = f"/v1/alerts/{refused['decision_id']}/disposition"
    for body, status in (
        ({"status": "open"}, 422), ({"status": "genuine", "was": "genuine"}, 409),
        ({"status": "genuine", "was": "escalated"}, 409), ({"status": "genuine", CANARY: 1}, 422), ({}, 422),
    ):  # fmt: skip
        assert doors.send("POST", path, body, client="analyst").status_code == status
    assert doors.counts() == before
    assert books.acts.head() == head
    books.close()


def test_an_approved_decision_has_no_alert(doors: Doors) -> None:
    approved = decided(doors, "rv-approved", amount=100)
    assert approved["action"] == "approve"
    path = f"/v1/alerts/{approved['decision_id']}"
    assert doors.send("GET", path, client="analyst").status_code == 404
    answer = doors.send("POST", f"{path}/disposition", {"status": "genuine"}, client="analyst")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_alert")


def test_the_queue_is_paged_and_filtered(doors: Doors) -> None:
    for number in range(5):
        decided(doors, f"rv-page-{number}")
    seen, cursor = [], ""
    while True:
        page = doors.send("GET", f"/v1/alerts?limit=2&product=payment{cursor}", client="analyst").json()
        seen += [one["decision_id"] for one in page["items"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert len(seen) == len(set(seen)) >= 5
    assert doors.send("GET", "/v1/alerts?product=loan", client="analyst").json()["items"] == []
    for wrong in (
        "status=closed",
        "limit=0",
        "limit=201",
        "cursor=x",
        "cursor=1",
        "nothing=1",
        "limit=1&limit=2",
        "%ff",
    ):
        answer = doors.send("GET", f"/v1/alerts?{wrong}", client="analyst")
        assert (answer.status_code, answer.json()["code"]) == (422, "query"), wrong
