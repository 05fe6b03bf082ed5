"""A service that starts in half a second, so that it can be killed a hundred times.

A fork server has imported everything and starts no thread; each life is forked from it: the real doors on uvicorn, and
by them the real engine in a process of its own. Neither is forked from the test itself: that has threads, and a lock of
OpenSSL that one of them holds at the fork stays held in the child. `test_chaos` kills BentoML around it as well.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import uvicorn

from scoring.bundle import load_bundle
from serving import deployments
from serving.app import Door
from serving.engine_apart import serve
from serving.engine_link import LinkedEngine
from serving.guard import Guard
from serving.logs import json_logger
from serving.run import wait_ready
from serving.runtime import Runtime
from stores.home import Home
from tests.serving.doors import bentoml_page


class Mortal:
    """One life of a service after the other, on one port.

    Parameters
    ----------
    home, configs : where it serves from.
    """

    def __init__(self, home: Home, configs: Path) -> None:
        self._home = home
        self._configs = configs
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._child: BaseProcess | None = None
        self._ending = threading.Lock()

    def start(self, *, wait: bool = True) -> None:
        """Begin a life, where there is none."""
        if self._child is None or not self._child.is_alive():
            # No daemon: it starts the engine.
            self._child = self._context.Process(target=_serve, args=(self._home, self._configs, self._listening))
            self._child.start()
        if wait:
            wait_ready(self.url, 60)

    def kill(self) -> None:
        """End doors and engine at once: SIGKILL; once is enough, from any thread."""
        self.kill_doors()
        self._kill_engine()

    def kill_doors(self) -> None:
        """End the doors alone; the engine finishes what it has, and sees that they are gone."""
        with self._ending:
            if self._child is not None and self._child.is_alive():
                self._child.kill()
                self._child.join()

    def kill_engine(self) -> None:
        """End the engine alone; returns when the doors have begun another."""
        killed = self._kill_engine()
        end = time.monotonic() + 30
        while self._engine() == killed:
            assert time.monotonic() < end
            time.sleep(0.01)

    def _kill_engine(self) -> int | None:
        pid = self._engine()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return pid

    def _engine(self) -> int | None:
        """The number of the last engine; None before the first."""
        with suppress(OSError, ValueError):
            return int(_noted(self._home).read_text())
        return None

    def close(self) -> None:
        """End it, and let go of the port."""
        self.kill()
        self._listening.close()


class _Forked:
    """A process of the fork server, as `serving.engine_link` uses one."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int:
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode


def _serve(home: Home, configs: Path, listening: socket.socket) -> None:
    asyncio.run(_served(home, configs, listening))


async def _served(home: Home, configs: Path, listening: socket.socket) -> None:
    door = Door()
    log = json_logger(io.StringIO())

    def engine(_: object) -> LinkedEngine:
        return LinkedEngine(home, configs, {}, log=log, begin=_forked)

    runtime = Runtime(home, configs, {}, engine, log=log)
    runtime.start()
    door.open(runtime)
    config = uvicorn.Config(Guard(door, bentoml_page), log_config=None, lifespan="off", access_log=False)
    await uvicorn.Server(config).serve(sockets=[listening])


def _forked(
    home: Path, configs: Path, environment: Mapping[str, str], works: socket.socket, control: Connection
) -> _Forked:
    del environment
    # A child of the fork server knows where that is, yet would begin one of its own, which has imported nothing.
    forkserver._forkserver.ensure_running = lambda: None  # type: ignore[attr-defined]
    process = multiprocessing.get_context("forkserver").Process(target=_engine, args=(home, configs, works, control))
    process.start()
    begun = _Forked(process)
    noted = _noted(Home(home))
    noted.with_suffix(".new").write_text(str(begun.pid))
    noted.with_suffix(".new").replace(noted)
    return begun


def _engine(home: Path, configs: Path, works: socket.socket, control: Connection) -> None:
    # The child process that scores golden rows has tests of its own; here it would be most of a start.
    deployments.load_bundle = partial(load_bundle, score_golden_in_child=False)  # type: ignore[attr-defined]  # where it is used
    serve(home, configs, {}, works, control, json_logger(io.StringIO()))


def _noted(home: Home) -> Path:
    return home.root / "engine.pid"
