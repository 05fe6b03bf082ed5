"""Bytes of chance, drawn many at a time: each look at the system's randomness lets go of the interpreter's lock."""

from __future__ import annotations

import os
import secrets

_AT_ONCE = 64


class Chance:
    """Give one piece of randomness after the other, each once; safe from any thread, and in a process that was forked.

    Parameters
    ----------
    n_bytes : in each.

    Examples
    --------
    >>> chance = Chance(16)
    >>> len(chance()), len({chance() for _ in range(1_000)})
    (16, 1000)
    """

    def __init__(self, n_bytes: int) -> None:
        self._n_bytes = n_bytes
        self._drawn: list[bytes] = []
        self._process = os.getpid()

    def __call__(self) -> bytes:
        """The next one."""
        if self._process != os.getpid():
            # A child of a fork has what its parent has drawn, and the parent will give it.
            # Let go of it first: another thread that sees whose it is must not find it.
            self._drawn = []
            self._process = os.getpid()
        try:
            return self._drawn.pop()
        except IndexError:
            size = self._n_bytes
            drawn = secrets.token_bytes(size * _AT_ONCE)
            first, *others = [drawn[at : at + size] for at in range(0, len(drawn), size)]
            self._drawn.extend(others)
            return first
