"""The smallest HTTP on ASGI: headers, a capped body, one answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from serving.auth import Client
from serving.ids import RandomIds
from serving.problems import MEDIA_TYPE, Problem
from serving.timers import Timers, Within

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = b"application/json"

_new_request_id = RandomIds(8)


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
    query: bytes = b""
    peer: str = ""
    client: Client | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    body_read: bool = False

    @property
    def who(self) -> Client:
        """The client; a route is only called when it is known."""
        if self.client is None:
            raise Problem(401, "unauthenticated", "Authorization: expected an API key, got none")
        return self.client


class Answer(NamedTuple):
    """Status and body of an answer."""

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def call_of(scope: Scope, receive: Receive) -> Call:
    """Read the head of a request."""
    peer = scope.get("client")
    return Call(
        _new_request_id(), scope["method"], scope["path"], dict(scope["headers"]), receive,
        scope.get("query_string", b""), str(peer[0]) if peer else "",
    )  # fmt: skip


def check_head(scope: Scope, call: Call, hosts: frozenset[bytes] | None, max_bytes: int) -> None:
    """Refuse a head that two readers could read in two ways, or that was meant for another service.

    Parameters
    ----------
    hosts : names that are answered to; None answers to every name, as health checks do.
    max_bytes : of path, query and headers together.

    Raises
    ------
    Problem
        400 for a header that may be there once and is there twice, a body that is not as it is sent, or a Host that is
        missing; 421 for another host;
        431 for a head over the cap.
    """
    size = len(scope["path"]) + len(call.query)
    for name, value in scope["headers"]:
        size += len(name) + len(value)
    if size > max_bytes:
        raise Problem(
            431,
            "head_too_large",
            f"head: expected at most {max_bytes} bytes, got more",
            headers={"Connection": "close"},
        )
    if len(call.headers) != len(scope["headers"]):
        names = [name for name, _ in scope["headers"]]
        if any(names.count(name) > 1 for name in _ONCE):
            raise Problem(400, "repeated_header", f"headers: expected each of {_ONCE_NAMES} once, got one twice")
    if call.headers.get(b"transfer-encoding", b"chunked").strip().lower() != b"chunked":
        raise Problem(400, "transfer_encoding", "Transfer-Encoding: expected chunked or none, got another")
    if hosts is None:
        return
    host = call.headers.get(b"host", b"")
    if not host:
        raise Problem(400, "host", "Host: expected one, got none")
    name, colon, port = host.rpartition(b":")
    if (name if colon and port.isdigit() else host).lower() not in hosts:
        raise Problem(421, "host", "Host: expected a name this service answers to (allowed_hosts), got another")


_ONCE = (b"host", b"authorization", b"x-api-key", b"idempotency-key", b"content-type", b"content-length",
         b"content-encoding", b"transfer-encoding")  # fmt: skip
_ONCE_NAMES = b", ".join(_ONCE).decode()


def query_of(call: Call, names: frozenset[str]) -> dict[str, str]:
    """The query, each name at most once and none but these.

    Raises
    ------
    Problem
        422 naming no value of it.
    """
    if not call.query:
        return {}
    try:
        pairs = parse_qsl(
            call.query.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=32
        )
    except ValueError:
        raise Problem(422, "query", "query: expected name=value pairs in ASCII, got something else") from None
    found = dict(pairs)
    if len(found) != len(pairs) or not found.keys() <= names:
        raise Problem(422, "query", f"query: expected some of {', '.join(sorted(names))}, each once, got another")
    return found


async def read_json_body(call: Call, max_bytes: int, timers: Timers, timeout: float) -> bytes:
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
        with Within(timers, timeout):
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
                    call.body_read = True
                    return b"".join(chunks)
    except TimeoutError:
        raise Problem(408, "body_timeout", f"body: expected it within {timeout:g} s, got a part") from None


def _too_large(max_bytes: int) -> Problem:
    return Problem(413, "body_too_large", f"body: expected at most {max_bytes} bytes, got more")


async def respond(send: Send, call: Call, answer: Answer) -> None:
    """Send one answer; who sent a body that was refused unread is not waited for."""
    headers = [
        (b"content-type", answer.media_type),
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-request-id", call.request_id.encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
    ]
    if answer.status >= 400 and not call.body_read and call.method not in ("GET", "HEAD"):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else answer.body})


def as_json(status: int, content: Any) -> Answer:
    """An answer of JSON."""
    return Answer(status, msgspec.json.encode(content))


def problem_answer(problem: Problem, request_id: str) -> Answer:
    """The answer of a refusal."""
    headers = tuple((name.lower().encode(), value.encode()) for name, value in problem.headers.items())
    return Answer(problem.status, problem.body(request_id), MEDIA_TYPE, headers)
