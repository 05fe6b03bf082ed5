"""Doors and engine in one process behind uvicorn, with a clock that runs faster: a quarter passes while a kettle boils.

    python benchmarks/memory_server.py HOME CONFIGS PORT BEGAN SPEED LEAK

Doors, runtime, connections and the collector's settings are those of `serving.service`; BentoML's supervisor, which is
asked for nothing, is not there.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from scoring.lean import import_lightgbm_alone
from serving.app import Door
from serving.connections import guarded
from serving.guard import Guard
from serving.http import Receive, Scope, Send
from serving.lifetime import never_scanned_again
from serving.logs import json_logger
from serving.run import HOST
from serving.settings import ServingSettings
from serving.work import Work
from stores.home import Home
from stores.settings_files import load_settings


def fast_clock(began: int, speed: float) -> Callable[[], int]:
    """Now in µs UTC, ``speed`` times as far from ``began`` as by the machine's clock.

    Examples
    --------
    >>> at = time.time_ns() // 1000 - 1_000_000
    >>> 9_900_000 < fast_clock(at, 10.0)() - at < 60_000_000
    True
    """
    return lambda: began + int((time.time_ns() // 1000 - began) * speed)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def leaking(door: Any, n_bytes: int) -> Any:
    """An application that keeps so many bytes of each request for ever: what the measurement must find."""
    kept: list[bytearray] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        kept.append(bytearray(n_bytes))
        await door(scope, receive, send)

    return application if n_bytes else door


async def served(home: Home, configs: Path, port: int, clock: Callable[[], int], leak: int) -> None:
    """Serve until the process is told to end."""
    from serving.engine import Engine
    from serving.runtime import Runtime

    settings = load_settings(configs / "serving.yaml", ServingSettings)
    door = Door()
    log = json_logger(sys.stdout)

    def engine(at_hand: Callable[[], list[Work]]) -> Engine:
        return Engine(
            home, configs, os.environ, log=log, clock=clock, at_hand=at_hand, before_doors=never_scanned_again
        )

    runtime = Runtime(home, configs, os.environ, engine, log=log, clock=clock)
    runtime.start()
    door.open(runtime)
    config = uvicorn.Config(
        leaking(Guard(door, _nowhere), leak), HOST, port, log_config=None, lifespan="off", access_log=False,
        http=guarded(settings.header_timeout / 1e6, settings.max_connections),
    )  # fmt: skip
    await uvicorn.Server(config).serve()
    runtime.stop()


if __name__ == "__main__":
    import_lightgbm_alone()
    where, settled, at, since, pace, lost = sys.argv[1:]
    asyncio.run(served(Home(Path(where)), Path(settled), int(at), fast_clock(int(since), float(pace)), int(lost)))
