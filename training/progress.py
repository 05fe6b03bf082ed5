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


def time_left(done: int, total: int, spent: float, budget: float | None = None) -> str:
    """How long the rest will take, if it goes on as it has; nothing where nothing is done yet.

    Parameters
    ----------
    spent : seconds so far. budget : seconds that may be spent in all.

    Examples
    --------
    >>> time_left(5, 20, 10.0), time_left(5, 20, 10.0, budget=12.0), time_left(1, 400, 2.5), time_left(20, 20, 9.0)
    ('30 s left', '2 s left', '17 min left', '')
    """
    if done == 0 or done >= total:
        return ""
    rest = spent / done * (total - done)
    if budget is not None:
        rest = min(rest, max(0.0, budget - spent))
    return f"{rest:.0f} s left" if rest < 100 else f"{rest / 60:.0f} min left"
