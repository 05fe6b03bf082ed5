"""A policy is proposed by one client and approved by another at the door, and both are recorded in both chains."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from domain.decision import Product
from scoring.changes import Changes
from serving.auth import Role, add_key
from serving.books import Books
from serving.openapi_words import EXAMPLES
from stores.database import Database
from tests.serving.doors import Doors
from tests.serving.test_policies import pay, told, until

PATH = "/v1/policies/changes"


@pytest.fixture
def doors(quick_doors: Doors) -> Doors:
    return quick_doors


def shipped(doors: Doors, **changes: Any) -> dict[str, Any]:
    """The policy of payments as its file has it, with other settings."""
    content = yaml.safe_load((doors.configs / "policy" / "payments.yaml").read_text())
    return {**content, "version": "stricter", "stand_in": [{"action": "review"}], **changes}


def proposal(doors: Doors, **changes: Any) -> dict[str, Any]:
    return {"subject": "payment", "policy": shipped(doors, **changes), "why": "losses doubled"}


def post(doors: Doors, body: Any, path: str = "", client: str = "analyst", **options: Any) -> httpx.Response:
    return doors.send("POST", PATH + path, body, client=client, **options)


def acts(doors: Doors, change: str) -> list[tuple[str, str]]:
    books = Books.open(doors.home, {}, 10.0)
    try:
        assert books.acts.verify() == []
        return [(act.kind, act.actor) for act in books.acts.about(change)]
    finally:
        books.close()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_two_clients_put_a_policy_in_force_while_it_runs(doors: Doors) -> None:
    assert pay(doors)["action"] == "approve"
    answer = post(doors, proposal(doors), key="first")
    assert answer.status_code == 200, answer.text
    change = answer.json()
    assert (change["id"], change["state"], change["by"]) == ("C1", "open", "analyst")
    # Proposed is not in force, and the same request again is the same bytes.
    assert post(doors, proposal(doors), key="first").content == answer.content
    assert pay(doors)["action"] == "approve"
    approved = post(doors, {"why": "tried on last month"}, "/C1/approve", "reviewer")
    assert approved.status_code == 200, approved.text
    assert (approved.json()["state"], approved.json()["decided_by"]) == ("approved", "reviewer")
    until(lambda: told(doors)["policy"] == change["content"])
    until(lambda: pay(doors)["action"] == "review")
    listed = doors.send("GET", PATH, client="reviewer").json()["items"]
    assert listed == [approved.json()]
    assert acts(doors, "C1") == [("change_proposed", "analyst"), ("change_approved", "reviewer")]
    # What a decision cites is what the record holds.
    record = Changes.open(doors.home, Database(doors.home.database), {}, lambda: doors.now)
    assert json.loads(record.content(change["content"]))["settings"]["version"] == "stricter"


def test_nobody_approves_what_he_proposed(doors: Doors) -> None:
    doors.keys["both"] = add_key(doors.home, "both", list(Role))
    assert doors.runtime.look_now()
    assert post(doors, proposal(doors), client="both").json()["id"] == "C1"
    assert code(post(doors, {"why": "mine"}, "/C1/approve", "both")) == (403, "same_client")
    assert acts(doors, "C1") == [("change_proposed", "both")]
    # But he may take it back.
    assert post(doors, {"why": "a mistake"}, "/C1/reject", "both").json()["state"] == "rejected"
    assert code(post(doors, {"why": "late"}, "/C1/approve", "reviewer")) == (409, "change_decided")
    assert acts(doors, "C1")[1:] == [("change_rejected", "both")]


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.REVIEWER, Role.ADMIN)])
def test_other_roles_approve_nothing(doors: Doors, role: Role) -> None:
    assert code(post(doors, {"why": "x"}, "/C1/approve", role.value)) == (403, "forbidden")


def test_a_wrong_policy_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    doors = Doors(tmp_path, products=(Product.PAYMENT,))
    try:
        canary = "canary4111"
        needs = {"outcome": "review", "optional": False, "lenders": canary, "at_least": 8}
        wrong: list[dict[str, Any]] = [
            {canary: 1}, {"cutoffs": canary}, {"rules": {canary: {}}}, {"rules": [canary]}, {"product": "loan"},
            {"rules": {"many_lenders": needs}}, {"stand_in": [{"action": "decline"}]}, {"stand_in": []},
            {"version": [canary]}, {"actions": {"normal": canary}}, {"version": canary + "\x1b[31m"},
            {"version": canary + "\n"}, {"rules": {"x\x07": {}}},
        ]  # fmt: skip
        before = doors.counts()
        for change in wrong:
            answer = post(doors, proposal(doors, **change))
            assert code(answer) == (422, "invalid_field"), (change, answer.text)
            assert canary not in answer.text
        deep = '{"subject": "payment", "why": "x", "policy": {"rules": ' + "[" * 20_000 + "]" * 20_000 + "}}"
        assert post(doors, deep.encode()).status_code in (400, 422)
        twice = b'{"subject": "payment", "why": "x", "policy": {"version": "a", "version": "b"}}'
        assert code(post(doors, twice)) == (422, "duplicate_key")
        assert doors.counts() == before
        assert doors.send("GET", PATH, client="admin").json() == {"items": []}
        assert canary not in doors.log.getvalue()
        assert not doors.home.changes.exists()
    finally:
        doors.close()


def test_what_is_in_force_or_proposed_is_no_change(doors: Doors) -> None:
    assert post(doors, proposal(doors)).json()["id"] == "C1"
    assert code(post(doors, proposal(doors), client="admin")) == (409, "change_refused")
    assert post(doors, {"why": "good"}, "/C1/approve", "reviewer").status_code == 200
    assert code(post(doors, proposal(doors))) == (409, "change_refused")
    # Another was approved since it was proposed: nobody has read the two together.
    ids = [post(doors, proposal(doors, version=name)).json()["id"] for name in ("one", "two")]
    assert post(doors, {"why": "good"}, f"/{ids[0]}/approve", "reviewer").status_code == 200
    late = post(doors, {"why": "good"}, f"/{ids[1]}/approve", "reviewer")
    assert code(late) == (409, "change_refused")
    assert "made from what is in force now" in late.json()["detail"]
    assert code(post(doors, {"why": "x"}, "/C99/approve", "reviewer")) == (404, "unknown_change")


def test_a_retry_after_a_crash_writes_the_act_that_is_missing(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is written and the transaction fails: the caller is told 503, asks again, and nothing is there twice."""
    books = doors.engine.committing

    def refuse() -> bool:
        books.database.connection.set_commit_hook(None)
        return True

    armed = threading.Event()
    for body, path, client in ((proposal(doors), "", "analyst"), ({"why": "good"}, "/C1/approve", "reviewer")):
        armed.clear()

        def arm() -> None:
            books.database.connection.set_commit_hook(refuse)
            armed.set()

        doors.engine.committer.between(arm)
        assert armed.wait(30)
        key = doors.key()
        assert post(doors, body, path, client, key=key).status_code == 503
        until(lambda: doors.runtime.ready)
        assert post(doors, body, path, client, key=key).status_code == 200
    assert [change["state"] for change in doors.send("GET", PATH, client="admin").json()["items"]] == ["approved"]
    assert acts(doors, "C1") == [("change_proposed", "analyst"), ("change_approved", "reviewer")]


def test_a_record_that_was_altered_answers_503_and_changes_nothing(doors: Doors) -> None:
    assert post(doors, proposal(doors)).status_code == 200
    doors.home.changes.write_text(doors.home.changes.read_text().replace("losses doubled", "losses halved"))
    for answer in (
        post(doors, {"why": "good"}, "/C1/approve", "reviewer"), post(doors, proposal(doors, version="other")),
        doors.send("GET", PATH, client="admin"),
    ):  # fmt: skip
        assert code(answer) == (503, "changes_unreadable")
    assert acts(doors, "C1") == [("change_proposed", "analyst")]


def test_the_example_of_the_document_is_a_policy(doors: Doors) -> None:
    answer = post(doors, EXAMPLES["propose_change"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["summary"] == "loans-2026-12, 2 rules"
