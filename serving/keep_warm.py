"""While nobody asks, made-up requests are decided on and taken back, so that the next one finds everything at hand.

    door: no work for `keep_warm_after_ms` ──▶ an example, read as any other body
    engine: looked up, decided on, taken back; nothing is written, learnt or counted as a decision

What is not touched for a while leaves the caches, and under some hypervisors its pages must be found again: the first
payment after six seconds of silence took 30 ms instead of 2 (docs/performance.md).
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from domain.decision import Product
from domain.time import format_instant
from serving.http import Answer
from serving.openapi_words import EXAMPLES
from serving.problems import Problem
from serving.work import Kind, Work

if TYPE_CHECKING:
    from serving.runtime import Runtime

_EXAMPLES = {Product.PAYMENT: EXAMPLES["score_payment"], Product.LOAN: EXAMPLES["score_loan"]}
_NOBODY = ""
"""No client has this name: what is looked up for it is found nowhere."""


class KeepWarm:
    """Keep what is deployed warm, from the first request on; for the event loop.

    Parameters
    ----------
    runtime : whose reader and engine are kept at hand; its setting ``keep_warm_after_ms`` says whether.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin, unless it has begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(self._ended)

    def stop(self) -> None:
        """Keep it warm no more; from any thread."""
        if self._task is not None and not (loop := self._task.get_loop()).is_closed():
            loop.call_soon_threadsafe(self._task.cancel)

    async def _run(self) -> None:
        runtime, pause = self._runtime, self._runtime.settings.keep_warm_after_ms
        if pause is None:
            return
        seen = runtime.n_works
        for n in itertools.count():
            await asyncio.sleep(pause / 1e3)
            if seen == runtime.n_works and runtime.ready:
                for product in map(Product, runtime.engine.status().deployed):
                    # An engine that is full, or has just ended, has nothing to be kept warm for.
                    with suppress(Problem):
                        await self._warm_up(product, f"warm-up-{n}")
            seen = runtime.n_works

    async def _warm_up(self, product: Product, name: str) -> None:
        runtime = self._runtime
        now, started = runtime.clock(), runtime.ticks()
        said = {"event_id": name, "event_time": format_instant(now), "currency": runtime.platform.base_currency}
        body = msgspec.json.encode(_EXAMPLES[product] | said)
        event = runtime.reader.score(product.value, body, _NOBODY, now).event
        future = asyncio.get_running_loop().create_future()
        work = Work(Kind.WARM_UP, _NOBODY, name, runtime.keyed_hash(body), now, started, future, event, product=product)
        runtime.engine.submit(work)
        if isinstance(await future, Answer):
            runtime.metrics.warmed_up()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._runtime.trail.error("warm_ups_failed", error=type(error).__name__)
