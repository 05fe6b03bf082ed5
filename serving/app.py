"""The doors under ``/v1``: a raw ASGI application, every route in one table.

authenticate → role → idempotency key → body, strictly → clock → committer → answer
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from domain.decision import Product
from domain.errors import AssayError
from domain.events import Event
from serving.auth import Role, presented_key
from serving.http import Answer, Call, Gone, Receive, Scope, Send, call_of, problem_answer, read_json_body, respond
from serving.metrics import MEDIA_TYPE as METRICS_TYPE
from serving.openapi import document
from serving.problems import Problem, unavailable
from serving.work import Kind, Work

if TYPE_CHECKING:
    from serving.runtime import Runtime

PREFIX = "/v1"
ANYONE = frozenset(Role)
MAX_KEY = 128


@dataclass(frozen=True, slots=True)
class Route:
    """Who may do what where; ``roles`` None is open to all, a trailing ``/`` takes an argument."""

    method: str
    path: str
    roles: frozenset[Role] | None
    handler: str


ROUTES = (
    Route("POST", "/payments/score", frozenset({Role.PAYMENTS_SCORER}), "score_payment"),
    Route("POST", "/loans/score", frozenset({Role.LOANS_SCORER}), "score_loan"),
    Route("POST", "/events", frozenset({Role.PAYMENTS_SCORER, Role.LOANS_SCORER}), "take_event"),
    Route("POST", "/outcomes", frozenset({Role.OUTCOME_WRITER}), "take_outcome"),
    Route(
        "GET", "/decisions/",
        frozenset({Role.PAYMENTS_SCORER, Role.LOANS_SCORER, Role.ANALYST, Role.REVIEWER, Role.ADMIN}), "decision",
    ),
    Route("GET", "/models", ANYONE, "models"),
    Route("GET", "/openapi.json", ANYONE, "openapi"),
    Route("GET", "/metrics", frozenset({Role.METRICS, Role.ADMIN}), "metrics"),
    Route("GET", "/livez", None, "livez"),
    Route("GET", "/readyz", None, "readyz"),
)  # fmt: skip

_SEES_ALL = frozenset({Role.ANALYST, Role.REVIEWER, Role.ADMIN})


class Door:
    """The ASGI application; closed until `open` gives it a runtime.

    Parameters
    ----------
    ticks : monotonic clock in ns.
    """

    def __init__(self, ticks: Callable[[], int] = time.perf_counter_ns) -> None:
        self._ticks = ticks
        self._runtime: Runtime | None = None
        self._in_flight: set[tuple[str, str]] = set()
        self._by_path: dict[str, dict[str, Route]] = {}
        for route in ROUTES:
            self._by_path.setdefault(route.path, {})[route.method] = route

    def open(self, runtime: Runtime | None) -> None:
        """Begin (or, with None, stop) to answer for a runtime."""
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing that breaks in it reaches the server."""
        if scope["type"] != "http":
            return
        started = self._ticks()
        call = call_of(scope, receive)
        template = "unknown"
        try:
            route, call.argument = self._route(call)
            template = route.path
            answer = await self._answer(route, call, started)
        except Gone:
            return
        except Problem as problem:
            answer = problem_answer(problem, call.request_id)
        except Exception as error:  # noqa: BLE001 - the HTTP door
            answer = problem_answer(
                Problem(500, "internal", "service: expected an answer, got an error of ours; it is logged"),
                call.request_id,
            )
            if self._runtime is not None:
                self._runtime.trail.error("door_failed", route=template, error=type(error).__name__, id=call.request_id)
        await respond(send, call, answer)
        if self._runtime is not None:
            self._runtime.metrics.answered(template, answer.status, (self._ticks() - started) / 1e9)

    def authenticated(self, headers: Mapping[bytes, bytes], role: Role) -> None:
        """For paths that are not ours: raise 401 or 403 unless the key of a client with the role is shown."""
        self._admitted(headers, frozenset({role}))

    # ---------------------------------------------------------------- routing

    def _route(self, call: Call) -> tuple[Route, str]:
        path = call.path.removeprefix(PREFIX)
        methods = self._by_path.get(path)
        argument = ""
        if methods is None or path.endswith("/"):
            head, _, argument = path.rpartition("/")
            methods = self._by_path.get(f"{head}/") if argument else None
        if methods is None:
            raise Problem(404, "not_found", "path: expected one of the OpenAPI document, got another")
        route = methods.get("GET" if call.method == "HEAD" else call.method)
        if route is None:
            allowed = ", ".join(sorted(methods))
            raise Problem(405, "method", f"method: expected {allowed}, got another", headers={"Allow": allowed})
        return route, argument

    async def _answer(self, route: Route, call: Call, started: int) -> Answer:
        if route.roles is not None:
            call.client = self._admitted(call.headers, route.roles)
        handler: Callable[[Call, int], Awaitable[Answer]] = getattr(self, f"_{route.handler}")
        return await handler(call, started)

    def _admitted(self, headers: Mapping[bytes, bytes], roles: frozenset[Role]) -> Any:
        key = presented_key(headers)
        client = None if key is None else self._open.clients.find(key)
        if client is None:
            raise Problem(
                401, "unauthenticated", "Authorization: expected Bearer and a client's API key, got another or none",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        if not client.roles & roles:
            raise Problem(403, "forbidden", f"client: expected a role of {', '.join(sorted(roles))}, got others")
        return client

    @property
    def _open(self) -> Runtime:
        if self._runtime is None:
            raise unavailable("service: expected to be open, it is starting or stopping", "not_ready")
        return self._runtime

    # ----------------------------------------------------------------- writing

    async def _score_payment(self, call: Call, started: int) -> Answer:
        return await self._score(call, started, Product.PAYMENT)

    async def _score_loan(self, call: Call, started: int) -> Answer:
        return await self._score(call, started, Product.LOAN)

    async def _score(self, call: Call, started: int, product: Product) -> Answer:
        work, body = await self._work(call, started, Kind.DECIDE)
        asked = self._open.reader.score(product.value, body, work.client, work.received_at)
        if self._is_ahead(asked.event, work):
            tolerance = self._open.platform.future_tolerance // 1_000_000
            raise Problem(
                422, "event_in_future",
                f"body.event_time: expected at most {tolerance} s ahead of the clock, got a later time",
            )  # fmt: skip
        work.event, work.product, work.deadline_ms = asked.event, product, asked.deadline_ms
        return await self._commit(work)

    async def _take_event(self, call: Call, started: int) -> Answer:
        work, body = await self._work(call, started, Kind.FACT)
        work.event = self._open.reader.fact(body, work.client, work.received_at)
        if self._is_ahead(work.event, work):
            work.kind = Kind.QUARANTINE
        return await self._commit(work)

    async def _take_outcome(self, call: Call, started: int) -> Answer:
        work, body = await self._work(call, started, Kind.OUTCOME)
        work.outcome = self._open.reader.outcome(body, work.received_at)
        return await self._commit(work)

    async def _work(self, call: Call, started: int, kind: Kind) -> tuple[Work, bytes]:
        runtime = self._open
        key = call.headers.get(b"idempotency-key", b"")
        if not 0 < len(key) <= MAX_KEY or not key.isascii() or not key.decode().isprintable():
            raise Problem(
                400, "idempotency_key",
                f"Idempotency-Key: expected 1 to {MAX_KEY} printable ASCII characters, got none or others",
            )  # fmt: skip
        body = await read_json_body(call, runtime.settings.max_body_bytes, runtime.settings.body_timeout / 1e6)
        # Keyed: the hash outlives the request, and a plain one of so few possible bodies could be guessed back.
        digest = hmac.digest(runtime.digest_key, b"%s\0%s" % (call.path.encode(), body), "sha256")
        future = asyncio.get_running_loop().create_future()
        work = Work(kind, call.who.name, key.decode(), digest, runtime.clock(), started, future)
        return work, body

    async def _commit(self, work: Work) -> Answer:
        """Hand a work to the committer and wait until it is durable, or refused."""
        slot = (work.client, work.key)
        if slot in self._in_flight:
            raise Problem(
                409, "in_flight", "Idempotency-Key: expected one that is not being worked on, got one that is",
                headers={"Retry-After": "1"},
            )  # fmt: skip
        runtime = self._open
        runtime.committer.submit(work)
        self._in_flight.add(slot)
        timer = asyncio.get_running_loop().call_later(runtime.settings.answer_timeout / 1e6, _give_up, work.future)
        try:
            result = await work.future
        finally:
            timer.cancel()
            self._in_flight.discard(slot)
        if isinstance(result, Problem):
            raise result
        return result  # type: ignore[no-any-return]  # set by the committer

    def _is_ahead(self, event: Event, work: Work) -> bool:
        return event.event_time > work.received_at + self._open.platform.future_tolerance

    # ----------------------------------------------------------------- reading

    async def _decision(self, call: Call, started: int) -> Answer:
        del started
        runtime = self._open
        try:
            found = await asyncio.get_running_loop().run_in_executor(runtime.reading, runtime.decision, call.argument)
        except AssayError:
            raise unavailable("store: expected to be readable, it is not; try again") from None
        if found is None or not (call.who.roles & _SEES_ALL or found[0] == call.who.name):
            raise Problem(404, "unknown_decision", "path: expected the id of a decision of yours, got another")
        return Answer(200, found[1])

    async def _models(self, call: Call, started: int) -> Answer:
        del call, started
        return _json(200, {product.value: asdict(told) for product, told in self._open.deployments.deployed().items()})

    async def _openapi(self, call: Call, started: int) -> Answer:
        del call, started
        return Answer(200, document(self._open.reader, ROUTES))

    async def _metrics(self, call: Call, started: int) -> Answer:
        del call, started
        runtime = self._open
        runtime.metrics.state(queue_length=runtime.committer.waiting, ready=runtime.ready)
        return Answer(200, runtime.metrics.text(), METRICS_TYPE)

    async def _livez(self, call: Call, started: int) -> Answer:
        del call, started
        alive = self._runtime is not None and self._runtime.alive
        return _json(200 if alive else 503, {"alive": alive})

    async def _readyz(self, call: Call, started: int) -> Answer:
        del call, started
        ready = self._runtime is not None and self._runtime.ready
        told = {} if self._runtime is None else self._runtime.deployments.deployed()
        products = {
            product.value: {"model": one.model is not None, "refused": one.refused is not None}
            for product, one in told.items()
        }
        return _json(200 if ready else 503, {"ready": ready, "products": products})


def _give_up(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(
            unavailable("service: expected an answer in time, got none yet; ask again under the same key", "timeout")
        )


def _json(status: int, content: Any) -> Answer:
    return Answer(status, msgspec.json.encode(content))
