"""The outermost application: our doors first, and BentoML's own pages only with an administrator's key.

Requests under ``/v1`` and the health checks go straight to the doors: BentoML's middleware (tracing,
time-out, context) costs 0.6 ms each and adds nothing to them. Everything else is BentoML's, which
knows no authentication, so a key is asked for here; it logs the content of bodies that it cannot read,
so none is passed on; its index page, which loads scripts from a third party, is never served.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import msgspec

from serving.app import Door
from serving.auth import Role
from serving.http import Answer, ASGIApp, Receive, Scope, Send, call_of, problem_answer, respond
from serving.problems import Problem
from serving.routes import PREFIX

_HEALTH = {"/livez": "/livez", "/readyz": "/readyz", "/healthz": "/livez"}
_INDEX = msgspec.json.encode({"service": "assay", "openapi": f"{PREFIX}/openapi.json"})


class Guard:
    """Send each request to the doors, to BentoML, or away."""

    def __init__(self, door: Door, bentoml_app: ASGIApp) -> None:
        self._door = door
        self._bentoml_app = bentoml_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one connection."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._bentoml_app(scope, receive, send)
        elif kind == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["path"].startswith(f"{PREFIX}/"):
            await self._door(scope, receive, send)
        elif scope["path"] in _HEALTH:
            await self._door({**scope, "path": PREFIX + _HEALTH[scope["path"]]}, receive, send)
        else:
            await self._other(scope, receive, send)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = call_of(scope, receive)
        try:
            self._door.check(scope, call)
            if scope["path"] == "/":
                await respond(send, call, Answer(200, _INDEX))
                return
            self._door.authenticated(call, Role.ADMIN)
        except Problem as problem:
            await respond(send, call, problem_answer(problem, call.request_id))
            return
        headers = [
            (name, value) for name, value in scope["headers"] if name not in (b"content-length", b"content-type")
        ]
        await self._bentoml_app({**scope, "headers": headers, "query_string": b""}, _with_empty_body(receive), send)


def _with_empty_body(receive: Receive) -> Receive:
    """A body without content, once; then the end of the connection, which whoever streams an answer waits for."""
    given = False

    async def received() -> MutableMapping[str, Any]:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": b"{}", "more_body": False}
        while (message := await receive())["type"] != "http.disconnect":
            pass
        return message

    return received
