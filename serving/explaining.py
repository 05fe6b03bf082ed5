"""Explanations in a process of their own: they take seconds of a core and read old bundles, which payments must not
wait for, nor fall with.

    event loop ──▶ one thread ──pipe──▶ child: cited bundle, replay, waterfall, traces ──▶ JSON
                                        dead or late: ended, told 503, and begun anew for the next
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import msgspec

from domain.errors import AssayError, ModelError
from serving.http import Answer
from serving.lifetime import end_with_parent
from serving.problems import Problem, unavailable
from stores.home import Home

_WAITING = 8


class Explaining:
    """Ask for explanations; the child begins with the first.

    Parameters
    ----------
    environment : secret keys may come from it.
    seconds : that one may take, the start of the child with it.
    """

    def __init__(self, home: Home, environment: Mapping[str, str], log: Any, seconds: float = 60.0) -> None:
        self._home = home
        self._environment = {name: value for name, value in environment.items() if name.startswith("ASSAY_")}
        self._log = log
        self._seconds = seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="explaining")
        self._child: tuple[BaseProcess, Connection] | None = None
        self._waiting = 0

    async def explained(self, decision_id: str, *, whole: bool) -> Answer:
        """The explanation of a recorded decision.

        Raises
        ------
        Problem
            503 when too many wait or it takes too long, 410 when what the decision cites is gone.
        """
        if self._waiting >= _WAITING:
            raise unavailable(f"explanation: expected fewer than {_WAITING} waiting, got more", "overloaded")
        self._waiting += 1
        try:
            status, body = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._asked, decision_id, whole
            )
        finally:
            self._waiting -= 1
        if status == "gone":
            raise Problem(410, "explanation_gone", "explanation: expected what the decision cites, it is gone")
        if status != "done":
            raise unavailable("explanation: expected one in time, got none; try again")
        return Answer(200, body)

    def stop(self) -> None:
        """End the child."""
        self._thread.submit(self._end).result()
        self._thread.shutdown()

    @property
    def pid(self) -> int | None:
        """The child's number, None while there is none."""
        return None if self._child is None else self._child[0].pid

    def _asked(self, decision_id: str, whole: bool) -> tuple[str, bytes]:
        if self._child is None:
            self._child = self._begun()
        _, pipe = self._child
        try:
            pipe.send((decision_id, whole))
            if pipe.poll(self._seconds):
                answer: tuple[str, bytes] = pipe.recv()
                return answer
            self._log.error("explanation_late", seconds=self._seconds)
        except (OSError, EOFError) as error:
            self._log.error("explanation_failed", error=type(error).__name__)
        self._end()
        return "failed", b""

    def _begun(self) -> tuple[BaseProcess, Connection]:
        # Not a fork: this process has threads, and locks that they hold.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        child = context.Process(target=_serve, args=(theirs, str(self._home.root), self._environment), daemon=True)
        child.start()
        theirs.close()
        return child, ours

    def _end(self) -> None:
        if self._child is not None:
            child, pipe = self._child
            self._child = None
            pipe.close()
            child.kill()
            child.join()


def _serve(pipe: Connection, root: str, environment: Mapping[str, str]) -> None:
    """The child: answer one question after the other until the pipe closes."""
    end_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    from scoring.replay import Replayer
    from serving.books import Books

    home = Home(Path(root))
    books = Books.open(home, environment, 2.0)
    replayer = Replayer(books.ledger, books.journal, home.bundles)
    while True:
        try:
            decision_id, whole = pipe.recv()
        except EOFError:
            return
        pipe.send(_explained(books, replayer, decision_id, whole))


def _explained(books: Any, replayer: Any, decision_id: str, whole: bool) -> tuple[str, bytes]:
    from scoring.customer_reasons import customer_reasons
    from scoring.explanation import explain

    try:
        if whole:
            told = explain(decision_id, books.ledger, books.journal, replayer).as_dict()
        else:
            told = customer_reasons(replayer.cited(decision_id))
    except ModelError:
        return "gone", b""
    except AssayError:
        return "failed", b""
    return "done", msgspec.json.encode(told)
