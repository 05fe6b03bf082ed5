"""Callers in a closed loop: each sends its next request when it has the answer to the one before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from serving.load.histogram import Histogram
from serving.load.wire import Pool


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
    return asyncio.run(_saturated(host, port, requests, callers, seconds, keep))


async def _saturated(
    host: str, port: int, requests: Iterator[bytes], callers: int, seconds: float, keep: Callable[[int], bool] | None
) -> Saturated:
    pool, told, kept = Pool(host, port, callers), Saturated(), {}
    await pool.opened(callers)
    started = time.perf_counter()
    numbers = iter(range(2**62))

    async def caller() -> None:
        while time.perf_counter() - started < seconds:
            request = next(requests, None)
            if request is None:
                return
            number, asked = next(numbers), time.perf_counter()
            status, body = await pool.ask(request, lambda: None)
            told.n += 1
            told.refused += status != 200
            told.times.record(round((time.perf_counter() - asked) * 1e6))
            if keep is not None and keep(number):
                kept[number] = body

    await asyncio.gather(*(caller() for _ in range(callers)))
    told.seconds = time.perf_counter() - started
    told.answers = [kept[number] for number in sorted(kept)]
    pool.close()
    return told
