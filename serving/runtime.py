"""The service behind the doors: settings, clients, what requests are read by, and the engine that decides.

start:  read settings (raise early) → keys → the engine gets ready, and tells when it is
watch:  every second: API keys and an identity provider's keys
stop:   the engine finishes what is queued, then whatever else runs
"""

from __future__ import annotations

import asyncio
import hmac
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw

from domain.decision import Product
from domain.errors import AssayError, Unavailable
from domain.events import ColumnType
from domain.settings import PlatformSettings
from domain.time import Clock, system_clock
from scoring.policy import Policy
from serving.auth import Clients, key_file, read_clients
from serving.books import CHAIN_KEY, Books
from serving.changing import Changing
from serving.door_metrics import DoorMetrics
from serving.engine_status import EngineEnd, Extensions
from serving.explaining import Explaining
from serving.followed import Followed
from serving.jwt_tokens import Tokens, read_tokens
from serving.keep_warm import KeepWarm
from serving.kill_switch import killed, turn_kill_switch
from serving.limits import Buckets
from serving.problems import unavailable
from serving.requests import Reader
from serving.settings import ServingSettings
from serving.timers import Timers
from serving.work import Work
from stores.home import Home
from stores.keyed_hash import KeyedHash
from stores.keys import secret_key
from stores.settings_files import load_settings

T = TypeVar("T")


class Runtime:
    """Everything that the doors need, for as long as the worker lives.

    Parameters
    ----------
    home, configs : where state and settings lie.
    environment : secret keys may come from it.
    engine : made once the settings are read, given the works that are in flight; `serving.engine.Engine` decides in
        this process, `serving.engine_link.LinkedEngine` in one of its own.

    Raises
    ------
    DefinitionError
        When a setting is wrong; nothing has been started then.
    """

    def __init__(
        self,
        home: Home,
        configs: Path,
        environment: Mapping[str, str],
        engine: Callable[[Callable[[], list[Work]]], EngineEnd],
        *,
        log: Any,
        clock: Clock = system_clock,
    ) -> None:
        self.home = home
        self.settings = load_settings(configs / "serving.yaml", ServingSettings)
        self.platform = load_settings(configs / "platform.yaml", PlatformSettings)
        self.clock = clock
        self.metrics = DoorMetrics()
        self._clients = Followed(
            key_file(home), lambda: read_clients(home), Clients({}),
            refused=lambda error: log.error("keys_unread", error=error),
        )  # fmt: skip
        self.ticks = time.perf_counter_ns
        self.hosts = frozenset(host.encode() for host in self.settings.allowed_hosts)
        self.buckets = Buckets(self.settings.rate, self.settings.rates, self.ticks)
        self.failed_logins = Buckets(self.settings.failed_logins, {}, self.ticks)
        self._jwt: Followed[Tokens] | None = None
        if (jwt := self.settings.jwt) is not None:
            self._jwt = Followed.begun(
                configs / jwt.keys, lambda: read_tokens(jwt, configs),
                refused=lambda error: log.error("jwt_keys_unread", error=error),
            )  # fmt: skip
        self.in_flight: dict[tuple[str, str], Work] = {}
        self.n_works = 0
        """Works that the doors have taken so far."""
        self.explaining = Explaining(home, environment, log)
        self._environment = environment
        # Of the chain's key, which stays when the vault's is rotated.
        chain_key = secret_key(home.keys, CHAIN_KEY, environment)
        self.keyed_hash = KeyedHash(hmac.digest(chain_key, b"assay idempotency 1", "sha256"))
        self.timers = Timers()
        self.trail = log
        self.changing = Changing(
            home,
            configs,
            self.platform,
            self.settings.policy_approval,
            environment,
            self.settings.busy_timeout / 1e6,
            clock=clock,
            fits=self._fits,
        )
        self.reader = self._reader({})
        self.keep_warm = KeepWarm(self)
        self.engine = engine(lambda: list(self.in_flight.values()))
        self._stopping = threading.Event()
        self._reading_keys = threading.Lock()
        self._watch = threading.Thread(target=self._watched, name="keys", daemon=True)
        # Reads of past decisions use a connection of their own, off the event loop.
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._reading: Books | None = None

    # --------------------------------------------------------------- lifecycle

    def start(self) -> None:
        """Begin to get ready; returns at once."""
        self._read_keys()
        self._watch.start()
        self.engine.start(self._follow)

    def stop(self) -> None:
        """Finish what is queued and let go of the stores; once is enough."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.keep_warm.stop()
        self.engine.stop()
        self.explaining.stop()
        if self._watch.is_alive():
            self._watch.join(10.0)
        self._readers.submit(self._close_reading).result()
        self._readers.shutdown()

    @property
    def clients(self) -> Clients:
        """Who may ask, by the key."""
        return self._clients.value

    @property
    def jwt(self) -> Tokens | None:
        """Who may ask, by a token of an identity provider; None where none is configured."""
        return None if self._jwt is None else self._jwt.value

    @property
    def ready(self) -> bool:
        """Whether writes are taken."""
        return self.engine.ready

    @property
    def alive(self) -> bool:
        """Whether every thread that should run does."""
        return self._watch.is_alive() and self.engine.alive

    def look_now(self) -> bool:
        """Look at keys and pointers now, and wait for it; False when that takes too long."""
        self._read_keys()
        return self.engine.look_now()

    def turn_kill_switch(self, *, on: bool) -> None:
        """Set or lift the kill switch; the next decision sees it."""
        if killed(self.home) is not on:
            turn_kill_switch(self.home, on=on)
            self.trail.info("kill_switch", on=on)

    def _follow(self) -> None:
        """The engine's status is another: columns may be accepted that were not."""
        self.reader = self._reader(self.engine.status().extensions)

    def _watched(self) -> None:
        while not self._stopping.wait(self.settings.reload_every / 1e6):
            self._read_keys()

    def _read_keys(self) -> None:
        """A damaged file lets nobody new in and nobody out."""
        with self._reading_keys:
            self._clients.look()
            if self._jwt is not None:
                self._jwt.look()

    # ------------------------------------------------------------------- parts

    def _fits(self, product: Product, policy: Policy) -> None:
        """Raise DefinitionError where a policy lacks the features of a model that is deployed."""
        for names in self.engine.status().inputs.get(product.value, ()):
            policy.bound(names)

    def _reader(self, found: Extensions) -> Reader:
        extensions: dict[str, dict[str, ColumnType]] = {kind: dict(columns) for kind, columns in found.items()}
        for kind, columns in self.settings.extensions.items():
            # What is in the journal or a bundle was trained on goes before what a setting says.
            extensions[kind] = {**columns, **extensions.get(kind, {})}
        return Reader(self.platform.fx_table(), extensions)

    def _books(self) -> Books:
        return Books.open(self.home, self._environment, self.settings.busy_timeout / 1e6)

    # ----------------------------------------------------------------- reading

    async def read(self, question: Callable[[Books], T]) -> T:
        """What a question finds in the books, asked in the reading thread.

        Raises
        ------
        Problem
            503 when the store cannot be read; what the question raises.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._answered, question)
        except (AssayError, apsw.Error) as error:
            self.trail.error("not_read", error=type(error).__name__)
            raise unavailable("store: expected to be readable in time, it is not; try again") from None

    async def of_engine(self, question: Callable[[], T]) -> T:
        """What the engine answers to a question that may take a while, off the event loop.

        Raises
        ------
        Problem
            503 when it is not there, or takes too long.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(None, question)
        except Unavailable:
            raise unavailable("service: expected to be running, it is being started again", "not_ready") from None

    def _answered(self, question: Callable[[Books], T]) -> T:
        if self._reading is None:
            self._reading = self._books()
        return question(self._reading)

    def _close_reading(self) -> None:
        if self._reading is not None:
            self._reading.close()
