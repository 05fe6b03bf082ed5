"""The writing routes: idempotency key → body, strictly → clock → committer → answer once durable."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from domain.decision import Product
from domain.events import Event
from serving.http import Answer, Call, read_json_body
from serving.people_requests import ComplaintRequest, DispositionRequest, ReviewRequest, VerdictRequest, read
from serving.problems import Problem, unavailable
from serving.requests import Asked, refusal
from serving.routes import SEES_ALL
from serving.work import Kind, Said, Work

if TYPE_CHECKING:
    from serving.runtime import Runtime

MAX_KEY = 128


async def score_payment(runtime: Runtime, call: Call, started: int) -> Answer:
    """Decide on a payment."""
    return await _score(runtime, call, started, Product.PAYMENT)


async def score_loan(runtime: Runtime, call: Call, started: int) -> Answer:
    """Decide on a loan application."""
    return await _score(runtime, call, started, Product.LOAN)


async def take_event(runtime: Runtime, call: Call, started: int) -> Answer:
    """Record a fact."""
    work, body = await begun(runtime, call, started, Kind.FACT)
    work.event = runtime.reader.fact(body, work.client, work.received_at)
    if is_ahead(runtime, work.event, work.received_at):
        work.kind = Kind.QUARANTINE
    return await commit(runtime, work)


async def take_outcome(runtime: Runtime, call: Call, started: int) -> Answer:
    """Record what became known."""
    work, body = await begun(runtime, call, started, Kind.OUTCOME)
    work.outcome = runtime.reader.outcome(body, work.received_at)
    return await commit(runtime, work)


async def take_complaint(runtime: Runtime, call: Call, started: int) -> Answer:
    """Record a complaint."""
    work, body = await begun(runtime, call, started, Kind.COMPLAINT)
    request = read(ComplaintRequest, body)
    work.event = runtime.reader.complaint(request, work.client, work.received_at)
    if is_ahead(runtime, work.event, work.received_at):
        raise _in_future(runtime)
    return await _said(runtime, call, work, request)


async def ask_review(runtime: Runtime, call: Call, started: int) -> Answer:
    """Ask that a person looks at a decision again."""
    work, body = await begun(runtime, call, started, Kind.ASK_REVIEW)
    return await _said(runtime, call, work, read(ReviewRequest, body))


async def decide_review(runtime: Runtime, call: Call, started: int) -> Answer:
    """Decide on an appeal."""
    work, body = await begun(runtime, call, started, Kind.DECIDE_REVIEW)
    return await _said(runtime, call, work, read(VerdictRequest, body))


async def dispose_alert(runtime: Runtime, call: Call, started: int) -> Answer:
    """Say what an alert turned out to be."""
    work, body = await begun(runtime, call, started, Kind.DISPOSE)
    return await _said(runtime, call, work, read(DispositionRequest, body))


async def _said(runtime: Runtime, call: Call, work: Work, request: Any) -> Answer:
    work.said = Said(request, call.arguments.get("decision_id", ""), bool(call.who.roles & SEES_ALL))
    return await commit(runtime, work)


async def _score(runtime: Runtime, call: Call, started: int, product: Product) -> Answer:
    work, body = await begun(runtime, call, started, Kind.DECIDE)
    asked_for(runtime, work, runtime.reader.score(product.value, body, work.client, work.received_at), product)
    return await commit(runtime, work)


# ---------------------------------------------------------------------- parts


def asked_for(runtime: Runtime, work: Work, asked: Asked, product: Product) -> None:
    """Put what is to be decided on into a work; raises 422 when it lies in the future."""
    if is_ahead(runtime, asked.event, work.received_at):
        raise _in_future(runtime)
    work.event, work.product, work.deadline_ms = asked.event, product, asked.deadline_ms


def is_ahead(runtime: Runtime, event: Event, received_at: int) -> bool:
    """Whether an event lies further ahead of the clock than clocks may differ."""
    return event.event_time > received_at + runtime.platform.future_tolerance


def _in_future(runtime: Runtime) -> Problem:
    tolerance = runtime.platform.future_tolerance // 1_000_000
    return Problem(
        422, "event_in_future", f"body.event_time: expected at most {tolerance} s ahead of the clock, got a later time"
    )


async def begun(
    runtime: Runtime, call: Call, started: int, kind: Kind, max_bytes: int | None = None
) -> tuple[Work, bytes]:
    """A work with its key and the hash of its body, and the body, read whole.

    Raises
    ------
    Problem
        400 without a good key; what `read_json_body` raises.
    """
    key = call.headers.get(b"idempotency-key", b"")
    if not 0 < len(key) <= MAX_KEY or not key.isascii() or not key.decode().isprintable():
        raise Problem(
            400, "idempotency_key",
            f"Idempotency-Key: expected 1 to {MAX_KEY} printable ASCII characters, got none or others",
        )  # fmt: skip
    settings = runtime.settings
    timeout = settings.body_timeout / 1e6
    body = await read_json_body(call, max_bytes or settings.max_body_bytes, runtime.timers, timeout)
    # Keyed: the hash outlives the request, and a plain one of so few possible bodies could be guessed back.
    digest = runtime.keyed_hash(b"%s\0%s" % (call.path.encode(), body))
    return Work(kind, call.who.name, key.decode(), digest, runtime.clock(), started, None), body


async def commit(runtime: Runtime, work: Work) -> Answer:
    """Hand a work to the committer and wait until it is durable.

    Raises
    ------
    Problem
        When it is refused, its key is being worked on, or no answer comes in time.
    """
    slot = (work.client, work.key)
    if slot in runtime.in_flight:
        raise in_flight()
    work.future = asyncio.get_running_loop().create_future()
    runtime.engine.submit(work)
    runtime.n_works += 1
    runtime.in_flight[slot] = work
    timer = runtime.timers.call_later(runtime.settings.answer_timeout / 1e6, partial(_give_up, work.future))
    try:
        result = await work.future
    finally:
        timer.cancel()
        runtime.in_flight.pop(slot, None)
    if isinstance(result, Problem):
        raise result
    return result  # type: ignore[no-any-return]  # set by the committer


def in_flight() -> Problem:
    """The same key is being worked on."""
    return Problem(
        409, "in_flight", "Idempotency-Key: expected one that is not being worked on, got one that is",
        headers={"Retry-After": "1"},
    )  # fmt: skip


def _give_up(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(
            unavailable("service: expected an answer in time, got none yet; ask again under the same key", "timeout")
        )


def raw_items(body: bytes, most: int) -> list[msgspec.Raw]:
    """The items of a batch, not yet read.

    Raises
    ------
    Problem
        400 when the body is no JSON, 422 when it is no list of 1 to ``most`` items.
    """
    try:
        items: list[msgspec.Raw] = _ITEMS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise Problem(422, "invalid_field", "body: expected a list of payments, got something else") from None
        raise refusal(error, body, "list") from None
    if not 0 < len(items) <= most:
        raise Problem(422, "batch_size", f"body: expected 1 to {most} items, got another number")
    return items


_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
