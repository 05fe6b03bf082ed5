"""A service that starts in half a second, so that it can be killed a hundred times.

A fork server has imported everything and starts no thread; each child is forked from it, opens the real runtime behind
the real doors on uvicorn, and is killed. It is not forked from the test itself: that has threads, and a lock of OpenSSL
that one of them holds at the fork stays held in the child. BentoML around it has kills of its own in `test_chaos`.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import socket
import threading
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import uvicorn

from scoring.bundle import load_bundle
from serving import deployments
from serving.app import Door
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
        """Begin a life."""
        self._child = self._context.Process(
            target=_serve, args=(self._home, self._configs, self._listening), daemon=True
        )
        self._child.start()
        if wait:
            wait_ready(self.url, 60)

    def kill(self) -> None:
        """End it at once: SIGKILL; once is enough, from any thread."""
        with self._ending:
            if self._child is not None and self._child.is_alive():
                self._child.kill()
                self._child.join()

    def close(self) -> None:
        """End it, and let go of the port."""
        self.kill()
        self._listening.close()


def _serve(home: Home, configs: Path, listening: socket.socket) -> None:
    # The child process that scores golden rows has tests of its own; here it would be most of a start.
    deployments.load_bundle = partial(load_bundle, score_golden_in_child=False)  # type: ignore[attr-defined]  # where it is used
    asyncio.run(_served(home, configs, listening))


async def _served(home: Home, configs: Path, listening: socket.socket) -> None:
    door = Door()
    runtime = Runtime(home, configs, {}, log=json_logger(io.StringIO()))
    runtime.start()
    door.open(runtime)
    config = uvicorn.Config(Guard(door, bentoml_page), log_config=None, lifespan="off", access_log=False)
    await uvicorn.Server(config).serve(sockets=[listening])
