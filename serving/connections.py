"""Connections: so many at once, and each head of a request within its time (uvicorn itself waits for ever).

connection ──▶ first byte of a head … whole head   within header_timeout, or the connection is ended
               body                                within body_timeout: the door sees to it
idle between two requests                          uvicorn's keep-alive timeout
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.importer import import_from_string

from serving.timers import Timer, Timers

MAX_HEAD = 65_536
"""Bytes of an unfinished head that are kept at most; the door refuses a finished one over its own, smaller cap."""


class _Loop:
    """An event loop as uvicorn's connections use it, with timers that cost less."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timers: Timers) -> None:
        self._loop = loop
        self.create_task = loop.create_task
        self.call_soon = loop.call_soon
        self.call_later = timers.call_later

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


class _Together:
    """A transport that sends what is written in one turn of the loop at once: uvicorn writes head and body apart.

    Each sending lets go of the interpreter's lock and wakes whoever reads at the other end.
    """

    def __init__(self, transport: Any, loop: _Loop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._written: list[bytes] = []
        self.is_closing = transport.is_closing
        self.resume_reading = transport.resume_reading
        self.pause_reading = transport.pause_reading

    def write(self, data: bytes) -> None:
        if not self._written:
            self._call_soon(self._send)
        self._written.append(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def abort(self) -> None:
        self._written.clear()
        self._transport.abort()

    def _send(self) -> None:
        if self._written:
            content = b"".join(self._written)
            self._written.clear()
            self._transport.write(content)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def guarded(header_timeout: float, max_connections: int, base: Any = None) -> Any:
    """A class of connections on top of uvicorn's own.

    Parameters
    ----------
    header_timeout : s from the start of a connection, or the first byte of a further request, to the end of its head.
    base : uvicorn's by default.
    """
    protocol: Any = import_from_string(HTTP_PROTOCOLS["auto"]) if base is None else base
    timers = Timers()

    class Guarded(protocol):  # type: ignore[misc]  # chosen by uvicorn at run time
        """One connection."""

        _deadline: Timer | None = None
        _n_head = 0

        def __init__(self, *arguments: Any, _loop: Any = None, **named: Any) -> None:
            super().__init__(*arguments, _loop=_Loop(_loop or asyncio.get_running_loop(), timers), **named)

        def connection_made(self, transport: Any) -> None:
            super().connection_made(_Together(transport, self.loop))
            if len(self.connections) > max_connections:
                transport.abort()
            else:
                self._begin()

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            super().data_received(data)
            if self.cycle is not before:
                self._end()
            elif before is None or before.response_complete:
                self._begin()
                self._n_head += len(data)
                if self._n_head > MAX_HEAD:
                    self.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end()
            super().connection_lost(exc)

        def _begin(self) -> None:
            if self._deadline is None:
                self._deadline = timers.call_later(header_timeout, self.transport.abort)

        def _end(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
            self._n_head = 0

    return Guarded


def use_guarded(header_timeout: float, max_connections: int) -> None:
    """Have the server that this process starts next use guarded connections; BentoML leaves uvicorn no other door."""
    HTTP_PROTOCOLS["auto"] = guarded(header_timeout, max_connections)
