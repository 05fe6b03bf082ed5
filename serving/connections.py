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

MAX_HEAD = 65_536
"""Bytes of an unfinished head that are kept at most; the door refuses a finished one over its own, smaller cap."""


def guarded(header_timeout: float, max_connections: int, base: Any = None) -> Any:
    """A class of connections on top of uvicorn's own.

    Parameters
    ----------
    header_timeout : s from the start of a connection, or the first byte of a further request, to the end of its head.
    base : uvicorn's by default.
    """
    protocol: Any = import_from_string(HTTP_PROTOCOLS["auto"]) if base is None else base

    class Guarded(protocol):  # type: ignore[misc]  # chosen by uvicorn at run time
        """One connection."""

        _deadline: asyncio.TimerHandle | None = None
        _n_head = 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
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
                self._deadline = asyncio.get_running_loop().call_later(header_timeout, self.transport.abort)

        def _end(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
            self._n_head = 0

    return Guarded


def use_guarded(header_timeout: float, max_connections: int) -> None:
    """Have the server that this process starts next use guarded connections; BentoML leaves uvicorn no other door."""
    HTTP_PROTOCOLS["auto"] = guarded(header_timeout, max_connections)
