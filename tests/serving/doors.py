"""The doors and the engine in this process: real stores and threads, behind the real guard, without a socket."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import os
import shutil
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from domain.decision import Product
from scoring.bundle import load_bundle
from serving import deployments
from serving.app import Door
from serving.books import Books
from serving.engine import Engine
from serving.engine_link import LinkedEngine
from serving.guard import Guard
from serving.http import Receive, Scope, Send
from serving.logs import json_logger
from serving.runtime import Runtime
from serving.work import Work
from stores.home import Home
from tests.serving import world

OPEN = {
    "allowed_hosts": "[assay]",
    "failed_logins": "{per_second: 1.0e+6, burst: 1000000}",
    # A test that breaks a part wants to be the one who meets it.
    "keep_warm_after_ms": "null",
}
"""Settings of a test that is not about them."""


class OpenEngine(Engine):
    """An engine that lets a test reach the connections its threads have opened."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.opened: list[Books] = []
        super().__init__(*arguments, **options)

    def _books(self) -> Books:
        self.opened.append(super()._books())
        return self.opened[-1]

    @property
    def desks(self) -> Any:
        return self._desks

    @property
    def committing(self) -> Books:
        """The books of the committer's thread: the last opened until somebody swaps."""
        return self.opened[-1]


async def bentoml_page(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for BentoML's own application."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"bentoml: " + scope["path"].encode()})


def until(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What it gives, once that is true."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


class Doors:
    """Send requests to an application on an event loop of its own; ``apart``: its engine is a process of its own."""

    engine: Any

    def __init__(
        self,
        root: Path,
        *,
        products: tuple[Product, ...] = (Product.PAYMENT, Product.LOAN),
        now: int = world.START,
        settings: dict[str, str] | None = None,
        apart: bool = False,
    ) -> None:
        self._apart = apart
        self.home = Home(root / "home")
        for product in products:
            world.deploy(self.home, product)
        self.keys = world.with_keys(self.home)
        self.configs = root / "configs"
        if not self.configs.exists():
            shutil.copytree(world.CONFIGS, self.configs)
        for name, value in {**OPEN, **(settings or {})}.items():
            self._set(name, value)
        self.now = now
        self.log = io.StringIO()
        self._numbers = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.door = Door()
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=Guard(self.door, bentoml_page)), base_url="http://assay"
        )
        # The child process that scores golden rows has tests of its own, and a real service runs it.
        self._patch = mock.patch.object(deployments, "load_bundle", partial(load_bundle, score_golden_in_child=False))
        self._patch.start()
        self.runtime = self._started()

    def _set(self, name: str, value: str) -> None:
        path = self.configs / "serving.yaml"
        lines = [line for line in path.read_text().splitlines() if not line.startswith(f"{name}:")]
        path.write_text("\n".join([*lines, f"{name}: {value}", ""]))

    def _started(self) -> Runtime:
        log = json_logger(self.log)

        def engine(at_hand: Callable[[], list[Work]]) -> Any:
            if self._apart:
                self.engine = LinkedEngine(self.home, self.configs, os.environ, log=log)
            else:
                self.engine = OpenEngine(self.home, self.configs, {}, log=log, clock=lambda: self.now, at_hand=at_hand)
            return self.engine

        runtime = Runtime(self.home, self.configs, {}, engine, log=log, clock=lambda: self.now)
        runtime.start()
        until(lambda: runtime.ready, 120)
        self.door.open(runtime)
        return runtime

    def look_often(self) -> None:
        """Follow at once what changes on disk."""
        often = self.runtime.settings.model_copy(update={"reload_every": 10_000})
        self.runtime.settings = self.engine.settings = often

    def restart(self) -> None:
        """Stop in good order and start again."""
        self.runtime.stop()
        self.runtime = self._started()

    def close(self) -> None:
        self.door.open(None)
        self.runtime.stop()
        self._patch.stop()
        self.run(self._http.aclose)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Await something on the loop."""

        async def wrapped() -> Any:
            return await work()

        return asyncio.run_coroutine_threadsafe(wrapped(), self._loop).result(60)

    def key(self) -> str:
        """A fresh idempotency key."""
        return f"key-{next(self._numbers)}"

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        client: str | None = "flow",
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """One request; a body that is no bytes is sent as JSON, with a fresh idempotency key."""
        return self.run(lambda: self._request(method, path, body, client, key, headers))  # type: ignore[no-any-return]

    def together(self, requests: list[dict[str, Any]]) -> list[httpx.Response]:
        """Requests sent at once, in this order."""

        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(
                *(
                    self._request(
                        "POST",
                        request["path"],
                        request["body"],
                        request.get("client", "flow"),
                        request.get("key"),
                        None,
                    )
                    for request in requests
                )
            )

        return self.run(all_of_them)  # type: ignore[no-any-return]

    async def _request(
        self, method: str, path: str, body: Any, client: str | None, key: str | None, headers: dict[str, str] | None
    ) -> httpx.Response:
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if client is not None:
            sent["Authorization"] = f"Bearer {self.keys[client]}"
        if method == "POST":
            sent["Idempotency-Key"] = self.key() if key is None else key
        sent.update(headers or {})
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {name: value for name, value in sent.items() if value != ""}
        return await self._http.request(method, path, content=content, headers=sent)

    def pay(self, request: dict[str, Any], **options: Any) -> httpx.Response:
        return self.send("POST", "/v1/payments/score", request, **options)

    def decided(self, seed: int = 3, **body: Any) -> dict[str, Any]:
        """The decision on one large payment."""
        (request,) = world.payment_stream(1, seed, world.START, prefix=f"d{self.key()}-")
        answer = self.pay({**request, "amount": 3_000_000, "currency": "CNY", **body})
        assert answer.status_code == 200, answer.text
        decision: dict[str, Any] = answer.json()
        return decision

    def counts(self) -> dict[str, int]:
        """Rows of every table that a write touches."""
        books = Books.open(self.home, {}, 10.0)
        try:
            return {
                table: int(books.database.one(f"SELECT count(*) FROM {table}")[0])  # noqa: S608 - our own names
                for table in ("event", "decision", "idempotency", "quarantine", "subject")
            }
        finally:
            books.close()
