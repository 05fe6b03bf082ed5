"""The doors' end of an engine in a process of its own: the interpreter's lock is not shared with who decides.

event loop ──works──▶ socket ──▶ engine ──what became of them──▶ event loop: futures settled
keeper's thread: starts it, hears its status and answers; one that ends is started again, those who waited are told 503;
                 one that tells nothing for `SILENT_SECONDS` is not ready, and after `HUNG_AFTER` times that it is ended
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import queue
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from domain.errors import Unavailable
from domain.settings import PlatformSettings
from domain.time import system_clock
from serving.engine_apart import STOP
from serving.engine_status import Status
from serving.engine_wire import AT_ONCE, Frames, frame_of, settled_of
from serving.policies import Policies
from serving.problems import Problem, unavailable
from serving.settings import ServingSettings
from serving.work import Work
from stores.home import Home
from stores.matter_settings import ComplaintSettings
from stores.settings_files import load_settings

ROOT = Path(__file__).parents[1]
SILENT_SECONDS, HUNG_AFTER = 5.0, 6
"""An engine tells its status every second; how long it may be silent, and how many times that it is waited for."""

_AGAIN_SECONDS, _STOP_SECONDS, _SPARE_SECONDS = 0.2, 60.0, 5.0


class Begun(Protocol):
    """A process, as `subprocess.Popen` is one."""

    pid: int

    def kill(self) -> None:
        """End it at once."""

    def wait(self) -> int:
        """Its exit code, once it has ended."""


Begin = Callable[[Path, Path, Mapping[str, str], socket.socket, Connection], Begun]
"""Begins an engine, given home, settings, environment and its ends of the socket and the pipe."""


def begun(
    home: Path,
    configs: Path,
    environment: Mapping[str, str],
    works: socket.socket,
    control: Connection,
    program: Sequence[str] = ("-m", "serving.engine_apart"),
) -> subprocess.Popen[bytes]:
    """An engine in a fresh interpreter: this one has threads, and may have loaded what an engine does without."""
    ends = (works.fileno(), control.fileno())
    command = [sys.executable, *program, str(home), str(configs), *map(str, ends)]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, pass_fds=ends)


class LinkedEngine:
    """Start an engine beside this process, and keep it running; an `serving.engine_status.EngineEnd`.

    Parameters
    ----------
    home, configs : where state and settings lie.
    environment : of the engine; secret keys may come from it.
    before_doors : called once, before the engine's first word that it is ready is believed.
    begin : begins a process that is the engine.

    Raises
    ------
    DefinitionError
        When a setting of the engine is wrong: told here, before a process would be started again and again in vain.
    """

    def __init__(
        self,
        home: Home,
        configs: Path,
        environment: Mapping[str, str],
        *,
        log: Any,
        before_doors: Callable[[], None] = lambda: None,
        begin: Begin = begun,
    ) -> None:
        settings = load_settings(configs / "serving.yaml", ServingSettings)
        platform = load_settings(configs / "platform.yaml", PlatformSettings)
        load_settings(configs / "complaints.yaml", ComplaintSettings)
        Policies(home, configs, platform, settings.policy_approval, environment, clock=system_clock, log=log)
        paths = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
        self._begin = partial(
            begin, home.root.resolve(), configs.resolve(), {**environment, "PYTHONPATH": os.pathsep.join(paths)}
        )
        # Those in the transaction wait no more, but are not told apart here.
        self._limit = settings.queue_limit + settings.group_commit
        self._patience = settings.answer_timeout / 1e6 + _SPARE_SECONDS
        self._log = log
        self._before_doors = before_doors
        self._changed: Callable[[], None] = lambda: None
        self._status = Status()
        self._life: _Life | None = None
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="engine", daemon=True)

    def start(self, changed: Callable[[], None]) -> None:
        """Begin to get ready, and return at once."""
        self._changed = changed
        self._keeper.start()

    def stop(self) -> None:
        """Have it finish what is queued, and wait for its end."""
        self._stopping.set()
        life = self._life
        if life is not None:
            life.tell(STOP)
        if self._keeper.is_alive():
            self._keeper.join(_STOP_SECONDS)
        if life is not None and self._keeper.is_alive():
            life.process.kill()
            self._keeper.join()

    def submit(self, work: Work) -> None:
        """Send a work; for the event loop."""
        life = self._life
        if life is None or not self.ready or self._stopping.is_set():
            raise unavailable("service: expected to be ready, it is starting, recovering or stopping", "not_ready")
        if len(life.waiting) >= self._limit:
            raise unavailable(f"service: expected fewer than {self._limit} waiting, got more", "overloaded")
        life.send(work)

    @property
    def ready(self) -> bool:
        """Whether writes are taken, as far as it has told lately."""
        life = self._life
        return self._status.ready and (life is None or not life.silent)

    @property
    def alive(self) -> bool:
        """Whether it runs, or is being started again."""
        return self._keeper.is_alive() and self._status.alive

    @property
    def pid(self) -> int | None:
        """Its number, None while there is none."""
        life = self._life
        return None if life is None else life.process.pid

    def status(self) -> Status:
        """How it was when it last told."""
        return self._status

    def status_now(self) -> Status:
        """How it is now; how it was where it has just ended."""
        try:
            found: Status = self._asked("status")
        except Unavailable:
            return self._status
        return found

    def look_now(self) -> bool:
        """Have pointers, policies and lists looked at now, and wait for it; False when that takes too long."""
        try:
            return bool(self._asked("look_now"))
        except Unavailable:
            return False

    def lists_content(self) -> bytes:
        """The lists in use, product by product; JSON."""
        return bytes(self._asked("lists_content"))

    def metrics_text(self) -> bytes:
        """Its part of the metrics, in Prometheus' text format."""
        return bytes(self._asked("metrics_text"))

    def _asked(self, question: str) -> Any:
        life = self._life
        answer = None if life is None or life.silent else life.asked(question, self._patience)
        if answer is None:
            raise Unavailable(f"engine: expected an answer about {question}, got none")
        return answer

    # ------------------------------------------------------------------ keeper

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._life = life = _Life(self._begin)
            for status in life.heard(self._stopping):
                self._hear(status)
            if life.hangs:
                self._log.error("engine_hangs", pid=life.process.pid)
            self._hear(replace(self._status, ready=False, alive=True))
            self._life = None
            code = life.end()
            if not self._stopping.is_set():
                self._log.error("engine_ended", code=code)
                self._stopping.wait(_AGAIN_SECONDS)

    def _hear(self, status: Status) -> None:
        if status.ready:
            self._before_doors()
            self._before_doors = lambda: None
        before, self._status = self._status, status
        if status.extensions != before.extensions:
            self._changed()


class _Life:
    """One process, from its start to its end."""

    def __init__(self, begin: Callable[[socket.socket, Connection], Begun]) -> None:
        self._socket, works = socket.socketpair()
        self._pipe, control = multiprocessing.Pipe()
        self.process = begin(works, control)
        works.close()
        control.close()
        self._socket.setblocking(False)
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._frames = Frames()
        self._unsent: deque[memoryview] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gone = False
        self.silent = self.hangs = False
        """Whether it has told nothing lately, or for so long that it is not waited for any more."""
        self._telling = threading.Lock()
        self._questions: dict[int, queue.SimpleQueue[Any]] = {}

    # -------------------------------------------------------------- event loop

    def send(self, work: Work) -> None:
        """Send a work, and have its future settled when its answer comes."""
        if self._gone:
            raise _ended()
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._socket, self._receive)
        number = next(self._numbers)
        frame = memoryview(frame_of(number, work))
        self.waiting[number] = work.future
        if self._unsent:
            self._unsent.append(frame)
            return
        try:
            sent = self._socket.send(frame)
        except BlockingIOError:
            sent = 0
        except OSError:
            # It has just ended: nothing of this work has reached it.
            del self.waiting[number]
            raise _ended() from None
        if sent < len(frame):
            self._unsent.append(frame[sent:])
            self._loop.add_writer(self._socket, self._send_rest)

    def _send_rest(self) -> None:
        assert self._loop is not None  # noqa: S101 - for the type checker: it has a writer
        try:
            while self._unsent:
                sent = self._socket.send(self._unsent[0])
                if sent < len(self._unsent[0]):
                    self._unsent[0] = self._unsent[0][sent:]
                else:
                    self._unsent.popleft()
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()
        self._loop.remove_writer(self._socket)

    def _receive(self) -> None:
        try:
            received = self._socket.recv(AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._lost()
            return
        for body in self._frames.fed(received):
            for number, result in settled_of(body):
                future = self.waiting.pop(number)
                # Nobody waits any more where the door has given up; a retry finds the kept answer.
                if not future.done():
                    future.set_result(result)

    def _lost(self) -> None:
        """It has ended: whatever waits may have been committed or not, and a retry tells."""
        if self._gone:
            return
        self._gone = True
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._socket.close()
        for future in self.waiting.values():
            if not future.done():
                future.set_result(_ended())
        self.waiting.clear()

    # ------------------------------------------------------------ other threads

    def heard(self, stopping: threading.Event) -> Iterator[Status]:
        """Each status it tells, until it ends or hangs; answers go to who has asked."""
        spoken, missed = False, 0
        try:
            while missed < HUNG_AFTER:
                if not self._pipe.poll(SILENT_SECONDS):
                    # Until its first word it starts, and from the last order on it finishes what it has.
                    missed += spoken and not stopping.is_set()
                    self.silent = missed > 0
                    continue
                told = self._pipe.recv()
                spoken, missed, self.silent = True, 0, False
                if told[0] == "status":
                    yield told[1]
                else:
                    _, number, answer = told
                    # Nobody waits any more for one that came too late.
                    if (answers := self._questions.get(number)) is not None:
                        answers.put(answer)
        except (EOFError, OSError):
            return
        self.hangs = True

    def tell(self, word: Any) -> bool:
        """Send something on the pipe; False when nobody hears it."""
        try:
            with self._telling:
                self._pipe.send(word)
        except OSError:
            return False
        return True

    def asked(self, question: str, seconds: float) -> Any:
        """The answer to a question; None when there is none in time."""
        number, answers = next(self._numbers), queue.SimpleQueue[Any]()
        self._questions[number] = answers
        try:
            return answers.get(timeout=seconds) if self.tell((number, question)) else None
        except queue.Empty:
            return None
        finally:
            del self._questions[number]

    def end(self) -> int:
        """Make sure that it is gone, and tell everybody who waits for it; returns its exit code."""
        self.process.kill()
        code = self.process.wait()
        self._pipe.close()
        for answers in tuple(self._questions.values()):
            answers.put(None)
        loop = self._loop
        if loop is None or loop.is_closed():
            self._gone = True
            self._socket.close()
        else:
            with suppress(RuntimeError):  # closed meanwhile: nobody waits
                loop.call_soon_threadsafe(self._lost)
        return code


def _ended() -> Problem:
    return unavailable("service: expected to be running, it is being started again; ask again under the same key")
