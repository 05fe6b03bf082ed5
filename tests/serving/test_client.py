"""The client retries what may pass, under one key, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.decision import Product
from domain.errors import InputError, Unavailable
from serving.client import AssayClient, AsyncAssayClient, Refused
from serving.client_calls import Calls
from serving.routes import PREFIX, ROUTES, Router
from tests.serving.doors import Doors
from tests.serving.sockets import listening

Answers = list[httpx.Response | Exception]


def never() -> float:
    return 0.0


def client(
    answers: Answers, seen: list[httpx.Request], pauses: list[float] | None = None, attempts: int | None = None
) -> AssayClient:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        given = answers[len(seen) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    pause: Callable[[float], None] = (pauses if pauses is not None else []).append
    transport = httpx.MockTransport(answer)
    return AssayClient("http://assay/", "secret", attempts=attempts, transport=transport, pause=pause, chance=never)


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "expected one thing, got another"})


@pytest.mark.parametrize(
    "first",
    [problem(503, "unavailable"), problem(409, "in_flight"), httpx.ConnectError("gone"), httpx.ReadTimeout("late"),
     httpx.Response(502, text="<html>")],
)  # fmt: skip
def test_what_may_pass_is_tried_again_under_the_same_key(first: httpx.Response | Exception) -> None:
    seen: list[httpx.Request] = []
    pauses: list[float] = []
    with client([first, httpx.Response(200, json={"action": "approve"})], seen, pauses) as assay:
        assert assay.score_payment({"event_id": "p"}) == {"action": "approve"}
    assert len({request.headers["idempotency-key"] for request in seen}) == 1
    assert len({request.content for request in seen}) == 1
    assert (len(seen), len(pauses)) == (2, 1)
    assert seen[0].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("status", "code"), [(400, "bad_json"), (401, "unauthenticated"), (403, "forbidden"), (404, "unknown_decision"),
                         (409, "duplicate_event"), (413, "body_too_large"), (415, "media_type"),
                         (422, "unknown_field"), (500, "internal")],
)  # fmt: skip
def test_what_will_not_pass_is_told_at_once(status: int, code: str) -> None:
    seen: list[httpx.Request] = []
    with client([problem(status, code)], seen) as assay, pytest.raises(Refused, match=code) as refused:
        assay.send_outcome({"subject_event_id": "p", "code": "x"})
    assert (refused.value.status, refused.value.code, len(seen)) == (status, code, 1)


def test_it_gives_up_after_its_attempts() -> None:
    seen: list[httpx.Request] = []
    gone: Answers = [httpx.ConnectError("gone")] * 4
    with client(gone, seen, attempts=4) as assay, pytest.raises(Unavailable, match="ConnectError"):
        assay.send_event({"kind": "inquiry"})
    assert len(seen) == 4


def test_every_request_has_a_key_of_its_own_unless_one_is_given() -> None:
    seen: list[httpx.Request] = []
    with client([httpx.Response(200, json={})] * 3, seen) as assay:
        assay.score_loan({"event_id": "a"})
        assay.score_loan({"event_id": "b"})
        assay.score_loan({"event_id": "b"}, key="mine")
    keys = [request.headers["idempotency-key"] for request in seen]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


def test_a_datetime_needs_a_zone() -> None:
    seen: list[httpx.Request] = []
    with client([httpx.Response(200, json={})], seen) as assay:
        assay.score_payment({"event_time": datetime(2026, 3, 1, tzinfo=UTC)})
        assert b'"2026-03-01T00:00:00Z"' in seen[0].content
        with pytest.raises(InputError, match="time zone"):
            assay.score_payment({"event_time": datetime(2026, 3, 1)})


# --------------------------------------------------------------------- async


def awaited(
    answers: Answers,
    seen: list[httpx.Request],
    pauses: list[float],
    ask: Callable[..., Any],
    attempts: int | None = None,
) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        given = answers[len(seen) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> Any:
        transport = httpx.MockTransport(answer)
        async with AsyncAssayClient(
            "http://assay/", "secret", attempts=attempts, transport=transport, pause=pause, chance=never
        ) as assay:
            return await ask(assay)

    return asyncio.run(run())


CALLS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "score_payment": ("POST", "/v1/payments/score", lambda c: c.score_payment({"a": 1})),
    "score_payments": ("POST", "/v1/payments/score:batch", lambda c: c.score_payments([{"a": 1}])),
    "score_loan": ("POST", "/v1/loans/score", lambda c: c.score_loan({"a": 1})),
    "send_event": ("POST", "/v1/events", lambda c: c.send_event({"a": 1})),
    "send_outcome": ("POST", "/v1/outcomes", lambda c: c.send_outcome({"a": 1})),
    "send_complaint": ("POST", "/v1/complaints", lambda c: c.send_complaint({"a": 1})),
    "ask_review": ("POST", "/v1/decisions/a%2Fb/review", lambda c: c.ask_review("a/b", {"a": 1})),
    "decide_review": ("POST", "/v1/decisions/d/review/verdict", lambda c: c.decide_review("d", {"a": 1})),
    "dispose_alert": ("POST", "/v1/alerts/d/disposition", lambda c: c.dispose_alert("d", {"a": 1})),
    "turn_kill_switch": ("POST", "/v1/admin/kill", lambda c: c.turn_kill_switch(on=True, reason="r")),
    "reload": ("POST", "/v1/admin/reload", lambda c: c.reload()),
    "propose_policy": ("POST", "/v1/policies/changes", lambda c: c.propose_policy("loan", {"a": 1}, "why")),
    "propose_list_change": ("POST", "/v1/lists/changes", lambda c: c.propose_list_change("why", add=[{"a": 1}])),
    "approve_change": ("POST", "/v1/policies/changes/C%2F1/approve", lambda c: c.approve_change("C/1", "why")),
    "reject_change": ("POST", "/v1/policies/changes/C1/reject", lambda c: c.reject_change("C1", "why")),
    "changes": ("GET", "/v1/policies/changes", lambda c: c.changes()),
    "decision": ("GET", "/v1/decisions/d", lambda c: c.decision("d")),
    "decisions": ("GET", "/v1/decisions?product=loan&limit=5", lambda c: c.decisions(product="loan", limit=5)),
    "explanation": ("GET", "/v1/decisions/d/explanation", lambda c: c.explanation("d")),
    "outcomes": ("GET", "/v1/decisions/d/outcomes", lambda c: c.outcomes("d")),
    "review": ("GET", "/v1/decisions/d/review", lambda c: c.review("d")),
    "reviews": ("GET", "/v1/reviews", lambda c: c.reviews()),
    "alerts": ("GET", "/v1/alerts?status=open", lambda c: c.alerts(status="open")),
    "alert": ("GET", "/v1/alerts/a%2Fb", lambda c: c.alert("a/b")),
    "lists": ("GET", "/v1/lists", lambda c: c.lists()),
    "models": ("GET", "/v1/models", lambda c: c.models()),
}


def test_every_call_has_its_case() -> None:
    assert {name for name in vars(Calls) if not name.startswith("_")} == set(CALLS)


def test_every_route_for_programs_of_clients_has_its_call() -> None:
    reached = set()
    for method, path, _ in CALLS.values():
        found = Router(ROUTES).find(path.removeprefix(PREFIX).partition("?")[0])
        assert found is not None
        reached.add(found[0][method].handler)
    assert {route.handler for route in ROUTES} - reached == {"openapi", "metrics", "livez", "readyz"}


@pytest.mark.parametrize("name", CALLS)
def test_both_clients_send_the_same_and_retry_it_the_same(name: str) -> None:
    method, path, call = CALLS[name]
    sent = []
    for run in ("sync", "async"):
        seen: list[httpx.Request] = []
        pauses: list[float] = []
        answers: Answers = [
            httpx.ConnectError("gone"), problem(503, "unavailable"), httpx.Response(429, headers={"retry-after": "3"}),
            httpx.Response(200, json={"ok": True}),
        ]  # fmt: skip
        if run == "sync":
            with client(answers, seen, pauses) as assay:
                assert call(assay) == {"ok": True}
        else:
            assert awaited(answers, seen, pauses, call) == {"ok": True}
        assert {(request.method, str(request.url)) for request in seen} == {(method, f"http://assay{path}")}
        assert len({request.content for request in seen}) == 1
        assert len({request.headers.get("idempotency-key") for request in seen}) == 1
        # A reload writes nothing that a second one would write twice.
        assert ("idempotency-key" in seen[0].headers) == (method == "POST" and name != "reload")
        assert pauses == [0.05, 0.1, 3.0]
        sent.append((seen[0].content, pauses))
    assert sent[0] == sent[1]


def test_the_async_client_tells_what_will_not_pass_and_gives_up_after_its_attempts() -> None:
    with pytest.raises(Refused, match="unknown_field"):
        awaited([problem(422, "unknown_field")], [], [], CALLS["score_payment"][2])
    seen: list[httpx.Request] = []
    with pytest.raises(Unavailable, match="ReadTimeout"):
        awaited([httpx.ReadTimeout("late")] * 4, seen, [], CALLS["score_payment"][2], attempts=4)
    assert len(seen) == 4
    assert len({request.headers["idempotency-key"] for request in seen}) == 1


# --------------------------------------------------------------------- real doors


def test_an_alert_the_lists_and_a_reload_of_real_doors(tmp_path: Path) -> None:
    doors = Doors(tmp_path, products=(Product.PAYMENT,), settings={"allowed_hosts": "[assay, 127.0.0.1]"})
    try:
        stopped = doors.decided()
        with listening(doors) as url:
            with AssayClient(url, doors.keys["analyst"]) as analyst:
                alert = analyst.alert(stopped["decision_id"])
                assert (alert["event_id"], alert["dispositions"]) == (stopped["event_id"], [])
                assert alert["status"] == "open"
                assert set(analyst.lists()) == {"payment", "loan"}
                with pytest.raises(Refused, match="404 unknown_alert"):
                    analyst.alert("0" * 32)
            with AssayClient(url, doors.keys["admin"]) as admin:
                assert admin.reload() == {"done": True}
    finally:
        doors.close()
