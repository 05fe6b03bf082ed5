"""Rate limits: one token bucket a client, refilled by the clock; constant time a request."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from pydantic import Field

from domain.settings import Settings
from serving.problems import Problem

_MAX_BUCKETS = 10_000
_SECOND = 1_000_000_000


class Rate(Settings):
    """How many requests a second, and how many at once after a rest; an item of a batch counts as one."""

    per_second: float = Field(gt=0.0)
    burst: int = Field(ge=1)


class Buckets:
    """Token buckets by name.

    Parameters
    ----------
    rate : of everybody whom ``named`` does not name.
    ticks : monotonic ns.

    Examples
    --------
    >>> now = [0]
    >>> buckets = Buckets(Rate(per_second=1, burst=2), {}, lambda: now[0])
    >>> [buckets.take("shop") for _ in range(3)]
    [0.0, 0.0, 1.0]
    >>> now[0] = 1_000_000_000
    >>> buckets.take("shop"), buckets.take("another")
    (0.0, 0.0)
    """

    def __init__(self, rate: Rate, named: Mapping[str, Rate], ticks: Callable[[], int]) -> None:
        self._rate = rate
        self._named = dict(named)
        self._ticks = ticks
        self._buckets: dict[str, list[float]] = {}

    def take(self, name: str, n: int = 1) -> float:
        """Take ``n`` tokens; 0 when the request may pass, else the seconds until it may.

        Whoever has one token left may take many and owes the rest: a batch larger than the burst is not impossible.
        """
        rate = self._named.get(name, self._rate)
        now = self._ticks()
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= _MAX_BUCKETS:
                # Names are few where clients have keys; addresses that were refused may be many. The oldest goes.
                del self._buckets[next(iter(self._buckets))]
            bucket = self._buckets[name] = [float(rate.burst), now]
        left = min(rate.burst, bucket[0] + (now - bucket[1]) / _SECOND * rate.per_second)
        bucket[1] = now
        if left < 1.0:
            bucket[0] = left
            return (1.0 - left) / rate.per_second
        bucket[0] = left - n
        return 0.0


def too_many(seconds: float) -> Problem:
    """The refusal of a client that asks too often."""
    wait = max(1, math.ceil(seconds))
    return Problem(
        429, "rate_limited", f"client: expected fewer requests, got more; wait {wait} s",
        headers={"Retry-After": str(wait)},
    )  # fmt: skip
