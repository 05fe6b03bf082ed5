"""Doors behind uvicorn and their engine, with a clock that runs faster: a quarter passes while a kettle boils.

    python benchmarks/memory_server.py doors  BEGAN SPEED LEAK PORT HOME CONFIGS
    python benchmarks/memory_server.py engine BEGAN SPEED LEAK HOME CONFIGS WORKS CONTROL     (the doors begin it)

Doors, runtime, link, engine, connections and the collector's settings are those of `serving.service`; BentoML's
supervisor, which is asked for nothing, is not there.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from domain.time import Clock
from scoring.lean import import_lightgbm_alone
from serving.http import Receive, Scope, Send
from serving.lifetime import never_scanned_again
from serving.logs import json_logger
from serving.run import HOST
from serving.settings import ServingSettings
from stores.home import Home
from stores.settings_files import load_settings

ENGINE = "engine"
"""The first argument of the process that decides."""


def fast_clock(began: int, speed: float) -> Clock:
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


async def served(home: Home, configs: Path, port: int, clock: Clock, leak: int, engine: Sequence[str]) -> None:
    """Serve until the process is told to end, with the engine that ``engine`` begins."""
    # None of this is the engine's, which is begun from the same file.
    import uvicorn

    from serving.app import Door
    from serving.connections import guarded
    from serving.engine_link import LinkedEngine, begun
    from serving.guard import Guard
    from serving.runtime import Runtime

    settings = load_settings(configs / "serving.yaml", ServingSettings)
    door = Door()
    log = json_logger(sys.stdout)

    def linked(_: object) -> LinkedEngine:
        begin = partial(begun, program=engine)
        return LinkedEngine(home, configs, os.environ, log=log, before_doors=never_scanned_again, begin=begin)

    runtime = Runtime(home, configs, os.environ, linked, log=log, clock=clock)
    runtime.start()
    door.open(runtime)
    config = uvicorn.Config(
        leaking(Guard(door, _nowhere), leak), HOST, port, log_config=None, lifespan="off", access_log=False,
        http=guarded(settings.header_timeout / 1e6, settings.max_connections),
    )  # fmt: skip
    await uvicorn.Server(config).serve()
    runtime.stop()


def main(arguments: Sequence[str]) -> None:
    """Be the doors or their engine."""
    what, began, speed, leak, *others = arguments
    clock = fast_clock(int(began), float(speed))
    if what == ENGINE:
        from serving import engine_apart

        engine_apart.main(others, clock)
        return
    import_lightgbm_alone()
    port, home, configs = others
    engine = (__file__, ENGINE, began, speed, leak)
    asyncio.run(served(Home(Path(home)), Path(configs), int(port), clock, int(leak), engine))


if __name__ == "__main__":
    main(sys.argv[1:])
