"""The client retries what may pass, under one key, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from domain.errors import InputError, Unavailable
from serving.client import AssayClient, Refused

Answers = list[httpx.Response | Exception]


def client(answers: Answers, seen: list[httpx.Request], pauses: list[float] | None = None) -> AssayClient:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        given = answers[len(seen) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    pause: Callable[[float], None] = (pauses if pauses is not None else []).append
    return AssayClient("http://assay/", "secret", transport=httpx.MockTransport(answer), pause=pause)


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
    ("status", "code"), [(400, "bad_json"), (401, "unauthenticated"), (403, "forbidden"), (409, "duplicate_event"),
                         (413, "body_too_large"), (422, "unknown_field"), (500, "internal")],
)  # fmt: skip
def test_what_will_not_pass_is_told_at_once(status: int, code: str) -> None:
    seen: list[httpx.Request] = []
    with client([problem(status, code)], seen) as assay, pytest.raises(Refused, match=code) as refused:
        assay.send_outcome({"subject_event_id": "p", "code": "x"})
    assert (refused.value.status, refused.value.code, len(seen)) == (status, code, 1)


def test_it_gives_up_after_its_attempts() -> None:
    seen: list[httpx.Request] = []
    with client([httpx.ConnectError("gone")] * 4, seen) as assay, pytest.raises(Unavailable, match="ConnectError"):
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
