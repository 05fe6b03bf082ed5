"""Random identifiers."""

from __future__ import annotations

from domain.time import Clock
from stores.chance import Chance


class RandomIds:
    """Give one identifier after the other, each once; safe from any thread.

    Parameters
    ----------
    n_bytes : of randomness in each, written as hex.

    Examples
    --------
    >>> new_id = RandomIds(16)
    >>> len(new_id()), len({new_id() for _ in range(1_000)})
    (32, 1000)
    """

    def __init__(self, n_bytes: int) -> None:
        self._chance = Chance(n_bytes)

    def __call__(self) -> str:
        """The next one."""
        return self._chance().hex()


class TimedIds:
    """Identifiers that begin with the time, so that new ones stand together in an index: 48 bits of ms, 80 of chance.

    An index over identifiers of chance alone is written to at another page for each: one page in seven of what a
    decision wrote. What they tell, the decision tells as well.

    Parameters
    ----------
    clock : now in µs UTC.

    Examples
    --------
    >>> moments = iter([1_000_000, 2_000_000])
    >>> new_id = TimedIds(lambda: next(moments))
    >>> first, second = new_id(), new_id()
    >>> first < second, first[:12], len(first)
    (True, '0000000003e8', 32)
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._chance = RandomIds(10)

    def __call__(self) -> str:
        """The next one."""
        return f"{self._clock() // 1_000:012x}{self._chance()}"
