"""Timers of a few fixed lengths, almost all of which are cancelled before their end.

    length ──▶ queue, in the order of the ends ──▶ one timer of the event loop, for the first that is not cancelled

A request has three: its body, its answer, and its connection until the next. The loop keeps its own in a heap,
cancelled ones too: 4 µs for each, here less than one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any


class Timer:
    """What is to be called when; may be cancelled."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], Any]) -> None:
        self.when = when
        self.call: Callable[[], Any] | None = call

    def cancel(self) -> None:
        """Call nothing; what would have been called is let go of."""
        self.call = None


class Timers:
    """Timers of one event loop, that of whoever asks for one.

    Examples
    --------
    >>> async def first_of_two() -> list[str]:
    ...     timers, called = Timers(), []
    ...     timers.call_later(0.001, lambda: called.append("first")).cancel()
    ...     _ = timers.call_later(0.001, lambda: called.append("second"))
    ...     await asyncio.sleep(0.01)
    ...     return called
    >>> asyncio.run(first_of_two())
    ['second']
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queues: dict[float, deque[Timer]] = {}

    def call_later(self, seconds: float, call: Callable[[], Any]) -> Timer:
        """Have the event loop call something so much later."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._queues = loop, {}
        timer = Timer(loop.time() + seconds, call)
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = deque()
        if not queue:
            loop.call_at(timer.when, self._due, loop, queue)
        queue.append(timer)
        return timer

    def _due(self, loop: asyncio.AbstractEventLoop, queue: deque[Timer]) -> None:
        now = loop.time()
        while queue:
            first = queue[0]
            if first.call is not None:
                if first.when > now:
                    loop.call_at(first.when, self._due, loop, queue)
                    return
                # By the loop: what it raises is told there, and keeps nobody from his turn.
                loop.call_soon(first.call)
            queue.popleft()


class Within:
    """A block of the running task that is broken off after so many seconds; as `asyncio.timeout`, on `Timers`.

    Raises
    ------
    TimeoutError
        When it was.
    """

    __slots__ = ("_cancelling", "_expired", "_seconds", "_task", "_timer", "_timers")

    def __init__(self, timers: Timers, seconds: float) -> None:
        self._timers = timers
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Within: expected a task, got none")
        self._task = task
        self._cancelling = task.cancelling()
        self._timer = self._timers.call_later(self._seconds, self._expire)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        # Only a cancellation that is nobody else's becomes a time-out.
        if (
            self._expired
            and self._task.uncancel() <= self._cancelling
            and kind is not None
            and issubclass(kind, asyncio.CancelledError)
        ):
            raise TimeoutError from error

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
