"""HTTP/1.1 on a bare asyncio protocol: what the sender costs must not be counted as the service's.

One request with httpx takes 0.4 ms of a core, with this 0.05 ms.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from domain.errors import InputError, Unavailable, expected_got

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


def address_of(url: str) -> tuple[str, int]:
    """Host and port of a plain HTTP address.

    Raises
    ------
    InputError
        When it is another scheme, names no host, or has a path.

    Examples
    --------
    >>> address_of("http://127.0.0.1:3000")
    ('127.0.0.1', 3000)
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme != "http" or not host or parts.path.strip("/") or parts.query or parts.username:
        raise InputError(expected_got("an address such as http://127.0.0.1:3000", url, "url"))
    return host, port or 80


class Wire(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._closes = False

    @property
    def usable(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing() and not self._closes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        del exc
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Unavailable("connection: expected an answer, it was closed"))

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._received += data
        head, found, rest = self._received.partition(_END_OF_HEAD)
        if not found or self._answer is None or self._answer.done():
            return
        lowered = head.lower()
        place = lowered.find(_LENGTH)
        length = 0 if place < 0 else int(lowered[place + len(_LENGTH) :].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._received = b""
        self._closes = b"\r\nconnection: close" in lowered
        self._answer.set_result((int(head[9:12]), rest[:length]))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send one request; status and body of its answer.

        Raises
        ------
        Unavailable
            When the connection ends first.
        """
        if self._transport is None:
            raise Unavailable("connection: expected an open one, it was closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Let go of the connection."""
        if self._transport is not None:
            self._transport.abort()


class Pool:
    """Connections to one address, opened when none is free, ``limit`` at most; beyond it requests wait."""

    def __init__(self, host: str, port: int, limit: int) -> None:
        self._host = host
        self._port = port
        self._free: list[Wire] = []
        self._turn = asyncio.Semaphore(limit)

    async def opened(self, n: int) -> None:
        """Open some beforehand."""
        self._free += [await self._opened() for _ in range(n)]

    async def ask(self, request: bytes, about_to_send: Callable[[], None]) -> tuple[int, bytes]:
        """Send one request on a free connection; raises Unavailable or OSError where that fails."""
        async with self._turn:
            wire = self._free.pop() if self._free else await self._opened()
            while not wire.usable:
                wire = self._free.pop() if self._free else await self._opened()
            try:
                about_to_send()
                answer = await wire.ask(request)
            except BaseException:
                wire.close()
                raise
            if wire.usable:
                self._free.append(wire)
            return answer

    async def _opened(self) -> Wire:
        _, wire = await asyncio.get_running_loop().create_connection(Wire, self._host, self._port)
        return wire

    def close(self) -> None:
        """Let go of all connections."""
        for wire in self._free:
            wire.close()
        self._free.clear()


def post(host: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    r"""The bytes of a request.

    Examples
    --------
    >>> post("a", "/v1/x", {"X-Y": "z"}, b"{}").split(b"\r\n\r\n")[1]
    b'{}'
    """
    named = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{named}\r\n"
    )
    return head.encode("ascii") + body
