"""Callers in a closed loop: each sends its next request when it has the answer to the one before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from domain.errors import Unavailable
from serving.load.histogram import Histogram
from serving.load.wire import Lines

_WAIT_SECONDS = 1.0
"""Waited for an answer at a time; until there is one."""


@dataclass
class Saturated:
    """What came of it: answers a second, and what they took (µs)."""

    n: int = 0
    seconds: float = 0.0
    times: Histogram = field(default_factory=Histogram)
    answers: list[bytes] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.n / self.seconds


def saturate(
    host: str,
    port: int,
    requests: Iterator[bytes],
    callers: int,
    seconds: float,
    *,
    keep: Callable[[int], bool] | None = None,
) -> Saturated:
    """Let ``callers`` ask one request after the other for some seconds.

    Parameters
    ----------
    requests : as many as are needed; the run ends early when they do.
    keep : number of a request → whether its answer is kept, in the order they were asked.
    """
    lines, told, kept = Lines[int](host, port, n_first=callers, limit=callers), Saturated(), dict[int, bytes]()
    started = time.perf_counter()
    asked: dict[int, float] = {}

    def ask() -> None:
        now = time.perf_counter()
        request = next(requests, None) if now - started < seconds else None
        if request is not None:
            number = told.n + len(asked)
            asked[number] = now
            lines.ask(number, request)

    for _ in range(callers):
        ask()
    while asked:
        for number, answer in lines.answers(_WAIT_SECONDS):
            if answer is None:
                raise Unavailable("connection: expected an answer, it was closed")
            told.n += 1
            told.refused += answer.status != 200
            told.times.record(round((time.perf_counter() - asked.pop(number)) * 1e6))
            if keep is not None and keep(number):
                kept[number] = answer.body
            ask()
    told.seconds = time.perf_counter() - started
    told.answers = [kept[number] for number in sorted(kept)]
    lines.close()
    return told
