"""Connections that cannot be held open, against a real uvicorn on a real socket whose clock the test sets forward."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.importer import import_from_string
from uvicorn.server import ServerState

from serving.connections import guarded

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
HEADER_SECONDS, IDLE_SECONDS = 100, 1_000
PATIENCE = 60
"""s that a test waits for what is to come at once; nothing here depends on how fast it comes."""


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class Skipping(asyncio.SelectorEventLoop):
    """A loop whose clock can be set forward."""

    skipped = 0.0

    def time(self) -> float:
        return super().time() + self.skipped


class Service:
    """Uvicorn with at most five guarded connections, in a thread; it tells what its connections have met."""

    def __init__(self) -> None:
        met: queue.Queue[str] = queue.Queue()
        plain: Any = import_from_string(HTTP_PROTOCOLS["auto"])

        class Telling(plain):  # type: ignore[misc]  # chosen by uvicorn at run time
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                met.put("made")

            def data_received(self, data: bytes) -> None:
                super().data_received(data)
                met.put("data")

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                met.put("lost")

        self._met = met
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(listener.getsockname()[1])
        http = guarded(HEADER_SECONDS, 5, Telling)
        config = uvicorn.Config(hello, http=http, log_config=None, timeout_keep_alive=IDLE_SECONDS, lifespan="off")
        self._server = uvicorn.Server(config)
        self._loop = Skipping()
        self._thread = threading.Thread(target=self._run, args=(listener,), daemon=True)
        self._thread.start()

    def _run(self, listener: socket.socket) -> None:
        self._loop.run_until_complete(self._server.serve(sockets=[listener]))
        self._loop.close()

    def meets(self, *what: str) -> None:
        """Wait until its connections have met this, in this order."""
        assert [self._met.get(timeout=PATIENCE) for _ in what] == list(what)

    def connected(self) -> socket.socket:
        raw = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        self.meets("made")
        return raw

    def later(self, seconds: float) -> None:
        """Let so much time pass."""

        async def skip() -> None:
            self._loop.skipped += seconds
            # What has become due runs within two turns of the loop.
            for _ in range(3):
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(skip(), self._loop).result(PATIENCE)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)


@pytest.fixture(name="service")
def _service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


def answer_of(raw: socket.socket) -> bytes:
    """One whole answer."""
    content = b""
    while not content.endswith(b"ok"):
        got = raw.recv(1_000)
        assert got, f"expected an answer, the connection ended after {content!r}"
        content += got
    return content


def ended(raw: socket.socket) -> bool:
    """Whether the other side ends the connection; nothing else may come."""
    try:
        return raw.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("sent", [b"", b"GET", HEAD, HEAD + b"X: " + b"x" * 5_000])
def test_a_head_that_does_not_end_is_not_waited_for(service: Service, sent: bytes) -> None:
    with service.connected() as raw:
        if sent:
            raw.sendall(sent)
            service.meets("data")
        service.later(HEADER_SECONDS + 1)
        assert ended(raw)


def test_a_head_that_drips_is_not_waited_for(service: Service) -> None:
    with service.connected() as raw:
        for drop in (b"G", b"E", b"T"):
            service.later(0.3 * HEADER_SECONDS)
            raw.sendall(drop)
            service.meets("data")
        service.later(0.2 * HEADER_SECONDS)
        assert ended(raw)


def test_a_head_without_end_is_not_kept(service: Service) -> None:
    with service.connected() as raw:
        sent = 0
        while sent < 50_000_000:
            try:
                raw.sendall(HEAD + b"X: " + b"y" * 20_000 if not sent else b"y" * 20_000)
            except OSError:
                break
            sent += 20_000
        assert sent < 20_000_000, "what lies in the buffers of the system, and no more"


def test_a_quick_head_is_answered_and_the_connection_serves_again(service: Service) -> None:
    with service.connected() as raw:
        for _ in range(3):
            raw.sendall(HEAD[:9])
            service.meets("data")
            service.later(0.9 * HEADER_SECONDS)
            raw.sendall(HEAD[9:] + b"\r\n")
            assert b"200 OK" in answer_of(raw)
            service.meets("data")
            # Idle for longer than a head may take: that is another clock.
            service.later(2 * HEADER_SECONDS)
        raw.sendall(HEAD)
        service.meets("data")
        service.later(HEADER_SECONDS + 1)
        assert ended(raw), "a second head has its time as well"


def test_so_many_connections_and_no_more(service: Service) -> None:
    many = [service.connected() for _ in range(5)]
    for raw in many:
        raw.sendall(HEAD + b"\r\n")
        assert b"200 OK" in answer_of(raw)
        service.meets("data")
    with service.connected() as late:
        assert ended(late)
        service.meets("lost")
    for raw in many:
        raw.close()
    service.meets(*["lost"] * 5)
    with service.connected() as raw:
        raw.sendall(HEAD + b"\r\n")
        assert b"200 OK" in answer_of(raw)


def test_an_answer_is_sent_at_once_and_answers_stay_in_order() -> None:
    async def main() -> None:
        sent: list[bytes] = []

        class Transport(asyncio.Transport):
            def write(self, data: bytes) -> None:
                sent.append(data)

            def get_extra_info(self, name: str, default: Any = None) -> Any:
                return default

            def is_closing(self) -> bool:
                return sent[-1:] == [b"closed"]

            def close(self) -> None:
                sent.append(b"closed")

            def pause_reading(self) -> None: ...

            def resume_reading(self) -> None: ...

        async def numbered(scope: Any, receive: Any, send: Any) -> None:
            headers = [(b"content-length", b"2")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": scope["path"][1:].encode()})

        config = uvicorn.Config(numbered, log_config=None, lifespan="off")
        config.load()
        one = guarded(HEADER_SECONDS, 5)(config=config, server_state=ServerState(), app_state={})
        one.connection_made(Transport())
        one.data_received(HEAD.replace(b"/ ", b"/aa ") + b"\r\n" + HEAD.replace(b"/ ", b"/bb ") + b"\r\n")
        one.data_received(HEAD.replace(b"/ ", b"/cc ") + b"Connection: close\r\n\r\n")
        for _ in range(20):
            await asyncio.sleep(0)
        heads = [part for part in sent if part.startswith(b"HTTP/1.1 200")]
        assert b"".join(sent).split(b"\r\n\r\n")[1][:2] == b"aa"
        assert [part[-2:] for part in heads] == [b"aa", b"bb", b"cc"]
        assert sent[-1] == b"closed"
        assert len(sent) == 4

    asyncio.run(main())
