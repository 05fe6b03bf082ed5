"""The committer: one thread, one writer, many requests in one durable transaction.

    doors ──put──▶ queue ──drain up to N──▶ BEGIN IMMEDIATE
        1. follow what others appended
        2. each work: admit (idempotency, seq, features, decision, ledger); a refusal takes back what it added
        3. feed its event to the states, so that the next one sees it
        4. write what the works have added, many rows at a time
    COMMIT (on disk) ──▶ only now are the answers given

A thread that hangs in a work, or while a state learns from it (`serving.rescue`), is left behind: another one goes on
with its transaction, from there.

When the transaction fails nothing of it is kept, everybody in it is told 503, and states that had
already learnt from it are rebuilt from the journal before the next one.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import apsw

from domain.errors import AssayError, InputError, Unavailable
from domain.events import Event
from serving.books import Books
from serving.metrics import Metrics
from serving.problems import Problem, unavailable
from serving.rescue import LeftBehind, Rescue
from serving.work import Done, Inbox, Kind, Work, is_warm_up
from stores.journal import Journal

_RETRY_SECONDS = 1.0


class States(Protocol):
    """What is kept in step with the journal."""

    def catch_up(self, journal: Journal, last: int) -> None:
        """Apply what others appended, up to the newest ``seq``."""

    def apply(self, event: Event, *, again: bool = False) -> None:
        """Learn from one numbered event; ``again`` for who goes on where another thread hung in it."""

    def settle(self) -> None:
        """What was learnt is durable now."""

    def rebuild(self, journal: Journal) -> None:
        """Start again from what is on disk."""


class Admission(Protocol):
    """Turns one work into rows of the open transaction and an answer."""

    def begin(self, works: Sequence[Work]) -> int:
        """Called once in each transaction, before its first work; returns the newest ``seq`` of the journal."""

    def admit(self, work: Work) -> Done:
        """Do one work; raises Problem or InputError to refuse it."""

    def take_back(self) -> None:
        """Take back what the last work has added: it was refused, or is to be done again."""

    def write(self) -> None:
        """Called once in each transaction, after its last work."""

    def committed(self, done: Sequence[Done]) -> None:
        """Called once what was done is durable."""


Deliver = Callable[[Sequence[tuple[Work, Done]]], None]


@dataclass(slots=True)
class _Turn:
    """One transaction's works, what became of them so far, and the change that is to follow them.

    Nothing of it hangs on a thread: ``open`` ends the transaction from whichever has it.
    """

    batch: list[Work]
    change: Callable[[], None] | None
    done: list[tuple[Work, Done]] = field(default_factory=list)
    learning: bool = False
    """Whether the states are learning from the last that was done."""
    open: ExitStack = field(default_factory=ExitStack)
    taken_over: bool = False


class Committer:
    """Run works one after the other; `start` before use, `stop` to finish what is queued.

    Parameters
    ----------
    books : opened by the thread that uses them.
    admission : made for those books.
    states : fed after each admitted work.
    group_commit, queue_limit : most works in a transaction, most waiting.
    inbox : what `submit` and `between` put into; one in which works arrive by themselves needs no `submit`.
    deliver : given each work with what became of it, once that is settled.
    rescue : asks for another thread where one hangs.
    before_doors : called once, when everything has been read and before the first work is taken.
    """

    def __init__(
        self,
        books: Callable[[], Books],
        admission: Callable[[Books], Admission],
        states: States,
        *,
        group_commit: int,
        queue_limit: int,
        inbox: Inbox | None = None,
        deliver: Deliver,
        metrics: Metrics,
        log: Any,
        before_doors: Callable[[], None] = lambda: None,
        rescue: Rescue,
    ) -> None:
        self._open = books
        self._make_admission = admission
        self._states = states
        self._group_commit = group_commit
        self._queue_limit = queue_limit
        self._deliver = deliver
        self._metrics = metrics
        self._log = log
        self._before_doors = before_doors
        self._rescue = rescue
        self._at_work: tuple[Books, Admission, _Turn] | None = None
        self._queue: Inbox = queue.SimpleQueue() if inbox is None else inbox
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._ready = threading.Event()
        self.started = False

    # ------------------------------------------------------------------- doors

    def start(self) -> None:
        """Start the thread; `ready` turns true when the stores are open and the states in step."""
        self.started = True
        self._rescue.start(self._taken_over)
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Queue a work.

        Raises
        ------
        Problem
            503 when writes are not taken or too many wait.
        """
        if not self.ready:
            raise unavailable("service: expected to be ready, it is starting, recovering or stopping", "not_ready")
        if self._queue.qsize() >= self._queue_limit:
            raise unavailable(f"service: expected fewer than {self._queue_limit} waiting, got more", "overloaded")
        self._queue.put(work)

    def between(self, change: Callable[[], None]) -> None:
        """Have the thread do something between two transactions, such as swapping a model."""
        self._queue.put(change)

    @property
    def ready(self) -> bool:
        """Whether works are taken."""
        return self._ready.is_set()

    def wait_ready(self, timeout: float) -> bool:
        """Wait until works are taken; False when that takes longer (s)."""
        return self._ready.wait(timeout)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._queue.qsize()

    def stop(self, timeout: float = 10.0) -> None:
        """Take no more, finish what is queued, close the stores."""
        self._stopping.set()
        self._ready.clear()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)

    # ------------------------------------------------------------------ thread

    def _run(self) -> None:
        books = self._opened()
        if books is None:
            self._end(None)
            return
        admission = self._make_admission(books)
        if not self._in_step(books):
            self._end(books)
            return
        self._before_doors()
        self._open_doors()
        self._work(books, admission)

    def _work(self, books: Books, admission: Admission, turn: _Turn | None = None) -> None:
        """Turn after turn, the first from where another thread was left behind in it."""
        try:
            going = turn is None or self._taken(books, admission, turn)
            while going:
                going = self._turn(books, admission)
        except LeftBehind:
            # Everything belongs to the thread that took over.
            return
        self._end(books)

    def _taken_over(self) -> None:
        """Have another thread go on: the one at work hangs. Called by the watch of `Rescue`."""
        assert self._at_work is not None  # noqa: S101 - for the type checker: what hangs is in a turn
        self._at_work[2].taken_over = True
        self._thread = threading.Thread(target=self._work, args=self._at_work, name="committer", daemon=True)
        self._thread.start()

    def _end(self, books: Books | None) -> None:
        self._rescue.stop()
        if books is not None:
            books.close()
        self._ready.clear()
        self._turn_away(self._drained())

    def _open_doors(self) -> None:
        if not self._stopping.is_set():
            self._ready.set()

    def _opened(self) -> Books | None:
        while not self._stopping.is_set():
            try:
                return self._open()
            except AssayError as error:
                self._log.error("stores_unavailable", error=str(error))
                self._stopping.wait(_RETRY_SECONDS)
        return None

    def _turn(self, books: Books, admission: Admission) -> bool:
        """One transaction or one change; False when it is time to stop."""
        item = self._queue.get()
        batch: list[Work] = []
        while isinstance(item, Work):
            batch.append(item)
            if len(batch) == self._group_commit:
                item = None
                break
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                item = None
                break
        return self._taken(books, admission, _Turn(batch, item if callable(item) else None))

    def _taken(self, books: Books, admission: Admission, turn: _Turn) -> bool:
        if turn.batch and not self._commit(books, admission, turn):
            self._turn_away(self._drained())
            if not self._in_step(books):
                return False
            self._open_doors()
        if turn.change is not None:
            turn.change()
        return not (self._stopping.is_set() and self._queue.empty())

    def _commit(self, books: Books, admission: Admission, turn: _Turn) -> bool:
        """One transaction; False, and not ready any more, when the states must be rebuilt after it."""
        learnt = turn.taken_over
        self._at_work = (books, admission, turn)
        done = turn.done
        try:
            try:
                if not turn.taken_over:
                    # A warm-up writes nothing: whoever else writes is neither waited for nor kept waiting.
                    database, alone = books.database, is_warm_up(turn.batch)
                    turn.open.enter_context(database.reading() if alone else database.transaction())
                    learnt = True
                    self._states.catch_up(books.journal, admission.begin(turn.batch))
                elif turn.learning:
                    self._learn(turn, again=True)
                else:
                    # What the thread left behind had written of this work; it is done again, without what hangs.
                    admission.take_back()
                while len(done) < len(turn.batch):
                    work = turn.batch[len(done)]
                    done.append((work, self._admitted(admission, work)))
                    self._learn(turn)
                decided = time.perf_counter_ns()
                admission.write()
            except Exception as error:
                if not turn.open.__exit__(type(error), error, error.__traceback__):
                    raise
            else:
                turn.open.close()
        # The HTTP door's other half: a thread that died would leave every caller waiting.
        except Exception as error:  # noqa: BLE001
            self._metrics.failed()
            self._log.error("commit_failed", error=_told(error), n_items=len(turn.batch))
            if learnt:
                self._ready.clear()
            self._turn_away(turn.batch)
            return not learnt
        self._states.settle()
        admission.committed([result for _, result in done])
        kept = [result for work, result in done if work.kind is not Kind.WARM_UP]
        if kept:
            self._metrics.committed(
                len(kept), sum(result.replayed for result in kept), (time.perf_counter_ns() - decided) / 1e9
            )
        self._deliver(done)
        return True

    def _learn(self, turn: _Turn, *, again: bool = False) -> None:
        """Have the states learn from the last that was done."""
        event = turn.done[-1][1].event
        if event is not None:
            turn.learning = True
            self._states.apply(event, again=again)
        turn.learning = False

    def _admitted(self, admission: Admission, work: Work) -> Done:
        """Admit one work; a refusal leaves nothing of it behind and does not touch its neighbours."""
        try:
            return admission.admit(work)
        except Problem as problem:
            result = Done(problem)
        except InputError as error:
            # The house form of a message is "where: expected …, got …": what came is the caller's.
            result = Done(Problem(422, "invalid_field", str(error).partition(", got ")[0] + ", got another value"))
        except (apsw.Error, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - as above: one bad work must not take the others with it
            self._log.error("work_failed", error=_told(error), kind=work.kind.value)
            result = Done(Problem(500, "internal", "service: expected an answer, got an error of ours; it is logged"))
        admission.take_back()
        return result

    # ---------------------------------------------------------------- recovery

    def _in_step(self, books: Books) -> bool:
        """Wait until the store takes writes and the states are rebuilt; False when asked to stop."""
        while not self._stopping.is_set():
            try:
                _probe(books)
                self._states.rebuild(books.journal)
            except (AssayError, apsw.Error) as error:
                self._log.error("not_in_step", error=_told(error))
                self._turn_away(self._drained())
                self._stopping.wait(_RETRY_SECONDS)
            else:
                return True
        return False

    def _drained(self) -> list[Work]:
        works = []
        changes = []
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, Work):
                works.append(item)
            elif item is not None:
                changes.append(item)
        for change in changes:
            change()
        return works

    def _turn_away(self, works: Sequence[Work]) -> None:
        if works:
            problem = unavailable("store: expected a durable transaction, got none; nothing was written, try again")
            self._deliver([(work, Done(problem)) for work in works])


def _probe(books: Books) -> None:
    """Write a page durably: a store that is full or read-only fails here and not in the middle of a request."""
    with books.database.transaction():
        (version,) = books.database.one("PRAGMA user_version")
        books.database.execute(f"PRAGMA user_version={int(version)}")


def _told(error: BaseException) -> str:
    """What may be logged: our own words; of other errors only where they came from, never their content."""
    if isinstance(error, Unavailable):
        return str(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
    return f"{type(error).__name__}{where}"
