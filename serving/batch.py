"""A batch of payments under one idempotency key: each item is a decision of its own, durable and chained.

    kept answer? → yes: the same bytes
    begun before with another body? → refused
    each item, a few at a time, under the batch's key and its place  (so that single payments pass between them)
    all answered → one durable answer takes the place of the items' → answer

A batch that was cut off is sent again under its key: what was decided is found, the rest is decided, nothing twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from domain.decision import Product
from serving.http import Answer, Call
from serving.problems import Problem, unavailable
from serving.work import Kind, Said, Work
from serving.writing import asked_for, begun, commit, in_flight, raw_items
from stores.ledger import item_key

if TYPE_CHECKING:
    from serving.runtime import Runtime

AT_ONCE = 16
"""Items of one batch that wait for the committer at the same time."""


async def score_payments(runtime: Runtime, call: Call, started: int) -> Answer:
    """Decide on many payments; the answers stand in the order of the items."""
    settings = runtime.settings
    work, body = await begun(runtime, call, started, Kind.KEEP, settings.max_batch_bytes)
    slot = (work.client, work.key)
    if slot in runtime.in_flight:
        raise in_flight()
    runtime.in_flight[slot] = work
    try:
        kept = await runtime.read(lambda books: books.ledger.recall(work.client, work.key))
        if kept is None:
            items = raw_items(body, settings.max_batch_items)
            runtime.buckets.take(work.client, len(items) - 1)
            # Its hash is durable before its items are: another body under its key finds it, and touches none of them.
            begin = Work(Kind.BEGIN, work.client, item_key(work.key, -1), work.digest, work.received_at, started, None)
            await commit(runtime, begin)
            work.said = Said(_assembled(await _each(runtime, work, items)))
    finally:
        runtime.in_flight.pop(slot, None)
    # Where an answer is kept the committer gives it, or refuses another body, as for every write.
    return await commit(runtime, work)


async def _each(runtime: Runtime, batch: Work, items: list[msgspec.Raw]) -> list[Answer | Problem]:
    """Answers in order; raises a problem that is the whole batch's."""
    places = iter(range(len(items)))
    answers: list[Answer | Problem] = [unavailable("item")] * len(items)
    failed: list[Problem] = []

    async def worker() -> None:
        for place in places:
            if failed:
                return
            try:
                answers[place] = await _one(runtime, batch, items[place], place)
            except Problem as problem:
                failed.append(problem)

    await asyncio.gather(*(worker() for _ in range(min(AT_ONCE, len(items)))))
    if failed:
        raise failed[0]
    return answers


async def _one(runtime: Runtime, batch: Work, raw: msgspec.Raw, place: int) -> Answer | Problem:
    received_at = runtime.clock()
    work = Work(
        Kind.DECIDE, batch.client, item_key(batch.key, place), batch.digest, received_at, runtime.ticks(), None
    )  # fmt: skip
    try:
        asked = runtime.reader.score(Product.PAYMENT.value, bytes(raw), batch.client, received_at)
        asked_for(runtime, work, asked, Product.PAYMENT)
        return await commit(runtime, work)
    except Problem as problem:
        if problem.status >= 500 or problem.code in _WHOLE:
            raise
        return problem


_WHOLE = frozenset({"idempotency_key_reused", "in_flight"})


def _assembled(answers: list[Answer | Problem]) -> bytes:
    return b'{"items":[' + b",".join(map(_item, answers)) + b"]}"


def _item(answer: Answer | Problem) -> bytes:
    if isinstance(answer, Answer):
        return b'{"status":%d,"decision":%s}' % (answer.status, answer.body)
    told: dict[str, Any] = {"code": answer.code, "detail": answer.detail, **answer.extra}
    return b'{"status":%d,"problem":%s}' % (answer.status, msgspec.json.encode(told))
