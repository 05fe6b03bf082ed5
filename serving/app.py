"""The door under ``/v1``: a raw ASGI application over the table of routes.

host → route → who is asking → role → rate → handler → answer
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from serving.auth import API_KEY_PREFIX, Client, Role, presented_key
from serving.handlers import HANDLERS
from serving.health import HEALTH
from serving.http import Answer, Call, Gone, Receive, Scope, Send, call_of, check_head, problem_answer, respond
from serving.limits import too_many
from serving.problems import Problem, unavailable
from serving.routes import PREFIX, ROUTES, Route, Router

if TYPE_CHECKING:
    from serving.runtime import Runtime


class Door:
    """The ASGI application; closed until `open` gives it a runtime.

    Parameters
    ----------
    ticks : monotonic clock in ns.
    """

    def __init__(self, ticks: Callable[[], int] = time.perf_counter_ns) -> None:
        self._ticks = ticks
        self._runtime: Runtime | None = None
        self._router = Router(ROUTES)

    def open(self, runtime: Runtime | None) -> None:
        """Begin (or, with None, stop) to answer for a runtime."""
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing that breaks in it reaches the server."""
        if scope["type"] != "http":
            return
        started = self._ticks()
        if self._runtime is not None:
            # Any request will do, also a probe of health: it has the event loop.
            self._runtime.keep_warm.begin()
        call = call_of(scope, receive)
        template = "unknown"
        try:
            route = self._route(call)
            template = route.path
            self.check(scope, call, any_host=route.roles is None)
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

    def check(self, scope: Scope, call: Call, *, any_host: bool = False) -> None:
        """Raise 400, 421 or 431 for a head that is ambiguous, meant for another host, or too large."""
        runtime = self._runtime
        if runtime is not None:
            check_head(scope, call, None if any_host else runtime.hosts, runtime.settings.max_header_bytes)

    def authenticated(self, call: Call, role: Role) -> None:
        """For paths that are not ours: raise 401 or 403 unless a client with the role is asking."""
        self._admitted(call, frozenset({role}))

    # ---------------------------------------------------------------- routing

    def _route(self, call: Call) -> Route:
        found = self._router.find(call.path.removeprefix(PREFIX))
        if found is None:
            raise Problem(404, "not_found", "path: expected one of the OpenAPI document, got another")
        methods, call.arguments = found
        route = methods.get("GET" if call.method == "HEAD" else call.method)
        if route is None:
            allowed = ", ".join(sorted(methods))
            raise Problem(405, "method", f"method: expected {allowed}, got another", headers={"Allow": allowed})
        return route

    async def _answer(self, route: Route, call: Call, started: int) -> Answer:
        if route.roles is None:
            return HEALTH[route.handler](self._runtime)
        call.client = self._admitted(call, route.roles)
        return await HANDLERS[route.handler](self._open, call, started)

    def _admitted(self, call: Call, roles: frozenset[Role]) -> Client:
        runtime = self._open
        client = self._known(call, runtime)
        if client is None:
            wait = runtime.failed_logins.take(call.peer)
            if wait:
                raise too_many(wait)
            raise Problem(
                401, "unauthenticated", "Authorization: expected Bearer and a valid key or token, got another or none",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        wait = runtime.buckets.take(client.name)
        if wait:
            raise too_many(wait)
        if not client.roles & roles:
            raise Problem(403, "forbidden", f"client: expected a role of {', '.join(sorted(roles))}, got others")
        return client

    @staticmethod
    def _known(call: Call, runtime: Runtime) -> Client | None:
        key = presented_key(call.headers)
        if key is None:
            return None
        if runtime.jwt is not None and not key.startswith(API_KEY_PREFIX):
            return runtime.jwt.find(key, runtime.clock())
        return runtime.clients.find(key)

    @property
    def _open(self) -> Runtime:
        if self._runtime is None:
            raise unavailable("service: expected to be open, it is starting or stopping", "not_ready")
        return self._runtime
