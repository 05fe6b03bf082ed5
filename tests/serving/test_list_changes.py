"""A desk blocks a card at the door: one client proposes the entry, another approves it, and no identifier is kept."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from domain.time import format_instant
from serving.openapi_words import EXAMPLES
from tests.serving import world
from tests.serving.doors import Doors
from tests.serving.test_changing import acts, code, post, until

PATH = "/v1/lists/changes"
CARD = "4111000099998888"
DAY = 86_400_000_000


@pytest.fixture
def doors(quick_doors: Doors) -> Doors:
    return quick_doors


def entry(doors: Doors, **changes: Any) -> dict[str, Any]:
    whole = {
        "list": "block", "namespace": "card", "identifier": CARD, "owner": "fraud desk", "reason": "case 1234",
        "expires_at": format_instant(doors.now + DAY), **changes,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not None}


def propose(doors: Doors, client: str = "analyst", *, key: str | None = None, **body: Any) -> httpx.Response:
    return doors.send("POST", PATH, {"why": "reported by the holder", **body}, client=client, key=key)


def approve(doors: Doors, change: str) -> None:
    assert post(doors, {"why": "called back"}, f"/{change}/approve", "reviewer").status_code == 200


def pay(doors: Doors, card: str) -> str:
    (request,) = world.payment_stream(1, 1, doors.now, prefix=doors.key())
    return str(doors.pay({**request, "card_id": card}).json()["action"])


def listed(doors: Doors) -> list[dict[str, Any]]:
    return list(doors.send("GET", "/v1/lists", client="analyst").json()["payment"]["entries"])


def test_two_clients_block_a_card_and_let_it_go(doors: Doors) -> None:
    assert pay(doors, CARD) == "approve"
    answer = propose(doors, add=[entry(doors)], key="first")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["id"], answer.json()["subject"], answer.json()["by"]) == ("C1", "lists", "analyst")
    assert answer.json()["summary"] == "1 added, 0 renewed, 0 removed, 1 in all"
    assert propose(doors, add=[entry(doors)], key="first").content == answer.content
    assert pay(doors, CARD) == "approve"
    approve(doors, "C1")
    until(lambda: pay(doors, CARD) == "decline")
    assert pay(doors, "4111000099990000") == "approve"
    (found,) = listed(doors)
    assert (found["list"], found["owner"], found["reason"]) == ("block", "fraud desk", "case 1234")
    assert acts(doors, "C1") == [("change_proposed", "analyst"), ("change_approved", "reviewer")]
    # Only a token is kept: not in the record, the answers, the log or the list.
    kept = b"".join(path.read_bytes() for path in doors.home.root.rglob("*") if path.is_file())
    assert CARD.encode() not in kept
    assert CARD not in doors.log.getvalue()
    gone = propose(doors, remove=[{"list": "block", "namespace": "card", "identifier": CARD}])
    assert gone.json()["summary"] == "0 added, 0 renewed, 1 removed, 0 in all"
    approve(doors, gone.json()["id"])
    until(lambda: pay(doors, CARD) == "approve")
    assert listed(doors) == []


def test_by_token_and_renewed(doors: Doors) -> None:
    added = propose(doors, add=[entry(doors), entry(doors, namespace="merchant", identifier="m-9")])
    approve(doors, added.json()["id"])
    until(lambda: len(listed(doors)) == 2)
    token = next(each["value"] for each in listed(doors) if each["namespace"] == "card")
    again = propose(doors, add=[entry(doors, identifier=None, token=token, reason="case 1299")])
    assert again.json()["summary"] == "0 added, 1 renewed, 0 removed, 2 in all"
    # The very same as what is in force, or as what has been proposed, is no other change.
    assert code(propose(doors, add=[entry(doors)])) == (422, "invalid_field")
    assert propose(doors, add=[entry(doors, reason="case 1299")]).json()["id"] == again.json()["id"]


WRONG: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no list": {"add": [{"list": "grey"}]},
    "namespace": {"add": [{"namespace": "planet"}]},
    "both": {"add": [{"token": "a" * 22}]},
    "neither": {"add": [{"identifier": None}]},
    "no token": {"add": [{"identifier": None, "token": "canary4111"}]},
    "ended": {"add": [{"expires_at": "2020-01-01T00:00:00Z"}]},
    "no time": {"add": [{"expires_at": "canary4111"}]},
    "no zone": {"add": [{"expires_at": "2099-01-01T00:00:00"}]},
    "control": {"add": [{"reason": "canary4111\u0000"}]},
    "no owner": {"add": [{"owner": ""}]},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_entry_is_refused_without_a_word_of_it(doors: Doors, name: str) -> None:
    before = doors.counts()
    body = {part: [entry(doors, **item) for item in items] for part, items in WRONG[name].items()}
    answer = propose(doors, **body)
    assert code(answer) == (422, "invalid_field"), answer.text
    assert name != "namespace" or answer.json()["detail"].endswith("got another - at `$.add[0].namespace`")
    assert "canary4111" not in answer.text + doors.log.getvalue()
    assert CARD not in answer.text
    assert doors.counts() == before
    assert not doors.home.changes.exists()


def test_who_is_not_listed_cannot_be_taken_away_and_gets_no_token(doors: Doors) -> None:
    before = doors.counts()
    answer = propose(doors, remove=[{"list": "block", "namespace": "card", "identifier": CARD}])
    assert code(answer) == (409, "change_refused")
    assert doors.counts() == before


def test_the_example_of_the_document_is_a_change(doors: Doors) -> None:
    assert doors.send("POST", PATH, EXAMPLES["propose_list_change"], client="analyst").status_code == 200
