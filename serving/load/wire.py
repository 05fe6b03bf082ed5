"""HTTP/1.1 on bare sockets, waited for together: what the sender costs must not be counted as the service's.

One request with httpx takes 0.4 ms of a core; with protocols and tasks of asyncio it was twice what it is with this
(docs/performance.md).
"""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from domain.errors import InputError, expected_got

T = TypeVar("T")

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_AT_ONCE = 2**16


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


class Answer(NamedTuple):
    """Status and body of a whole answer, and whether its connection is closed after it."""

    status: int
    body: bytes
    closes: bool


def answer_in(received: bytes) -> Answer | None:
    r"""The answer that has been received; None while some of it is missing.

    Examples
    --------
    >>> answer_in(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    Answer(status=200, body=b'{}', closes=False)
    >>> answer_in(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
    """
    head, found, rest = received.partition(_END_OF_HEAD)
    if not found:
        return None
    lowered = head.lower()
    place = lowered.find(_LENGTH)
    length = 0 if place < 0 else int(lowered[place + len(_LENGTH) :].split(b"\r\n", 1)[0])
    if len(rest) < length:
        return None
    return Answer(int(head[9:12]), rest[:length], b"\r\nconnection: close" in lowered)


@dataclass(slots=True, eq=False)
class _Line(Generic[T]):
    """One connection: what is asked on it, None while nobody does, what of that is not sent, and what came."""

    socket: socket.socket
    tag: T | None = None
    unsent: bytes = b""
    received: bytes = b""


class Lines(Generic[T]):
    r"""Connections to one address, each with one request at a time, all waited for by one thread.

    Parameters
    ----------
    n_first, limit : opened at once, at least one; most open, under the 1,024 files that `select` can wait for. That is
        used because it sleeps to the microsecond; epoll only to the millisecond.

    Raises
    ------
    OSError
        When nobody listens there.

    Examples
    --------
    >>> with socket.create_server(("127.0.0.1", 0)) as server:
    ...     lines = Lines[str](*server.getsockname(), n_first=1, limit=4)
    ...     lines.ask("first", b"GET / HTTP/1.1")
    ...     other, _ = server.accept()
    ...     _ = other.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    ...     list(lines.answers(seconds=1.0))
    ...     lines.close(), other.close()
    [('first', Answer(status=200, body=b'{}', closes=False))]
    (None, None)
    """

    def __init__(self, host: str, port: int, *, n_first: int, limit: int) -> None:
        self._limit = limit
        self._lines: dict[int, _Line[T]] = {}
        self._free: list[_Line[T]] = []
        self._slow: dict[int, _Line[T]] = {}
        """Lines on which some of a request waits to be sent."""
        for _ in range(max(1, min(n_first, limit))):
            one = socket.create_connection((host, port))
            self._family, self._address = one.family, one.getpeername()
            self._free.append(self._added(one))

    @property
    def free(self) -> bool:
        """Whether another request can be sent."""
        return bool(self._free) or len(self._lines) < self._limit

    def ask(self, tag: T, request: bytes) -> None:
        """Send a request, where a line is `free`; raises OSError where no connection can be made."""
        line = self._free.pop() if self._free else self._opened()
        line.tag, line.received = tag, b""
        try:
            sent = line.socket.send(request)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The other side has hung up: the next wait tells it of this line.
            return
        if sent < len(request):
            line.unsent = request[sent:]
            self._slow[line.socket.fileno()] = line

    def answers(self, seconds: float) -> Iterator[tuple[T, Answer | None]]:
        """Wait for answers, and give those that are there; None for a request whose connection was closed."""
        ready, writable, _ = select.select(self._lines, self._slow, (), max(0.0, seconds))
        for number in writable:
            self._send_rest(number)
        for number in ready:
            line = self._lines[number]
            try:
                received = line.socket.recv(_AT_ONCE)
            except BlockingIOError:
                continue
            except OSError:
                received = b""
            tag = line.tag
            if not received or tag is None:
                # Closed; or something nobody has asked for, after which no answer could be told from it.
                self._close(line)
                if tag is not None:
                    yield tag, None
                continue
            line.received += received
            answer = answer_in(line.received)
            if answer is not None:
                line.tag = None
                if answer.closes or line.unsent:
                    # The rest of a request that was answered before it was sent would be taken for the next.
                    self._close(line)
                else:
                    self._free.append(line)
                yield tag, answer

    def give_up(self, tag: T) -> None:
        """Wait no more for the answer to a request, and close its connection."""
        for line in [line for line in self._lines.values() if line.tag == tag]:
            self._close(line)

    def close(self) -> None:
        """Let go of all connections."""
        for line in list(self._lines.values()):
            self._close(line)

    # ------------------------------------------------------------------- parts

    def _opened(self) -> _Line[T]:
        # Whoever is slow to answer a connection must not stop the sender.
        line = self._added(socket.socket(self._family))
        failure = line.socket.connect_ex(self._address)
        if failure not in (0, errno.EINPROGRESS):
            self._close(line)
            raise OSError(failure, "expected a connection")
        return line

    def _added(self, one: socket.socket) -> _Line[T]:
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines[one.fileno()] = line = _Line[T](one)
        return line

    def _send_rest(self, number: int) -> None:
        line = self._slow[number]
        try:
            line.unsent = line.unsent[line.socket.send(line.unsent) :]
        except BlockingIOError:
            return
        except OSError:
            line.unsent = b""
        if not line.unsent:
            del self._slow[number]

    def _close(self, line: _Line[T]) -> None:
        number = line.socket.fileno()
        del self._lines[number]
        self._slow.pop(number, None)
        if line in self._free:
            self._free.remove(line)
        line.socket.close()


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
