"""Send a plan open loop: a request goes out when it is due, however slow the answers before it were.

    sender: sleep until nearly due ──▶ make the request ──▶ sleep until due ──▶ send ──▶ never wait for an answer
    latency = answer - DUE

A stall of the service, or of the sender, is so counted in full and not hidden by requests that were never sent.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from domain.decision import Product
from domain.errors import Unavailable
from serving.load.histogram import Histogram
from serving.load.plan import Plan
from serving.load.wire import Pool, address_of

_HEAD_START = 0.05
_MADE_BEFORE = 0.002
"""Seconds before it is due that a request is made: what that takes is no latency of the service."""

_OPEN_FIRST = 16


@dataclass
class Result:
    """What became of a load.

    Parameters
    ----------
    latency : µs from when a request was due to its answer, of answers with status 200.
    service : µs from when it was really sent, for comparison only.
    lag : µs that the sender was late.
    by_product : latency of each product.
    statuses : status → answers.
    failures : kind of failure → requests without an answer.
    degraded : answers that say something was dropped.
    seconds : from the first moment due to the last answer.
    """

    n_planned: int
    latency: Histogram = field(default_factory=Histogram)
    service: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    by_product: dict[Product, Histogram] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    degraded: int = 0
    seconds: float = 0.0

    @property
    def errors(self) -> float:
        """Share of requests that got no answer, or another than 200."""
        return 1.0 - self.statuses[200] / self.n_planned


def drive(url: str, plan: Plan, request: Callable[[Product], bytes], *, connections: int, timeout: float) -> Result:
    """Send a plan to a running service.

    Parameters
    ----------
    request : the bytes of the next request about a product; made just before it is due.
    connections : most open at once; a request that finds none free waits, and the wait is counted.
    timeout : seconds from when it was due until a request counts as unanswered.

    Raises
    ------
    Unavailable
        When nobody listens there.
    """
    # select() sleeps to the microsecond; epoll, the usual one, only to the millisecond.
    factory = lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())  # noqa: E731 - a factory of one word
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_driven(url, plan, request, connections, timeout))


async def _driven(
    url: str, plan: Plan, request: Callable[[Product], bytes], connections: int, timeout: float
) -> Result:
    host, port = address_of(url)
    pool = Pool(host, port, connections)
    try:
        await pool.opened(min(_OPEN_FIRST, connections))
    except OSError as error:
        raise Unavailable(f"{url}: expected a service, got {error}") from error
    result = Result(len(plan), by_product={product: Histogram() for product in sorted(set(plan.products))})
    loop = asyncio.get_running_loop()
    sent: set[asyncio.Task[None]] = set()
    start = loop.time() + _HEAD_START
    for moment, product in zip(plan.due.tolist(), plan.products, strict=True):
        due = start + moment
        await _until(due - _MADE_BEFORE)
        made = request(product)
        await _until(due)
        task = loop.create_task(_one(pool, made, due, product, timeout, result))
        sent.add(task)
        task.add_done_callback(sent.discard)
        # A sender that is late must still let the answers in.
        await asyncio.sleep(0)
    while sent:
        await asyncio.wait(sent)
    result.seconds = loop.time() - start
    pool.close()
    return result


async def _until(moment: float) -> None:
    if (ahead := moment - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(ahead)


async def _one(pool: Pool, request: bytes, due: float, product: Product, timeout: float, result: Result) -> None:
    loop = asyncio.get_running_loop()
    went = due

    def about_to_send() -> None:
        nonlocal went
        went = loop.time()

    try:
        async with asyncio.timeout_at(due + timeout):
            status, body = await pool.ask(request, about_to_send)
    except (Unavailable, OSError) as error:
        result.failures["timeout" if isinstance(error, TimeoutError) else "connection"] += 1
        return
    now = loop.time()
    result.statuses[status] += 1
    result.lag.record(round((went - due) * 1e6))
    if status == 200:
        micros = round((now - due) * 1e6)
        result.latency.record(micros)
        result.by_product[product].record(micros)
        result.service.record(round((now - went) * 1e6))
        result.degraded += b'"degraded":false' not in body
