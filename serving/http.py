"""The smallest HTTP on ASGI: headers, a capped body, one answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from serving.auth import Client
from serving.problems import MEDIA_TYPE, Problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = b"application/json"


class Gone(Exception):  # noqa: N818 - not an error of ours
    """The client hung up before its request was read."""


@dataclass(slots=True)
class Call:
    """One request as the routes see it."""

    request_id: str
    method: str
    path: str
    headers: Mapping[bytes, bytes]
    receive: Receive
    client: Client | None = None
    argument: str = ""

    @property
    def who(self) -> Client:
        """The client; a route is only called when it is known."""
        if self.client is None:
            raise Problem(401, "unauthenticated", "Authorization: expected an API key, got none")
        return self.client


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def call_of(scope: Scope, receive: Receive) -> Call:
    """Read the head of a request; a header sent twice counts as its last."""
    path: str = scope["path"]
    return Call(secrets.token_hex(8), scope["method"], path, dict(scope["headers"]), receive)


async def read_json_body(call: Call, max_bytes: int, timeout: float) -> bytes:
    """The body of a JSON request, counted while it streams in.

    Raises
    ------
    Problem
        415 for another media type, 413 for a body over the cap, 408 for a slow one.
    """
    media, _, parameter = call.headers.get(b"content-type", b"").partition(b";")
    if media.strip().lower() != JSON or parameter.strip().lower() not in (b"", b"charset=utf-8", b'charset="utf-8"'):
        raise Problem(415, "media_type", "Content-Type: expected application/json in UTF-8, got another or none")
    if call.headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise Problem(415, "media_type", "Content-Encoding: expected none, got one")
    declared = call.headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout):
            while True:
                message = await call.receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise Problem(408, "body_timeout", f"body: expected it within {timeout:g} s, got a part") from None


def _too_large(max_bytes: int) -> Problem:
    return Problem(
        413, "body_too_large", f"body: expected at most {max_bytes} bytes, got more", headers={"Connection": "close"}
    )


async def respond(send: Send, call: Call, answer: Answer) -> None:
    """Send one answer."""
    headers = [
        (b"content-type", answer.media_type),
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-request-id", call.request_id.encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else answer.body})


def problem_answer(problem: Problem, request_id: str) -> Answer:
    """The answer of a refusal."""
    headers = tuple((name.lower().encode(), value.encode()) for name, value in problem.headers.items())
    return Answer(problem.status, problem.body(request_id), MEDIA_TYPE, headers)
