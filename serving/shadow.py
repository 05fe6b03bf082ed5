"""The shadow: a second bundle scores what was decided, behind the answer path, and nobody is told.

    ledger, journal ──follow in the order of seq──▶ state of its own ──▶ score, action ──▶ shadow.db

1. every event after the last look, in order: a decided one is first read (its features are those of its time, by the
   visibility law), then learnt like all others
2. more than `limit` decisions wait → the oldest are skipped and counted
3. one takes longer than the cap → its score is given up and counted

It reads the stores by connections of its own and holds no lock that a decision waits for.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.decision import Product
from domain.errors import AssayError, DataError
from domain.events import Event
from features.checkpoint import entity_of
from scoring.lists import Lists
from scoring.policy import Policy
from serving.metrics import Metrics
from stores.ledger import Decided
from stores.shadow import ShadowScore, ShadowStore
from stores.states_sqlite import SqliteStates

if TYPE_CHECKING:
    from features.online import OnlineState
    from scoring.bundle import Bundle
    from serving.books import Books
    from stores.home import Home

SHADOW = "shadow"
"""Role in the pointer's name."""

QUEUE, TIMEOUT, FAILED, RESTART = "queue", "timeout", "failed", "restart"

_SLICE = 64
"""Events read at once: the interpreter is given back after some milliseconds at most."""

_BULK = 20_000
"""Events behind which the state is warmed as a whole, and what waits meanwhile is skipped."""

_IDLE_SECONDS = 0.1
_MICRO = 1_000


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy and lists in force, for a shadow to act under."""

    policy: Callable[[Product], Policy]
    lists: Callable[[], Lists]


class Shadow:
    """One product's challenger; for the shadow's thread.

    Parameters
    ----------
    state : in step with the journal; decisions after it are scored.
    limit : decisions that may wait. cap_ns : longest time of one.
    ticks : monotonic ns.
    """

    def __init__(
        self,
        product: Product,
        bundle: Bundle,
        state: OnlineState,
        rules: Rules,
        *,
        limit: int,
        cap_ns: int,
        ticks: Callable[[], int],
    ) -> None:
        self.product = product
        self.bundle = bundle
        self.state = state
        self._rules = rules
        self._limit = limit
        self._cap_ns = cap_ns
        self._ticks = ticks
        self._policy = rules.policy(product).bound(bundle.encoder.names)

    def resume(self, books: Books, store: ShadowStore) -> None:
        """Count what was decided since this bundle last scored: it will not be scored any more."""
        last = store.last_seq(self.bundle.hash)
        if last is not None and last < self.state.seq:
            missed = len(books.ledger.between(self.product.value, last, self.state.seq))
            store.keep(self.bundle.hash, [], {RESTART: missed})

    def turn(self, books: Books, store: ShadowStore, stopping: Callable[[], bool]) -> Mapping[str, int]:
        """Score all that was decided since the last turn; returns what became of how many.

        Raises
        ------
        DataError
            When the state cannot learn an event: the shadow must be given up.
        """
        last = books.journal.last_seq()
        if last == self.state.seq:
            return {}
        told: Counter[str] = Counter()
        waiting = books.ledger.between(self.product.value, self.state.seq, last)
        if last - self.state.seq > _BULK:
            self.state.follow(books.journal)
            told[QUEUE] += len(waiting)
            store.keep(self.bundle.hash, [], told)
            return told
        dropped = max(0, len(waiting) - self._limit)
        wanted = {decided.seq: decided for decided in waiting[dropped:]}
        told[QUEUE] += dropped
        self._keep_up_with_policy()
        while self.state.seq < last and not stopping():
            self._slice(books, store, min(last, self.state.seq + _SLICE), wanted, told)
        return told

    def _slice(
        self, books: Books, store: ShadowStore, upto: int, wanted: Mapping[int, Decided], told: Counter[str]
    ) -> None:
        scores: list[ShadowScore] = []
        skipped: Counter[str] = Counter({QUEUE: told.pop(QUEUE, 0)})
        for event in books.journal.events(after=self.state.seq, upto=upto):
            decided = wanted.get(event.seq)
            if decided is not None:
                self._score(event, decided, scores, skipped)
            self.state.apply(event)
            # Others who wait for the interpreter get it between two events, not after five milliseconds.
            time.sleep(0)
        store.keep(self.bundle.hash, scores, skipped)
        told["scored"] += len(scores)
        told.update(skipped)

    def _score(self, event: Event, decided: Decided, scores: list[ShadowScore], skipped: Counter[str]) -> None:
        began = self._ticks()
        try:
            made = self._made(event, decided, began)
        except Exception:  # noqa: BLE001 - whatever breaks in a challenger is counted and harms nobody
            skipped[FAILED] += 1
            return
        if made is None:
            skipped[TIMEOUT] += 1
        else:
            scores.append(made)

    def _made(self, event: Event, decided: Decided, began: int) -> ShadowScore | None:
        """The score, or None when it takes too long."""
        bundle, policy = self.bundle, self._policy
        row = bundle.encoder.row(self.state.vector(event))
        if self._ticks() - began > self._cap_ns:
            return None
        raw = bundle.scorer.raw(row)
        score = bundle.calibrator.probability(raw)
        amount = policy.amount_base(event)
        ruling = policy.rule(event, amount, row, self._rules.lists(), decided.decided_at)
        grade, wanted = policy.judge(ruling, amount, score, bundle.cutoffs)
        action, risk_grade = policy.settle(wanted, ruling, grade)
        took = self._ticks() - began
        if took > self._cap_ns:
            return None
        return ShadowScore(
            bundle.hash, decided.decision_id, self.product.value, decided.seq, decided.decided_at, raw, score,
            risk_grade.value, action.value, policy.hash, took // _MICRO,
        )  # fmt: skip

    def _keep_up_with_policy(self) -> None:
        policy = self._rules.policy(self.product)
        if policy.hash != self._policy.hash:
            self._policy = policy.bound(self.bundle.encoder.names)


@dataclass(frozen=True, slots=True)
class Pointed:
    """What a pointer of the shadow names, as it is told."""

    model: str | None = None
    refused: str | None = None


class Shadows:
    """The thread that keeps every product's shadow; `start`, then `stop`.

    Parameters
    ----------
    books : opened by the thread that uses them.
    look : product → a fresh shadow where its pointer names another bundle, None where it names none any more;
        products without a change are left out.
    """

    def __init__(
        self,
        home: Home,
        books: Callable[[], Books],
        look: Callable[[Books], Mapping[Product, Shadow | None]],
        *,
        metrics: Metrics,
        log: Any,
    ) -> None:
        self._home = home
        self._books = books
        self._look = look
        self._metrics = metrics
        self._log = log
        self._stopping = threading.Event()
        self._shadows: dict[Product, Shadow] = {}
        self._n_erased = 0
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Finish the slice in hand and let go of the stores."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not any(self._home.pointers.glob(f"*.{SHADOW}.json")):
                self._stopping.wait(_IDLE_SECONDS)
                continue
            try:
                self._follow()
            except AssayError as error:
                # The stores' fault: what was decided meanwhile is scored once they are back.
                self._log.error("shadow_unavailable", error=str(error))
                self._stopping.wait(1.0)

    def _follow(self) -> None:
        books = self._books()
        store = ShadowStore(self._home.shadow)
        try:
            while not self._stopping.is_set():
                for product, found in self._look(books).items():
                    self._shadows.pop(product, None)
                    if found is not None:
                        found.resume(books, store)
                        self._shadows[product] = found
                self._forget_erased()
                for shadow in tuple(self._shadows.values()):
                    self._turn(shadow, books, store)
                self._stopping.wait(_IDLE_SECONDS)
        finally:
            books.close()
            store.close()

    def _turn(self, shadow: Shadow, books: Books, store: ShadowStore) -> None:
        try:
            told = shadow.turn(books, store, self._stopping.is_set)
        except DataError as error:
            self._log.error("shadow_given_up", product=shadow.product.value, error=str(error))
            del self._shadows[shadow.product]
            return
        for result, n in told.items():
            self._metrics.shadowed(shadow.product.value, result, n)

    def _forget_erased(self) -> None:
        if not self._shadows or not self._home.states.is_file():
            return
        states = SqliteStates(self._home.states)
        try:
            found = states.erased(self._n_erased)
        finally:
            states.close()
        for number, name in found:
            self._n_erased = number
            entity, key = entity_of(name)
            for shadow in self._shadows.values():
                if entity in shadow.state.holdings.first:
                    shadow.state.holdings.forget(entity, key)
