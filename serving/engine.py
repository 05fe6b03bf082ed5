"""The engine behind the doors: desks, the committer that decides at them, and the watch over what changes.

start:  watch thread: load bundles → committer: warm states → ready
watch:  every second: pointers, policies, lists
beside: every second: erasures; every minute: a checkpoint
stop:   no more writes, finish the queue, the last checkpoint, close the stores
"""

from __future__ import annotations

import hmac
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from domain.errors import AssayError
from domain.events import ColumnType
from domain.settings import PlatformSettings
from domain.time import Clock, system_clock
from scoring.bundle import Bundle
from serving.admission import DeskAdmission
from serving.anchoring import Anchoring
from serving.books import CHAIN_KEY, Books
from serving.canary import Lot
from serving.checkpoints import Checkpoints
from serving.committer import Committer, Deliver
from serving.deciding import Decider
from serving.deployments import Deployments, started_state
from serving.desk import FAR_BEHIND, Desk, Desks
from serving.engine_status import Status
from serving.ids import TimedIds
from serving.kill_switch import KILL_FILE, killed
from serving.lost_states import LostStates
from serving.metrics import Metrics
from serving.policies import Policies
from serving.requests import FACT_KINDS, SUBJECT_KIND
from serving.rescue import Rescue
from serving.settings import ServingSettings
from serving.shadow import Shadows
from serving.version import code_version
from serving.work import Inbox, Work, deliver, first_deadline
from serving.write_back import WriteBack, left_to_write_back
from stores.database import Database
from stores.home import Home
from stores.keys import secret_key
from stores.matter_settings import ComplaintSettings
from stores.settings_files import load_settings

if TYPE_CHECKING:
    from features.online import OnlineState

_NICE = 10
"""How much later than others the thread of the checkpoints has its turn, where cores are short."""


class Engine:
    """Decide on works and keep what was decided; an `serving.engine_status.EngineEnd`.

    Parameters
    ----------
    home, configs : where state and settings lie.
    environment : secret keys may come from it.
    at_hand : works that were submitted and are not answered yet.
    inbox : where works come from; by default those of `submit`.
    deliver : given each work with what became of it; by default its future is settled.
    before_doors : called once, when everything has been read and before the first work is taken.

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
        *,
        log: Any,
        at_hand: Callable[[], Iterable[Work]],
        clock: Clock = system_clock,
        inbox: Inbox | None = None,
        deliver: Deliver = deliver,
        before_doors: Callable[[], None] = lambda: None,
    ) -> None:
        self.home = home
        self.settings = load_settings(configs / "serving.yaml", ServingSettings)
        self.metrics = Metrics()
        self._clock = clock
        self._environment = environment
        self._log = log
        self._complaints = load_settings(configs / "complaints.yaml", ComplaintSettings)
        platform = load_settings(configs / "platform.yaml", PlatformSettings)
        # Of the chain's key, which stays when the vault's is rotated.
        chain_key = secret_key(home.keys, CHAIN_KEY, environment)
        self._changed: Callable[[], None] = lambda: None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._looked = threading.Condition()
        self._n_looks = 0
        policies = Policies(home, configs, platform, self.settings.policy_approval, environment, clock=clock, log=log)
        self.deployments = Deployments(home, policies, platform, clock=clock, metrics=self.metrics, log=log)
        lot = Lot(hmac.digest(chain_key, b"assay canary 1", "sha256"), self.settings.canary_share)
        self._desks = Desks(
            self.deployments.bare(),
            lambda bundle, journal: started_state(bundle, home, journal, log),
            lot,
            learn=lambda state, event: self._lost_states.learn(state, event),
            behind=lambda state: self._lost_states.behind(state),
        )
        # Asked at every transaction: the path is made once (21 µs), and one look at it takes 2 µs.
        switch = os.fspath(home.pointers / KILL_FILE)
        self._rescue = Rescue(time.perf_counter_ns, lambda: first_deadline(at_hand()))
        self._decider = Decider(
            code_version(Path(__file__).parents[1]),
            lambda: os.access(switch, os.F_OK),
            time.perf_counter_ns,
            log,
            patience=self.settings.default_deadline,
            rescue=self._rescue,
            lose=lambda desk: self._lost_states.lose(desk),
        )
        self._in_use: dict[tuple[str, str], Bundle] = {}
        self._journalled: dict[str, dict[str, ColumnType]] = {}
        self.committer = Committer(
            self._writing_books,
            self._admission,
            self._desks,
            group_commit=self.settings.group_commit,
            queue_limit=self.settings.queue_limit,
            inbox=inbox,
            deliver=deliver,
            metrics=self.metrics,
            log=log,
            rescue=self._rescue,
            before_doors=before_doors,
        )
        self._lost_states = LostStates(
            self._desks,
            self._rescue,
            self.committer.between,
            self._anew,
            self._catch_up,
            self._wake.set,
            patience=self.settings.default_deadline,
            ticks=time.perf_counter_ns,
            log=log,
        )
        self.checkpoints = Checkpoints(
            home,
            self._desks,
            self.committer,
            every=self.settings.checkpoint_every,
            pause=self.settings.checkpoint_pause_ms / 1e3,
            clock=clock,
            log=log,
        )
        self.shadows = Shadows(
            home,
            self._books,
            lambda books: self.deployments.shadows(
                books.journal,
                limit=self.settings.shadow_queue,
                cap_ns=int(self.settings.shadow_timeout_ms * 1e6),
                ticks=time.perf_counter_ns,
            ),
            metrics=self.metrics,
            log=log,
        )
        self.anchoring = Anchoring(
            self._books, self.settings.anchor, self.settings.anchor_every, clock=clock, metrics=self.metrics, log=log
        )
        self.write_back = WriteBack(lambda: Database(home.database, self.settings.busy_timeout / 1e6), log=log)
        self._watch = threading.Thread(target=self._watched, name="watch", daemon=True)
        self._keeping = threading.Thread(target=self._kept, name="checkpoints", daemon=True)

    # --------------------------------------------------------------- lifecycle

    def start(self, changed: Callable[[], None] = lambda: None) -> None:
        """Begin to get ready; returns at once."""
        self._changed = changed
        self._watch.start()
        self.anchoring.start()
        self.write_back.start()

    def stop(self) -> None:
        """Finish what is queued and let go of the stores; once is enough."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.shadows.stop()
        self._wake.set()
        self.committer.stop()
        self.anchoring.stop()
        self.write_back.stop()
        for thread in (self._watch, self._keeping):
            if thread.is_alive():
                thread.join(10.0)
        if not self._keeping.is_alive():
            self.checkpoints.final()

    def submit(self, work: Work) -> None:
        """Queue a work.

        Raises
        ------
        Problem
            503 when writes are not taken or too many wait.
        """
        self.committer.submit(work)

    @property
    def ready(self) -> bool:
        """Whether writes are taken."""
        return self.committer.ready

    @property
    def alive(self) -> bool:
        """Whether every thread that should run does."""
        if not self._watch.is_alive():
            return False
        return not self.committer.started or (self.committer.alive and self._keeping.is_alive())

    def status(self) -> Status:
        """How it is now."""
        deployed = self.deployments.deployed()
        extensions = {kind: dict(found) for kind, found in self._journalled.items()}
        for (product, _), bundle in self._in_use.copy().items():
            extensions.setdefault(SUBJECT_KIND[product], {}).update(bundle.extensions)
        return Status(
            self.ready,
            self.alive,
            {product.value: told for product, told in deployed.items()},
            {product.value: self.deployments.inputs(product) for product in deployed},
            extensions,
        )

    def status_now(self) -> Status:
        """The same, for who may wait."""
        return self.status()

    def _watched(self) -> None:
        with self._told("watch_failed"):
            self._first_desks()
            self._keeping.start()
            self.committer.start()
            self.shadows.start()
            while not self._rested():
                self._look()
                with self._looked:
                    self._n_looks += 1
                    self._looked.notify_all()

    def _kept(self) -> None:
        """A checkpoint now and then, and erasures; whatever decides goes before."""
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        with self._told("checkpoints_failed"):
            while not self._stopping.wait(self.settings.reload_every / 1e6):
                if self.committer.ready:
                    self.checkpoints.look(self._stopping.is_set)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """The thread is a door's other half: its end must be seen, and liveness tells it."""
        try:
            yield
        except Exception as error:
            self._log.error(what, error=type(error).__name__)
            raise

    def _rested(self) -> bool:
        """Wait for the next look, or until somebody asks for one; True when it is time to stop."""
        self._wake.wait(self.settings.reload_every / 1e6)
        self._wake.clear()
        return self._stopping.is_set()

    def look_now(self) -> bool:
        """Have the watch look at the pointers now, and wait for it; False when that takes too long."""
        with self._looked:
            # One look may be under way already, and have seen too little.
            wanted = self._n_looks + 2
            end = time.monotonic() + self.settings.answer_timeout / 1e6
            while self._n_looks < wanted and not self._stopping.is_set() and time.monotonic() < end:
                self._wake.set()
                self._looked.wait(min(0.05, self.settings.answer_timeout / 1e6))
            return self._n_looks >= wanted

    def lists_content(self) -> bytes:
        """The lists in use, product by product; JSON."""
        return msgspec.json.encode({desk.product.value: msgspec.Raw(desk.lists.content) for desk in self._desks.all()})

    def metrics_text(self) -> bytes:
        """The metrics, with what is read off at the moment it is asked for."""
        kept = [state.holdings for state in self._desks.states()]
        self.metrics.state(
            queue_length=self.committer.waiting, killed=killed(self.home),
            n_entities=sum(each.n_entities for each in kept), n_bytes=sum(each.memory.n_bytes for each in kept),
        )  # fmt: skip
        return self.metrics.text()

    def _first_desks(self) -> None:
        try:
            books = self._books()
            try:
                self._journalled = {kind: books.journal.extensions(kind) for kind in FACT_KINDS}
            finally:
                books.close()
        except AssayError as error:
            self._log.error("extensions_unread", error=str(error))
        for desk in self.deployments.changed(None):
            self._use(desk)
        self._changed()

    def _look(self) -> None:
        """One look at what may have changed outside."""
        opened: list[Books] = []

        def journal() -> Any:
            opened.append(self._books())
            return opened[-1].journal

        try:
            desks = self.deployments.changed(journal)
        finally:
            for books in opened:
                books.close()
        for desk in desks:
            self.committer.between(lambda desk=desk: self._use(desk))  # type: ignore[misc]  # bound per desk
        if desks:
            self.committer.between(self._changed)
        self._lost_states.look()

    def _anew(self, bundle: Bundle) -> OnlineState:
        """A state for a bundle, from its checkpoint and the journal."""
        books = self._books()
        try:
            return started_state(bundle, self.home, books.journal, self._log)
        finally:
            books.close()

    def _catch_up(self, state: OnlineState) -> None:
        """Have a state that nobody uses take in what the journal holds, until little is left for who decides."""
        books = self._books()
        try:
            while state.follow(books.journal) > FAR_BEHIND and not self._stopping.is_set():
                pass
        finally:
            books.close()

    def _use(self, desk: Desk) -> None:
        self._desks.use(desk)
        if desk.bundle is not None:
            self._in_use[desk.product.value, desk.role.value] = desk.bundle

    # ------------------------------------------------------------------- parts

    def _books(self) -> Books:
        return Books.open(self.home, self._environment, self.settings.busy_timeout / 1e6)

    def _writing_books(self) -> Books:
        books = self._books()
        books.database.write_often()
        left_to_write_back(books.database)
        return books

    def _admission(self, books: Books) -> DeskAdmission:
        return DeskAdmission(
            books,
            self._desks,
            self._decider,
            keep_answers=self.settings.keep_answers,
            clock=self._clock,
            ticks=time.perf_counter_ns,
            new_id=TimedIds(self._clock),
            metrics=self.metrics,
            complaints=self._complaints,
        )
