"""Every way to be refused at a door, and that nothing of a refused request is told or kept."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import KINDS
from domain.time import DAY, HOUR, format_instant
from tests.serving import world
from tests.serving.doors import Doors

CANARY = "canary4111111111111111"
PAYMENT: dict[str, Any] = {
    "event_id": "x", "event_time": format_instant(world.START), "amount": 1200, "currency": "CNY", "card_id": "4000",
}  # fmt: skip


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in PAYMENT.items() if key != name}


def told(response: httpx.Response, status: int, code: str) -> None:
    """The answer is a problem of this status and code, names its request, and holds no canary."""
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert CANARY not in response.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b'{"event_id": "' + CANARY.encode(), 400, "bad_json"),
        (b"\xff\xfe", 400, "bad_json"),
        (b'{"event_id": "\xff"}', 400, "bad_json"),
        (b'{"event_id": "\\ud800"}', 400, "bad_json"),
        (b"[" * 30_000, 422, "invalid_field"),
        (json.dumps(PAYMENT).encode()[:-1] + b', "latitude": ' + b"[" * 30_000, 422, "invalid_field"),
        (json.dumps(PAYMENT).encode() + b" {}", 400, "bad_json"),
        (b'"' + CANARY.encode() + b'"', 422, "invalid_field"),
        ([PAYMENT], 422, "invalid_field"),
        (None, 415, "media_type"),
        ({**PAYMENT, CANARY: 1}, 422, "unknown_field"),
        ({**PAYMENT, "x_" + CANARY: 1}, 422, "unknown_field"),
        ({**PAYMENT, "sex": CANARY}, 422, "protected_field"),
        ({**PAYMENT, "age_years": 40}, 422, "protected_field"),
        ({**PAYMENT, "kind": "transaction"}, 422, "unknown_field"),
        ({**PAYMENT, "client": CANARY}, 422, "unknown_field"),
        ({**PAYMENT, "amount": True}, 422, "invalid_field"),
        ({**PAYMENT, "amount": "1200"}, 422, "invalid_field"),
        ({**PAYMENT, "amount": 12.5}, 422, "invalid_field"),
        ({**PAYMENT, "amount": -1}, 422, "invalid_field"),
        ({**PAYMENT, "amount": 2**53 + 1}, 422, "invalid_field"),
        ({**PAYMENT, "amount": 2**53, "currency": "USD"}, 422, "invalid_field"),
        ({**PAYMENT, "currency": "cny"}, 422, "invalid_field"),
        ({**PAYMENT, "currency": "XXX"}, 422, "invalid_field"),
        ({**PAYMENT, "card_present": 1}, 422, "invalid_field"),
        ({**PAYMENT, "card_id": ""}, 422, "invalid_field"),
        ({**PAYMENT, "card_id": CANARY * 10}, 422, "invalid_field"),
        ({**PAYMENT, "card_id": CANARY + "\n"}, 422, "invalid_field"),
        ({**PAYMENT, "card_id": {"a": CANARY}}, 422, "invalid_field"),
        ({**PAYMENT, "channel": CANARY}, 422, "invalid_field"),
        ({**PAYMENT, "channel": f"x' - at `$.{CANARY}`"}, 422, "invalid_field"),
        ({**PAYMENT, "stage": "capture"}, 422, "invalid_field"),
        ({**PAYMENT, "event_time": "2026-03-01T08:00:00"}, 422, "invalid_field"),
        ({**PAYMENT, "event_time": 1_700_000_000}, 422, "invalid_field"),
        ({**PAYMENT, "event_time": "0001-01-01T00:00:00+14:00"}, 422, "invalid_field"),
        ({**PAYMENT, "event_time": "9999-12-31T23:59:59-14:00"}, 422, "invalid_field"),
        ({**PAYMENT, "event_time": format_instant(world.START + HOUR)}, 422, "event_in_future"),
        ({**PAYMENT, "deadline_ms": 0}, 422, "invalid_field"),
        (without("amount"), 422, "invalid_field"),
        (without("event_id"), 422, "invalid_field"),
        (json.dumps(PAYMENT).encode()[:-1] + b', "latitude": NaN}', 422, "not_finite"),
        (json.dumps(PAYMENT).encode()[:-1] + b', "latitude": -Infinity}', 422, "not_finite"),
        (json.dumps(PAYMENT).encode()[:-1] + b', "latitude": 1e999}', 422, "invalid_field"),
        (json.dumps(PAYMENT).encode()[:-1] + b', "amount": 5}', 422, "duplicate_key"),
    ],
)  # fmt: skip
def test_a_wrong_body_is_refused_and_leaves_nothing(doors: Doors, body: Any, status: int, code: str) -> None:
    before = doors.counts()
    told(doors.pay(body), status, code)
    assert doors.counts() == before


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Idempotency-Key": ""}, 400, "idempotency_key"),
        ({"Idempotency-Key": "k" * 129}, 400, "idempotency_key"),
        ({"Idempotency-Key": "a\tb"}, 400, "idempotency_key"),
        ({"Content-Type": "text/plain"}, 415, "media_type"),
        ({"Content-Type": "application/json; charset=latin-1"}, 415, "media_type"),
        ({"Content-Encoding": "gzip"}, 415, "media_type"),
        ({"Authorization": "Bearer " + CANARY}, 401, "unauthenticated"),
        ({"Authorization": "Basic " + CANARY}, 401, "unauthenticated"),
    ],
)
def test_wrong_headers_are_refused(doors: Doors, headers: dict[str, str], status: int, code: str) -> None:
    told(doors.pay(PAYMENT, headers=headers), status, code)


def test_a_missing_key_is_refused_before_the_body_is_read(doors: Doors) -> None:
    told(doors.pay(b"{" + CANARY.encode(), client=None), 401, "unauthenticated")


def test_the_key_may_come_in_its_own_header(doors: Doors) -> None:
    answer = doors.send("GET", "/v1/models", client=None, headers={"X-API-Key": doors.keys["analyst"]})
    assert answer.status_code == 200


def test_a_body_over_the_cap_is_refused_whether_it_says_so_or_not(doors: Doors) -> None:
    large = {**PAYMENT, "card_id": CANARY * 4000}
    told(doors.pay(large), 413, "body_too_large")
    content = json.dumps(large).encode()

    async def pieces() -> Any:
        for start in range(0, len(content), 5_000):
            yield content[start : start + 5_000]

    async def streamed() -> httpx.Response:
        headers = {"Authorization": f"Bearer {doors.keys['flow']}", "Idempotency-Key": doors.key(),
                   "Content-Type": "application/json"}  # fmt: skip
        return await doors._http.post("/v1/payments/score", content=pieces(), headers=headers)

    told(doors.run(streamed), 413, "body_too_large")


@pytest.mark.parametrize("path", ["/v1/", "/v1/nothing", "/v1/decisions/", "/v1/payments/score/x"])
def test_unknown_paths(doors: Doors, path: str) -> None:
    told(doors.send("GET", path), 404, "not_found")


def test_a_wrong_method_names_the_right_one(doors: Doors) -> None:
    answer = doors.send("GET", "/v1/payments/score")
    told(answer, 405, "method")
    assert answer.headers["allow"] == "POST"


# ------------------------------------------------------------------- roles


def test_paths_that_are_not_ours_need_an_administrator(doors: Doors) -> None:
    assert doors.send("GET", "/docs.json", client=None).status_code == 401
    assert doors.send("GET", "/docs.json", client="flow").status_code == 403
    assert doors.send("POST", "/deployed", b"{}", client="flow").status_code == 403
    assert doors.send("GET", "/docs.json", client="admin").text == "bentoml: /docs.json"
    # The page with the third-party script is nobody's.
    assert doors.send("GET", "/", client="admin").json() == {"service": "assay", "openapi": "/v1/openapi.json"}


def test_health_needs_no_key_and_tells_little(doors: Doors) -> None:
    for path in ("/livez", "/healthz", "/v1/livez"):
        assert doors.send("GET", path, client=None).json() == {"alive": True}
    ready = doors.send("GET", "/readyz", client=None).json()
    told_of_each = {"model": True, "refused": False}
    assert ready == {"ready": True, "products": {"payment": told_of_each, "loan": told_of_each}}


def test_a_scorer_sees_its_own_decisions_only(doors: Doors) -> None:
    decided = doors.pay({**PAYMENT, "event_id": "own"}, client="flow")
    path = f"/v1/decisions/{decided.json()['decision_id']}"
    assert doors.send("GET", path, client="flow").content == decided.content
    told(doors.send("GET", path, client="second"), 404, "unknown_decision")
    for role in ("analyst", "reviewer", "admin"):
        assert doors.send("GET", path, client=role).content == decided.content


# ------------------------------------------------------------------ content


@pytest.mark.parametrize("name", [column.name for column in KINDS["transaction"].values()])
def test_no_field_of_a_good_or_bad_request_reaches_the_log_or_an_error(doors: Doors, name: str) -> None:
    good = {**PAYMENT, "event_id": f"c-{name}"}
    if KINDS["transaction"][name].type in ("key", "category") and not KINDS["transaction"][name].values:
        good = {**good, name: CANARY if name != "currency" else "CNY"}
    doors.pay(good)
    for wrong in ([CANARY], CANARY + "\x00", {CANARY: CANARY}):
        answer = doors.pay({**PAYMENT, "event_id": f"c-{name}", name: wrong})
        told(answer, 422, "invalid_field")
    assert CANARY not in doors.log.getvalue()


def test_raw_identifiers_are_stored_nowhere(doors: Doors) -> None:
    personal = {name: f"raw-{name}-{CANARY}" for name, c in KINDS["transaction"].items() if c.personal}
    assert doors.pay({**PAYMENT, "event_id": "raw", **personal}).status_code == 200
    for path in doors.home.root.rglob("*"):
        if path.is_file():
            assert b"raw-card" not in path.read_bytes(), path


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(
    changes=st.dictionaries(
        st.sampled_from([*PAYMENT, *KINDS["transaction"], "deadline_ms", "other"]), JSON, max_size=4
    )
)
def test_no_input_makes_an_error_of_ours(doors: Doors, changes: dict[str, Any]) -> None:
    answer = doors.pay(json.dumps({**PAYMENT, **changes}).encode())
    assert answer.status_code in (200, 400, 409, 422), answer.text


@settings(max_examples=200)
@given(body=st.binary(max_size=200))
def test_no_bytes_make_an_error_of_ours(doors: Doors, body: bytes) -> None:
    for path in ("/v1/payments/score", "/v1/loans/score", "/v1/events", "/v1/outcomes"):
        assert doors.send("POST", path, body).status_code in (400, 422)


# -------------------------------------------------------------------- facts


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "outcome"])
def test_every_kind_of_fact_is_taken(doors: Doors, kind: str) -> None:
    samples = {"key": "k1", "category": "c1", "money": 5, "integer": 1, "number": 0.5, "flag": True}
    body: dict[str, Any] = {"kind": kind, "event_id": f"fact-{kind}", "event_time": format_instant(world.START - DAY)}
    for column in KINDS[kind].values():
        if not column.protected:
            body[column.name] = column.values[0] if column.values else samples[column.type.value]
            if column.name == "currency":
                body[column.name] = "CNY"
    assert doors.send("POST", "/v1/events", body).json() == {"event_id": f"fact-{kind}", "accepted": True}
    assert doors.send("POST", "/v1/events", {**body, "event_id": CANARY, "kind": CANARY}).status_code == 422


def test_outcomes_do_not_come_through_the_door_of_events(doors: Doors) -> None:
    body = {"kind": "outcome", "event_id": "o", "event_time": format_instant(world.START), "code": CANARY}
    told(doors.send("POST", "/v1/events", body), 422, "invalid_field")


def test_an_event_ahead_of_the_clock_is_quarantined_without_identifiers(doors: Doors) -> None:
    before = doors.counts()
    at = format_instant(doors.now + HOUR)
    body = {"kind": "inquiry", "event_id": "ahead", "event_time": at, "borrower_id": CANARY}
    answer = doors.send("POST", "/v1/events", body)
    assert (answer.status_code, answer.json()) == (202, {"event_id": "ahead", "quarantined": True})
    after = doors.counts()
    assert (after["event"], after["quarantine"]) == (before["event"], before["quarantine"] + 1)
    # Once, however often it is sent.
    assert doors.send("POST", "/v1/events", body).json()["quarantined"]
    assert doors.counts()["quarantine"] == after["quarantine"]
    books = doors.engine.committing
    assert CANARY.encode() not in books.database.one("SELECT body FROM quarantine WHERE event_id = 'ahead'")[0]
    # Five minutes ahead is within the tolerance.
    near = {**body, "event_id": "near", "event_time": format_instant(doors.now + HOUR // 12)}
    assert doors.send("POST", "/v1/events", near).json()["accepted"]
