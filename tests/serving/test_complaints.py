"""Complaints, the kill switch and a reload through the doors."""

from __future__ import annotations

from typing import Any

import pytest

from domain.matters import MatterKind
from serving.books import Books
from serving.problems import Problem
from stores.acts import Act
from stores.matters import Matters
from tests.serving import world
from tests.serving.doors import Doors

CANARY = "canary-4111-words"
COMPLAINT: dict[str, Any] = {"complaint_class": "fraud_dispute", "channel": "mobile", "text": f"{CANARY} not me",
                             "contact": f"{CANARY}@mail"}  # fmt: skip


@pytest.fixture(scope="module")
def paid(doors: Doors) -> Doors:
    for request in world.payment_stream(3, 3, world.START, prefix="co-"):
        assert doors.pay(request).status_code == 200
    return doors


def test_a_complaint_is_an_event_and_a_matter_with_a_clock(paid: Doors) -> None:
    body = {**COMPLAINT, "event_id": "co-c1", "subject_event_id": "co-1"}
    answer = paid.send("POST", "/v1/complaints", body, key="co-c1")
    assert answer.status_code == 200, answer.text
    assert paid.send("POST", "/v1/complaints", body, key="co-c1").content == answer.content
    books = Books.open(paid.home, {}, 10.0)
    (event,), (subject,) = books.journal.find("co-c1"), books.journal.find("co-1")
    assert (event.kind, event.body["subject_event_id"]) == ("complaint", "co-1")
    assert event.body["customer_id"] == subject.body["customer_id"], "the one who paid, by the same token"
    matter = Matters(books.database).get(answer.json()["complaint_id"])
    assert (matter.kind, matter.about["class"], len(matter.decisions)) == (MatterKind.COMPLAINT, "fraud_dispute", 1)
    assert matter.timers
    assert books.sealer.opened(matter.about["text"]) == COMPLAINT["text"]
    (act,) = books.acts.about(matter.matter_id)
    assert books.appeals.text(act, "contact") == COMPLAINT["contact"]
    books.close()
    again = paid.send("POST", "/v1/complaints", body)
    assert (again.status_code, again.json()["code"]) == (409, "duplicate_event")
    for file in paid.home.root.rglob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"subject_event_id": "nobody"}, "unknown_subject"),
        ({"subject_event_id": "co-1", "subject_client": "second"}, "unknown_subject"),
        ({"complaint_class": CANARY}, "invalid_field"),
        ({"complaint_class": None}, "invalid_field"),
        ({"text": "x" * 2_001}, "invalid_field"),
        ({"text": "a\x1b[31m"}, "invalid_field"),
        ({"contact": ""}, "invalid_field"),
        ({"event_time": "2099-01-01T00:00:00Z"}, "event_in_future"),
        ({CANARY: 1}, "unknown_field"),
    ],
)
def test_a_wrong_complaint_is_refused_and_leaves_nothing(paid: Doors, change: dict[str, Any], code: str) -> None:
    before = paid.counts()
    answer = paid.send("POST", "/v1/complaints", {**COMPLAINT, "event_id": "co-w", **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert CANARY not in answer.text
    assert paid.counts() == before


def test_another_clients_payment_cannot_be_complained_of_but_by_the_desk(paid: Doors) -> None:
    body = {**COMPLAINT, "event_id": "co-o", "subject_event_id": "co-2"}
    assert paid.send("POST", "/v1/complaints", body, client="second").json()["code"] == "unknown_subject"
    assert paid.send("POST", "/v1/complaints", body, client="analyst").status_code == 200


# --------------------------------------------------------------- kill switch


def test_the_kill_switch_holds_at_once_and_is_recorded(paid: Doors) -> None:
    (request,) = world.payment_stream(1, 3, world.START)
    on = paid.send("POST", "/v1/admin/kill", {"on": True, "reason": CANARY}, client="admin", key="kill-on")
    assert (on.status_code, on.json()["on"]) == (200, True)
    assert paid.pay({**request, "event_id": "kill-1"}).json()["degraded"] == "model dropped: kill switch"
    assert "assay_kill_switch 1.0" in paid.send("GET", "/v1/metrics", client="metrics").text
    off = paid.send("POST", "/v1/admin/kill", {"on": False, "reason": "over"}, client="admin", key="kill-off")
    assert off.status_code == 200
    assert paid.pay({**request, "event_id": "kill-2"}).json()["degraded"] is False
    # A late retry of the old order must not undo the new one.
    paid.send("POST", "/v1/admin/kill", {"on": True, "reason": "again"}, client="admin")
    assert paid.send(
        "POST", "/v1/admin/kill", {"on": False, "reason": "over"}, client="admin", key="kill-off"
    ).is_success
    assert paid.pay({**request, "event_id": "kill-3"}).json()["degraded"] == "model dropped: kill switch"
    paid.send("POST", "/v1/admin/kill", {"on": False, "reason": "end"}, client="admin")
    paid.send("POST", "/v1/admin/kill", {"on": True, "reason": CANARY}, client="admin", key="kill-on")
    assert paid.pay({**request, "event_id": "kill-4"}).json()["degraded"] is False
    books = Books.open(paid.home, {}, 10.0)
    turned = books.acts.of("kill_switched")
    assert [(act.actor, act.body["on"]) for act in turned] == [
        ("admin", True), ("admin", False), ("admin", True), ("admin", False),
    ]  # fmt: skip
    assert books.appeals.text(turned[0], "reason") == CANARY
    books.close()
    assert CANARY not in paid.log.getvalue()


def test_a_switch_that_was_recorded_and_not_lifted_is_lifted_by_the_retry(
    paid: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid.send("POST", "/v1/admin/kill", {"on": True, "reason": "harm"}, client="admin")
    lift = {"on": False, "reason": "over"}
    with monkeypatch.context() as patch:

        def gone(*, on: bool) -> None:
            raise Problem(503, "unavailable", "the doors have died between the record and the switch")

        patch.setattr(paid.runtime, "turn_kill_switch", gone)
        assert paid.send("POST", "/v1/admin/kill", lift, client="admin", key="lift").status_code == 503
    assert (paid.home.pointers / "kill").exists()
    again = paid.send("POST", "/v1/admin/kill", lift, client="admin", key="lift")
    assert again.headers["idempotent-replayed"] == "true"
    assert not (paid.home.pointers / "kill").exists()


def test_somebody_who_turns_it_on_meanwhile_is_not_overruled(paid: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    paid.send("POST", "/v1/admin/kill", {"on": True, "reason": "harm"}, client="admin")
    turn, others = paid.runtime.turn_kill_switch, ["once"]

    def turned(*, on: bool) -> None:
        if not on and others:
            others.clear()
            books = Books.open(paid.home, {}, 10.0)
            with books.database.transaction():
                books.acts.append_within(Act("act-other", "kill_switched", "service", 1, "other", {"on": True}))
            books.close()
        turn(on=on)

    monkeypatch.setattr(paid.runtime, "turn_kill_switch", turned)
    paid.send("POST", "/v1/admin/kill", {"on": False, "reason": "over"}, client="admin")
    assert (paid.home.pointers / "kill").exists()
    paid.send("POST", "/v1/admin/kill", {"on": False, "reason": "over"}, client="admin")
    assert not (paid.home.pointers / "kill").exists()


def test_the_kill_switch_holds_although_it_cannot_be_recorded(tmp_path_factory: pytest.TempPathFactory) -> None:
    doors = Doors(tmp_path_factory.mktemp("kill"), products=())
    try:
        doors.engine.committer._ready.clear()
        on = doors.send("POST", "/v1/admin/kill", {"on": True, "reason": "harm"}, client="admin")
        assert on.status_code == 503
        assert (doors.home.pointers / "kill").exists()
        off = doors.send("POST", "/v1/admin/kill", {"on": False, "reason": "harm"}, client="admin")
        assert off.status_code == 503
        assert (doors.home.pointers / "kill").exists(), "lifted only once it is recorded"
    finally:
        doors.close()


@pytest.mark.parametrize("body", [{}, {"on": 1, "reason": "x"}, {"on": True}, {"on": "true", "reason": "x"}, []])
def test_a_wrong_turn_turns_nothing(paid: Doors, body: Any) -> None:
    assert paid.send("POST", "/v1/admin/kill", body, client="admin").status_code == 422
    assert not (paid.home.pointers / "kill").exists()


def test_a_reload_sees_a_new_key_at_once(paid: Doors) -> None:
    from serving.auth import add_key, revoke_key

    key = add_key(paid.home, "newcomer", ["analyst"])
    assert paid.send("POST", "/v1/admin/reload", client="admin").json() == {"done": True}
    headers = {"Authorization": f"Bearer {key}"}
    assert paid.send("GET", "/v1/alerts", client=None, headers=headers).status_code == 200
    revoke_key(paid.home, "newcomer")
    assert paid.send("POST", "/v1/admin/reload", client="admin").status_code == 200
    assert paid.send("GET", "/v1/alerts", client=None, headers=headers).status_code == 401
