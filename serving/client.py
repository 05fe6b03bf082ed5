"""Small clients, one that waits and one that awaits: they retry under the same idempotency key, so that a lost answer
is never a second event.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import httpx

from serving.client_attempts import Answered, Patience, Refused, Unanswered, attempts
from serving.client_calls import Ask, Calls
from serving.run import wait_ready

__all__ = ["AssayClient", "AsyncAssayClient", "Refused", "Unanswered"]


class AssayClient(Calls[dict[str, Any]]):
    """Talk to a service.

    Parameters
    ----------
    base_url : such as ``http://127.0.0.1:3000``.
    key : the API key, or a token.
    timeout : seconds for one attempt.
    retry_for : seconds from the first attempt in which another may begin; 0 sends once. What timed out is sent again
        only where this is more than ``timeout``.
    attempts : how often a request is sent at most; by default as often as the time allows.
    transport : for tests.
    pause : waits between attempts.
    clock : seconds that only go forward.
    chance : draws from [0, 1), which spread the waits.

    Examples
    --------
    >>> def answer(request: httpx.Request) -> httpx.Response:
    ...     return httpx.Response(200, json={"action": "approve"})
    >>> with AssayClient("http://assay", "k", transport=httpx.MockTransport(answer)) as client:
    ...     client.score_payment({"event_id": "p1"})["action"]
    'approve'
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout: float = 10.0,
        retry_for: float = 60.0,
        attempts: int | None = None,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._patience = Patience(retry_for, attempts, clock, chance)
        self._pause = pause
        # A proxy set for the outside world must not see payments on their way to the next room.
        self._http = httpx.Client(
            base_url=self._base_url, headers=_headers(key), timeout=timeout, transport=transport, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def wait_ready(self, within: float = 60.0) -> None:
        """Return once the service is ready; Unavailable when that takes longer (s)."""
        wait_ready(self._base_url, within)

    def _ask(self, ask: Ask) -> dict[str, Any]:
        course = attempts(self._base_url + ask.path, ask.key, self._patience)
        try:
            wait = next(course)
            while True:
                if wait:
                    self._pause(wait)
                wait = course.send(self._once(ask))
        except StopIteration as end:
            answer: dict[str, Any] = end.value
            return answer

    def _once(self, ask: Ask) -> Answered:
        try:
            return self._http.request(
                ask.method, ask.path, json=ask.body, headers=dict(ask.headers), params=dict(ask.query) or None
            )
        except httpx.TransportError as error:
            return error


class AsyncAssayClient(Calls[Awaitable[dict[str, Any]]]):
    """Talk to a service from an event loop; as `AssayClient`, each call awaited.

    Examples
    --------
    >>> async def ask() -> str:
    ...     transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"action": "approve"}))
    ...     async with AsyncAssayClient("http://assay", "k", transport=transport) as client:
    ...         return (await client.score_payment({"event_id": "p1"}))["action"]
    >>> asyncio.run(ask())
    'approve'
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout: float = 10.0,
        retry_for: float = 60.0,
        attempts: int | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._patience = Patience(retry_for, attempts, clock, chance)
        self._pause = pause
        self._http = httpx.AsyncClient(
            base_url=self._base_url, headers=_headers(key), timeout=timeout, transport=transport, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def _ask(self, ask: Ask) -> dict[str, Any]:
        course = attempts(self._base_url + ask.path, ask.key, self._patience)
        wait = next(course)
        while True:
            if wait:
                await self._pause(wait)
            answered = await self._once(ask)
            # A StopIteration must not leave a coroutine: it would become a RuntimeError.
            try:
                wait = course.send(answered)
            except StopIteration as end:
                answer: dict[str, Any] = end.value
                return answer

    async def _once(self, ask: Ask) -> Answered:
        try:
            return await self._http.request(
                ask.method, ask.path, json=ask.body, headers=dict(ask.headers), params=dict(ask.query) or None
            )
        except httpx.TransportError as error:
            return error


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
