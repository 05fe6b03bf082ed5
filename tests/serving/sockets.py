"""The doors of a test behind a real socket: uvicorn, as BentoML runs it, in a thread of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from serving.guard import Guard
from tests.serving.doors import Doors, bentoml_page


@contextmanager
def listening(doors: Doors) -> Iterator[str]:
    """Address under which the doors answer while the block lasts."""
    config = uvicorn.Config(
        Guard(doors.door, bentoml_page), host="127.0.0.1", port=0, log_level="error", access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < end
        time.sleep(0.01)
    (port,) = {each.getsockname()[1] for each in server.servers[0].sockets}
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
