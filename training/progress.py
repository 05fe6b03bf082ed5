"""How long work tells where it stands."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int, str], None]
"""Called as (stage, done, total, note); a command line draws a bar from it."""


def silent(stage: str, done: int, total: int, note: str) -> None:
    """Say nothing.

    Examples
    --------
    >>> silent("search", 1, 20, "AP .61")
    """
