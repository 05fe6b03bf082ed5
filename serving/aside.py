"""One thread beside another: what it finishes in time is used, and what it does not is not waited for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class TooLate(Exception):  # noqa: N818 - it reads as what happened
    """It was not done in time; it may still be running."""


class _Task:
    """What is to be done, and what came of it."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None


class Aside:
    """Do one thing at a time in a thread of its own, which starts with the first.

    Examples
    --------
    >>> aside = Aside("example")
    >>> aside.within(5.0, lambda: 6 * 7), aside.busy
    (42, False)
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._last: _Task | None = None

    @property
    def busy(self) -> bool:
        """Whether something that was too late is still being done."""
        return self._last is not None and not self._last.done.is_set()

    def within(self, seconds: float, act: Callable[[], T]) -> T:
        """What ``act`` gives, or raises, when it is done within ``seconds``.

        Raises
        ------
        TooLate
            When it is not, or something earlier is still being done.
        """
        if self.busy:
            raise TooLate
        if self._thread is None:
            # A daemon: what hangs in it must not keep a service from stopping.
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        task = self._last = _Task(act)
        self._tasks.put(task)
        if not task.done.wait(max(0.0, seconds)):
            raise TooLate
        if task.error is not None:
            raise task.error
        result: T = task.result
        return result

    def close(self) -> None:
        """End the thread, once it is done with what it does."""
        self._tasks.put(None)

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task.result = task.act()
            # Whatever it raises is raised where it was asked for.
            except BaseException as error:  # noqa: BLE001
                task.error = error
            task.done.set()
