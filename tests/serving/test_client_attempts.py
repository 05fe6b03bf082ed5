"""Both clients against a real HTTP server that is away for a while: they ride over it, or tell the key."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from domain.errors import InputError, Unavailable
from serving.client import AssayClient, AsyncAssayClient, Refused, Unanswered
from serving.client_attempts import Patience, attempts
from serving.run import free_port

Ask = Callable[[Any], Any]


@dataclass
class Told:
    """One answer of the server."""

    status: int
    code: str = ""
    retry_after: str | None = None


HANGS, HANGS_UP = Told(0), Told(-1)
"""The server says nothing, or closes the connection without an answer."""
STARTING = Told(503, "not_ready", "1")
WORKED_ON = Told(409, "in_flight", "1")
DONE = Told(200)


@dataclass
class Server:
    """A server that gives its answers in turn, the last one ever after, and keeps what it got."""

    answers: list[Told]
    port: int = 0
    got: list[tuple[str | None, bytes]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def keys(self) -> set[str | None]:
        """Idempotency keys that came."""
        return {key for key, _ in self.got}

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.got.append((handler.headers["Idempotency-Key"], body))
        told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        handler.close_connection = True
        if told is HANGS:
            self.released.wait(30)
        if told in (HANGS, HANGS_UP):
            return
        content = json.dumps({"code": told.code, "detail": "expected one thing, got another"} if told.code else {})
        handler.send_response(told.status)
        handler.send_header("Content-Length", str(len(content)))
        if told.retry_after is not None:
            handler.send_header("Retry-After", told.retry_after)
        handler.end_headers()
        handler.wfile.write(content.encode())

    def listen(self) -> None:
        """Begin; the port is known from here on."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.answer(self)

            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@contextmanager
def answering(*answers: Told) -> Iterator[Server]:
    server = Server(list(answers))
    server.listen()
    try:
        yield server
    finally:
        server.close()


@dataclass
class Waits:
    """A clock that stands still but for the waits, each of which it keeps."""

    now: float = 1_000.0
    all: list[float] = field(default_factory=list)
    then: Callable[[], None] = lambda: None

    def pause(self, seconds: float) -> None:
        self.all.append(seconds)
        self.now += seconds
        self.then()

    async def pause_async(self, seconds: float) -> None:
        self.pause(seconds)

    def clock(self) -> float:
        return self.now


def least() -> float:
    return 0.0


@pytest.fixture(params=["sync", "async"])
def asked(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """What comes of asking a port something with one of the clients."""

    def sync(port: int, ask: Ask, waits: Waits, **options: Any) -> Any:
        with AssayClient(
            f"http://127.0.0.1:{port}", "secret", pause=waits.pause, clock=waits.clock, **{"chance": least, **options}
        ) as client:
            return ask(client)

    def awaiting(port: int, ask: Ask, waits: Waits, **options: Any) -> Any:
        async def run() -> Any:
            async with AsyncAssayClient(
                f"http://127.0.0.1:{port}", "secret", pause=waits.pause_async, clock=waits.clock,
                **{"chance": least, **options},
            ) as client:  # fmt: skip
                return await ask(client)

        return asyncio.run(run())

    return sync if request.param == "sync" else awaiting


def pay(client: Any) -> Any:
    return client.score_payment({"event_id": "p"})


@pytest.mark.parametrize("away", [STARTING, WORKED_ON, Told(429, "rate_limited", "1"), Told(502, "", "1")])
def test_as_long_as_the_service_asks_is_waited_and_the_restart_is_ridden_over(
    asked: Callable[..., Any], away: Told
) -> None:
    waits = Waits()
    with answering(*[away] * 8, DONE) as server:
        assert asked(server.port, pay, waits) == {}
    assert len(server.got) == 9
    assert len(server.keys) == len({body for _, body in server.got}) == 1
    # As asked, until the clients' own waits are longer.
    assert waits.all == [1.0, 1.0, 1.0, 1.0, 1.0, 1.6, 2.0, 2.0]


def test_a_service_that_is_away_for_seconds_is_found_again(asked: Callable[..., Any]) -> None:
    back = Server([DONE], free_port())
    waits = Waits()
    waits.then = lambda: back.listen() if len(waits.all) == 9 else None
    try:
        assert asked(back.port, pay, waits) == {}
    finally:
        back.close()
    assert waits.all == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    assert len(back.got) == 1


def test_a_write_that_was_cut_off_or_took_too_long_is_sent_again_under_its_key(asked: Callable[..., Any]) -> None:
    waits = Waits()
    with answering(HANGS_UP, HANGS, WORKED_ON, DONE) as server:
        assert asked(server.port, pay, waits, timeout=1.0) == {}
    assert (len(server.got), len(server.keys)) == (4, 1)
    assert waits.all == [0.05, 0.1, 1.0]


@pytest.mark.parametrize(("given", "retry_for"), [(None, 60.0), ("order-1001", 4.5)])
def test_when_the_time_is_over_the_key_is_told(asked: Callable[..., Any], given: str | None, retry_for: float) -> None:
    waits = Waits()
    with answering(STARTING) as server, pytest.raises(Unanswered, match="503 not_ready") as told:
        asked(server.port, lambda client: client.send_event({"kind": "inquiry"}, key=given), waits, retry_for=retry_for)
    assert isinstance(told.value, Unavailable)
    assert server.keys == {told.value.key}
    assert told.value.key == (given or told.value.key)
    assert str(told.value).endswith(f"; try later under the key {told.value.key!r}")
    # Nobody waits a second for an end that is nearer.
    assert retry_for - 1.0 <= waits.now - 1_000.0 <= retry_for


def test_the_last_attempt_begins_as_the_time_ends(asked: Callable[..., Any]) -> None:
    waits = Waits()
    with pytest.raises(Unanswered, match=r"ConnectError at attempt 8 after 4\.0 s; try later under the key"):
        asked(free_port(), pay, waits, retry_for=4.0)
    assert waits.now == 1_004.0


def test_who_is_asked_to_wait_beyond_the_time_is_told_at_once(asked: Callable[..., Any]) -> None:
    waits = Waits()
    with answering(Told(429, "rate_limited", "61")) as server, pytest.raises(Unanswered, match="asked to wait 61 s"):
        asked(server.port, pay, waits)
    assert (len(server.got), waits.all) == (1, [])


@pytest.mark.parametrize("options", [{"retry_for": 0.0}, {"attempts": 1}])
def test_no_patience_is_one_attempt(asked: Callable[..., Any], options: dict[str, Any]) -> None:
    waits = Waits()
    with answering(STARTING) as server, pytest.raises(Unanswered):
        asked(server.port, pay, waits, **options)
    assert (len(server.got), waits.all) == (1, [])


@pytest.mark.parametrize(
    ("status", "code"), [(400, "bad_json"), (401, "unauthenticated"), (403, "forbidden"), (404, "unknown_decision"),
                         (409, "duplicate_event"), (413, "body_too_large"), (415, "media_type"),
                         (422, "idempotency_key_reused")],
)  # fmt: skip
def test_a_refusal_is_final_and_tells_its_key_even_if_it_names_a_time(
    asked: Callable[..., Any], status: int, code: str
) -> None:
    waits = Waits()
    with answering(Told(status, code, "1")) as server, pytest.raises(Refused, match=code) as refused:
        asked(server.port, pay, waits)
    assert (len(server.got), waits.all) == (1, [])
    assert server.keys == {refused.value.key}


def test_a_question_has_no_key(asked: Callable[..., Any]) -> None:
    with answering(STARTING) as server, pytest.raises(Unanswered, match=r"s; try later$") as told:
        asked(server.port, lambda client: client.lists(), Waits(), attempts=3)
    assert (told.value.key, server.keys, len(server.got)) == (None, {None}, 3)


@pytest.mark.parametrize("told", ["", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "\u00b2"])
def test_a_retry_after_that_is_no_number_of_seconds_is_passed_over(told: str) -> None:
    course = attempts("here", None, Patience(30.0, chance=least))
    assert next(course) == 0.0
    headers = [(b"Retry-After", told.encode("latin-1"))]
    assert course.send(httpx.Response(503, headers=headers)) == 0.05


def test_chance_makes_waits_longer_by_half_at_most() -> None:
    course = attempts("here", None, Patience(60.0, chance=lambda: 0.5))
    assert next(course) == 0.0
    assert course.send(httpx.Response(503, headers={"Retry-After": "4"})) == 5.0
    assert course.send(httpx.ConnectError("gone")) == 0.125


def test_the_time_that_attempts_take_counts() -> None:
    waits = Waits()
    course = attempts("here", "k", Patience(25.0, clock=waits.clock, chance=least))
    next(course)
    for _ in range(2):
        waits.now += 10.0
        waits.now += course.send(httpx.ReadTimeout("late"))
    waits.now += 10.0
    with pytest.raises(Unanswered, match="ReadTimeout at attempt 3") as told:
        course.send(httpx.ReadTimeout("late"))
    assert isinstance(told.value.__cause__, httpx.ReadTimeout)


def test_an_address_without_its_scheme_is_told_at_once() -> None:
    waits = Waits()
    with (
        AssayClient("127.0.0.1:3000", "secret", pause=waits.pause) as client,
        pytest.raises(InputError, match="expected an address with http:// or https://"),
    ):
        pay(client)
    assert waits.all == []


@pytest.mark.parametrize("options", [{"attempts": 0}, {"retry_for": -1.0}, {"retry_for": float("nan")}])
def test_a_patience_that_cannot_be_is_told_where_it_is_set(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        AssayClient("http://assay", "secret", **options)
