"""The write-ahead file is copied back into the database by a thread of its own, so that no decision waits for it.

SQLite does it in the commit that fills a thousand pages: one commit in fifty then took 4 ms instead of 0.3. Here the
thread copies what is durable every so often; the committer only finishes a file that has grown `PAGES` long, of which
little is left to copy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import apsw

from domain.errors import AssayError
from stores.database import Database

EVERY_SECONDS = 0.05
"""Often, so that each copy is small: commits wait for the same disk. At 700 decisions a second the p99 was 9 ms, and
16 ms with half a second here."""
PAGES = 8_192
"""Pages of 4 kB after which the committer begins the file anew: some seconds of a saturated service."""


class WriteBack:
    """Copy back now and then; `start` and `stop`.

    Parameters
    ----------
    open_database : a connection of the thread's own.
    log : told of a store that refuses, once for each time that begins.
    """

    def __init__(self, open_database: Callable[[], Database], *, log: Any, every: float = EVERY_SECONDS) -> None:
        self._open = open_database
        self._every = every
        self._log = log
        self._refused = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="write-back", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End after what is being copied."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        database: Database | None = None
        while not self._stopping.wait(self._every):
            try:
                if database is None:
                    database = self._open()
                # PASSIVE: copies what it can and waits for nobody.
                database.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._refused = False
            except (AssayError, apsw.Error) as error:
                # Nothing is lost: what is not copied stays in the write-ahead file, and is tried again.
                if not self._refused:
                    self._log.error("not_written_back", error=type(error).__name__)
                self._refused = True
        if database is not None:
            database.close()


def left_to_write_back(database: Database) -> None:
    """Have this connection's commits leave the copying to the thread until the file is `PAGES` long."""
    database.execute(f"PRAGMA wal_autocheckpoint={PAGES}")
