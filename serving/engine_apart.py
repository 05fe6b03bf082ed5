"""An engine in a process of its own, for the doors that have started it (`serving.engine_link`).

    python -m serving.engine_apart HOME CONFIGS WORKS CONTROL

    socket WORKS    doors ──works──▶ committer's thread ──what became of them──▶ doors
    pipe CONTROL    doors ──questions──▶ answers, and the status: whenever it is another, and every second

It ends with its doors, and when they tell it to: signals for the whole group, as Ctrl-C is one, are theirs.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.errors import AssayError
from domain.time import Clock, system_clock
from serving.engine_status import Status
from serving.engine_wire import AT_ONCE, Frames, frame_of_settled, work_of
from serving.work import Done, Work

if TYPE_CHECKING:
    from serving.engine import Engine

STOP = "stop"
_LOOK_SECONDS, _TELL_SECONDS = 0.05, 1.0
"""How often it is looked whether the engine is ready, and how often its status is told although it is the same."""
_STOPPED_SECONDS = 60.0


class Mailbox:
    """Works as they arrive on a socket, and what else is to be done: a `serving.work.Inbox`.

    The thread that takes is the one that receives: nobody hands over to it.
    """

    def __init__(self, works: socket.socket) -> None:
        self._socket = works
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._frames = Frames()
        self._arrived: deque[Work] = deque()
        self._put: deque[Callable[[], None] | None] = deque()
        self._at_hand: dict[int, Work] = {}
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._poll = select.poll()
        self._poll.register(works, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)
        self._open = True

    def put(self, item: Work | Callable[[], None] | None) -> None:
        """Add something that is no work; it goes before works that wait."""
        assert not isinstance(item, Work)  # noqa: S101 - for the type checker: works come from the socket
        self._put.append(item)
        # A full pipe wakes as well.
        with suppress(BlockingIOError):
            os.write(self._wake, b"\0")

    def get(self) -> Work | Callable[[], None] | None:
        """Wait for the next, and take it."""
        while True:
            try:
                return self.get_nowait()
            except queue.Empty:
                for ready, _ in self._poll.poll():
                    if ready == self._woken:
                        os.read(self._woken, AT_ONCE)

    def get_nowait(self) -> Work | Callable[[], None] | None:
        """Take the next, or raise queue.Empty."""
        with self._lock:
            if not self._put and not self._arrived:
                self._receive()
            if self._put:
                return self._put.popleft()
            if self._arrived:
                return self._arrived.popleft()
        raise queue.Empty

    def qsize(self) -> int:
        """How many works wait, of those that were received."""
        return len(self._arrived)

    def empty(self) -> bool:
        """Whether nothing waits."""
        with self._lock:
            self._receive()
            return not self._put and not self._arrived

    def at_hand(self) -> list[Work]:
        """Works that were sent and are not answered yet: also those that a thread which hangs has not received."""
        with self._lock:
            self._receive()
        return list(self._at_hand.values())

    def deliver(self, pairs: Sequence[tuple[Work, Done]]) -> None:
        """Send what became of works."""
        for work, _ in pairs:
            self._at_hand.pop(work.future, None)
        # Doors that are gone have nobody to tell; who asked finds the kept answer with a retry.
        with self._sending, suppress(OSError):
            self._socket.sendall(frame_of_settled(pairs))

    def _receive(self) -> None:
        if not self._open:
            return
        try:
            received = self._socket.recv(AT_ONCE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            # The doors are gone; the other pipe tells it as well, and what is here is finished.
            self._open = False
            self._poll.unregister(self._socket)
            return
        for body in self._frames.fed(received):
            work = work_of(body)
            self._at_hand[work.future] = work
            self._arrived.append(work)


def answered(engine: Engine, question: str) -> Any:
    """What an engine answers to a question of its doors."""
    questions: dict[str, Callable[[], Any]] = {
        "status": engine.status,
        "look_now": engine.look_now,
        "lists_content": engine.lists_content,
        "metrics_text": engine.metrics_text,
    }
    return questions[question]()


class Control:
    """The pipe to the doors: tells them the status and answers questions; `run` until they say stop."""

    def __init__(self, engine: Engine, pipe: Connection) -> None:
        self._engine = engine
        self._pipe = pipe
        self._sending = threading.Lock()
        self._told: Status | None = None
        self._other = threading.Event()

    def changed(self) -> None:
        """The status is another; from any thread."""
        self._other.set()

    def run(self) -> None:
        """Until the doors say stop, or are gone."""
        tell_at = 0.0
        while True:
            try:
                asked = self._pipe.recv() if self._pipe.poll(_LOOK_SECONDS) else None
                if asked == STOP:
                    return
                if asked is not None:
                    threading.Thread(target=self._answer, args=asked, name="question", daemon=True).start()
                if self._is_another() or time.monotonic() > tell_at:
                    self._tell()
                    tell_at = time.monotonic() + _TELL_SECONDS
            except (EOFError, OSError):
                return

    def _is_another(self) -> bool:
        told, engine = self._told, self._engine
        return self._other.is_set() or told is None or (told.ready, told.alive) != (engine.ready, engine.alive)

    def _tell(self) -> None:
        with self._sending:
            self._other.clear()
            self._told = status = self._engine.status()
            self._pipe.send(("status", status))

    def _answer(self, number: int, question: str) -> None:
        with suppress(OSError):
            try:
                answer = answered(self._engine, question)
            except AssayError:
                answer = None
            # What a look has found is known before it is told that there was one.
            self._tell()
            with self._sending:
                self._pipe.send(("answer", number, answer))


def serve(
    home: Path,
    configs: Path,
    environment: Mapping[str, str],
    works: socket.socket,
    control: Connection,
    log: Any,
    clock: Clock = system_clock,
) -> None:
    """Be an engine until the doors are gone or say so; for a process that has nothing else to do."""
    from serving.engine import Engine
    from serving.lifetime import never_scanned_again
    from stores.home import Home

    for group in (signal.SIGINT, signal.SIGTERM):
        signal.signal(group, signal.SIG_IGN)
    mailbox = Mailbox(works)
    engine = Engine(
        Home(home), configs, environment, log=log, at_hand=mailbox.at_hand, inbox=mailbox, deliver=mailbox.deliver,
        before_doors=never_scanned_again, clock=clock,
    )  # fmt: skip
    ear = Control(engine, control)
    engine.start(ear.changed)
    ear.run()
    # Who hangs in a library that never returns must not keep the store from the next engine.
    overdue = threading.Timer(_STOPPED_SECONDS, os._exit, (1,))
    overdue.daemon = True
    overdue.start()
    engine.stop()


def main(arguments: Sequence[str], clock: Clock = system_clock) -> None:
    """Be an engine for the doors that have started this process, with the descriptors that they handed over."""
    from scoring.lean import import_lightgbm_alone
    from serving.lifetime import end_with_parent
    from serving.logs import json_logger

    import_lightgbm_alone()
    end_with_parent(signal.SIGKILL)
    home, configs, works, control = arguments
    # Nobody whom this process starts may hold them: the doors would wait for an end that does not come.
    for each in (works, control):
        os.set_inheritable(int(each), False)
    ends = socket.socket(fileno=int(works)), Connection(int(control))
    serve(Path(home), Path(configs), os.environ, *ends, json_logger(), clock)


if __name__ == "__main__":
    main(sys.argv[1:])
