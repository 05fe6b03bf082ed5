"""Checkpoints of the states in use, taken while requests run.

    a thread of its own                       committer's thread, between two transactions
    every `checkpoint_every`: begin  ───────▶ note which entities have changed
    put them in the store's order             (decides)
    slice, until all are copied      ───────▶ copy some of them, for `checkpoint_pause_ms` at most
    rest                                      (decides)
    seal and write a megabyte of slices       (decides)
    let go of dead entities          ───────▶ look at some slots
    forget who was erased            ───────▶ whenever the store says so, also while a checkpoint is taken

Requests wait for one slice at most, and slices take a fortieth of the committer's time: one after the other they left
too little of it at half of what it can do. What a crash cuts off is replayed from the journal.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from domain.errors import AssayError, Unavailable
from domain.time import Clock
from features.checkpoint import Slice, Taking, entity_of
from features.online import OnlineState
from serving.committer import Committer
from serving.desk import Desks
from stores.home import Home
from stores.states_sqlite import SqliteStates

T = TypeVar("T")

_WRITE_BYTES = 2**20
"""Written at once; who commits a decision waits for a disk that is busy with it."""
_LOOK_SLOTS, _LET_GO = 2**15, 128
"""Slots looked at and entities let go between two transactions: about a millisecond."""
_LOOK_SECONDS = 0.5
BUSY_SECONDS = 1.0
"""How long somebody who holds the store is waited for."""
_RESTS = 40
"""Rest after what was done in the committer's thread, as a multiple of what that may take."""


class Checkpoints:
    """Write the states of the desks to the home's store; for one thread, and after it for who stops the service.

    Parameters
    ----------
    every : µs between two checkpoints.
    pause : s that requests wait at most for a slice; one entity is never cut.
    clock, ticks : now in µs UTC; a monotonic clock in s.
    """

    def __init__(
        self,
        home: Home,
        desks: Desks,
        committer: Committer,
        *,
        every: int,
        pause: float,
        clock: Clock,
        log: Any,
        ticks: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._home = home
        self._desks = desks
        self._committer = committer
        self._every = every
        self._pause = pause
        self._clock = clock
        self._ticks = ticks
        self._log = log
        self._store: SqliteStates | None = None
        self._next_at = ticks() + every / 1e6
        self._n_erased = 0
        self._forgetful: list[OnlineState] = []
        self._given_up: list[tuple[Taking, BaseException]] = []

    def look(self, stopping: Callable[[], bool]) -> None:
        """Forget who was erased; take a checkpoint when it is time."""
        try:
            self._forget_erased(stopping)
            if self._ticks() < self._next_at:
                return
            self._next_at = self._ticks() + self._every / 1e6
            for state in self._between(self._states, stopping):
                self._take(state, stopping)
                self._evict(state, stopping)
        except AssayError as error:
            self._log.error("checkpoint_failed", error=str(error))

    def final(self) -> None:
        """The last checkpoint, once the committer has stopped."""
        try:
            if self._committer.alive or not self._desks.settled:
                return
            for taking, error in self._given_up:
                taking.failed(error)
            for state in self._states():
                if state.seq > (0 if state.saved is None else state.saved.seq):
                    self._log.info("checkpoint", seq=state.seq, n_bytes=state.checkpoint(self._opened()))
        except AssayError as error:
            self._log.error("checkpoint_failed", error=str(error))
        finally:
            if self._store is not None:
                self._store.close()

    # ------------------------------------------------------------------- parts

    def _states(self) -> list[OnlineState]:
        return self._desks.states()

    def _take(self, state: OnlineState, stopping: Callable[[], bool]) -> None:
        started, n_bytes, n_records = self._ticks(), 0, 0
        taking = self._between(lambda: Taking(state), stopping)
        try:
            taking.arrange()
            last = False
            while not last:
                part = self._some(taking, stopping)
                taking.save(self._opened(), part)
                n_bytes += _size(part)
                n_records += len(part.records)
                last = part.last
                # What was copied of them before is not written any more: the store sees to it.
                self._forget_erased(stopping)
            self._between(taking.done, stopping)
        except BaseException as error:
            self._given_up.append((taking, error))
            self._give_back(stopping)
            raise
        seconds = round(self._ticks() - started, 3)
        self._log.info("checkpoint", seq=part.seq, n_records=n_records, n_bytes=n_bytes, seconds=seconds)

    def _some(self, taking: Taking, stopping: Callable[[], bool]) -> Slice:
        """A megabyte of slices, one pause after the other."""

        def one() -> Slice:
            self._check_in_use(taking.state)
            until = self._ticks() + self._pause
            return taking.slice(lambda _: self._ticks() >= until)

        part = self._between(one, stopping)
        records, n_bytes = dict(part.records), _size(part)
        while not part.last and n_bytes < _WRITE_BYTES:
            self._rest()
            part = self._between(one, stopping)
            records.update(part.records)
            n_bytes += _size(part)
        return replace(part, records=records)

    def _check_in_use(self, state: OnlineState) -> None:
        """Raise for a state that was replaced (it may have learnt what failed) or laid aside (it is still read)."""
        if not any(state is each for each in self._states()):
            raise Unavailable("checkpoint: expected a state in use, it was replaced or laid aside")

    def _give_back(self, stopping: Callable[[], bool]) -> None:
        """Have what was taken but not written taken again; left to `final` where the committer has stopped."""

        def back() -> None:
            while self._given_up:
                taking, error = self._given_up.pop()
                taking.failed(error)

        self._between(back, stopping, settled=False)

    def _evict(self, state: OnlineState, stopping: Callable[[], bool]) -> None:
        n_gone = 0

        def some() -> int:
            self._check_in_use(state)
            return state.evict(self._clock(), _LOOK_SLOTS, _LET_GO)

        while True:
            n_gone += self._between(some, stopping)
            if state.holdings.cursor == 0:
                break
            self._rest()
        if n_gone:
            self._log.info("evicted", n_entities=n_gone, n_kept=state.holdings.n_entities)

    def _forget_erased(self, stopping: Callable[[], bool]) -> None:
        states = self._states()
        if any(all(state is not known for known in self._forgetful) for state in states):
            # Made anew, perhaps while the store could not say who was erased.
            self._n_erased = 0
        found = self._opened().erased(self._n_erased)
        self._forgetful = states
        if not found:
            return

        def forget() -> None:
            for state in self._states():
                for _, name in found:
                    entity, key = entity_of(name)
                    if entity in state.holdings.first:
                        state.holdings.forget(entity, key)

        self._between(forget, stopping)
        self._n_erased = found[-1][0]

    def _rest(self) -> None:
        time.sleep(_RESTS * self._pause)

    def _opened(self) -> SqliteStates:
        if self._store is None:
            self._store = SqliteStates(self._home.states, BUSY_SECONDS)
        return self._store

    def _between(self, act: Callable[[], T], stopping: Callable[[], bool], *, settled: bool = True) -> T:
        """What ``act`` gives in the committer's thread, between two transactions, when the states hold what is durable.

        Raises
        ------
        Unavailable
            When the service stops or recovers meanwhile.
        """
        answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

        def run() -> None:
            if settled and not self._desks.settled:
                answers.put((None, Unavailable("checkpoint: expected states that are durable, they are rebuilt")))
                return
            try:
                answers.put((act(), None))
            except AssayError as error:
                answers.put((None, error))

        self._committer.between(run)
        while True:
            try:
                found, error = answers.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if stopping() or not self._committer.alive:
                    raise Unavailable("checkpoint: expected a committer that runs, it stops") from None
            else:
                if error is not None:
                    raise error
                return found  # type: ignore[return-value]  # what act gave


def _size(part: Slice) -> int:
    return sum(len(body) for body in part.records.values() if body is not None)
