"""Connections that cannot be held open, against a real uvicorn on a real socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from serving.connections import guarded

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    while scope["type"] == "lifespan":
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(hello, http=guarded(0.3, 5), log_config=None, timeout_keep_alive=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    server.should_exit = True
    thread.join(10)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 5)


def answer_of(raw: socket.socket) -> bytes:
    """One whole answer."""
    content = b""
    while not content.endswith(b"ok"):
        content += raw.recv(1_000)
    return content


def ended_within(raw: socket.socket, seconds: float) -> bool:
    """Whether the other side ends the connection in time."""
    raw.settimeout(seconds)
    try:
        return raw.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("sent", [b"", b"GET", HEAD, HEAD + b"X: " + b"x" * 5_000])
def test_a_head_that_does_not_end_is_not_waited_for(port: int, sent: bytes) -> None:
    with connected(port) as raw:
        raw.sendall(sent)
        assert ended_within(raw, 3)


def test_a_head_that_drips_is_not_waited_for(port: int) -> None:
    with connected(port) as raw:
        began = time.monotonic()
        while time.monotonic() - began < 5:
            try:
                raw.sendall(b"X")
            except OSError:
                break
            time.sleep(0.02)
        assert time.monotonic() - began < 3


def test_a_head_without_end_is_not_kept(port: int) -> None:
    with connected(port) as raw:
        sent = 0
        while sent < 50_000_000:
            try:
                raw.sendall(HEAD + b"X: " + b"y" * 20_000 if not sent else b"y" * 20_000)
            except OSError:
                break
            sent += 20_000
        assert sent < 20_000_000, "what lies in the buffers of the system, and no more"


def test_a_quick_head_is_answered_and_the_connection_serves_again(port: int) -> None:
    with connected(port) as raw:
        for _ in range(3):
            raw.sendall(HEAD[:9])
            time.sleep(0.05)
            raw.sendall(HEAD[9:] + b"\r\n")
            assert b"200 OK" in answer_of(raw)
            # Idle for longer than a head may take: that is another clock.
            time.sleep(0.4)
        raw.sendall(HEAD)
        assert ended_within(raw, 3), "a second head has its time as well"


def test_so_many_connections_and_no_more(port: int) -> None:
    time.sleep(0.5)
    many = [connected(port) for _ in range(5)]
    try:
        for raw in many:
            raw.sendall(HEAD + b"\r\n")
            assert b"200 OK" in answer_of(raw)
        with connected(port) as late:
            assert ended_within(late, 3)
    finally:
        for raw in many:
            raw.close()
    with connected(port) as raw:
        raw.sendall(HEAD + b"\r\n")
        assert b"200 OK" in answer_of(raw)
