"""The service anchors its chains by itself: every so often their heads are written where it cannot change them.

A thread of its own does it: a place that is slow or gone must not hold up anybody, and is only logged and counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import apsw

from domain.errors import AssayError
from domain.time import Clock
from serving.books import Books
from serving.metrics import Metrics
from stores.chain import Head


class Anchoring:
    """Anchor now and then; `start` and `stop`.

    Parameters
    ----------
    books : opened, and closed again, for each anchor.
    where : a file or a URL (`stores.anchors`); None to do nothing.
    every : µs between two looks.
    """

    def __init__(
        self, books: Callable[[], Books], where: str | None, every: int, *, clock: Clock, metrics: Metrics, log: Any
    ) -> None:
        self._books = books
        self._where = where
        self._every = every
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._stopping = threading.Event()
        self._anchored: tuple[int, Head | None] = (-1, None)
        self._thread = threading.Thread(target=self._run, name="anchoring", daemon=True)

    def start(self) -> None:
        """Begin, where a place is configured."""
        if self._where is not None:
            self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Anchor what is new once more, and end; a place that hangs is left behind."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.wait(self._every / 1e6):
            self._anchor()
        self._anchor()

    def _anchor(self) -> None:
        try:
            books = self._books()
            try:
                n_link, acts = books.ledger.head()[0], books.acts.to_anchor()
                if (n_link, acts) != self._anchored and self._where is not None:
                    n_link = books.ledger.anchor(self._where, self._clock(), acts)
                    self._anchored = (n_link, acts)
                    self._metrics.anchored(n_link)
            finally:
                books.close()
        except (AssayError, apsw.Error) as error:
            self._log.error("not_anchored", error=str(error))
            self._metrics.not_anchored()
