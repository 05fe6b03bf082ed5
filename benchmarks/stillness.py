"""How still the machine is while nothing of ours runs: a tail measured where memory itself stalls is the machine's."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

_PAGES, _PAGE_BYTES = 20_000, 4_096
_REST_SECONDS = 0.003
_SLOW = 4.0
"""Times the median; a page that had to be mapped anew, or a cache that a neighbour has emptied, is worth more."""


def stillness(seconds: float = 6.0) -> dict[str, float]:
    """Read a byte of each of 20,000 pages again and again, with rests of 3 ms.

    Returns
    -------
    ``touch_ms`` and ``touch_p99_ms``, the median and the 99th percentile of such a reading, and ``touch_slow_share``,
    the share of readings that took more than four times the median: below a hundredth on a machine that is still.
    """
    memory = np.ones(_PAGES * _PAGE_BYTES, dtype=np.uint8)
    every_page = memory[::_PAGE_BYTES]
    times = []
    end = time.perf_counter() + seconds
    while (started := time.perf_counter()) < end:
        every_page.sum()
        times.append(time.perf_counter() - started)
        time.sleep(_REST_SECONDS)
    return summary(times)


def summary(times: Sequence[float]) -> dict[str, float]:
    """What `stillness` gives, of seconds that readings took.

    Examples
    --------
    >>> summary([0.0002] * 97 + [0.002] * 3)
    {'touch_ms': 0.2, 'touch_p99_ms': 2.0, 'touch_slow_share': 0.03}
    """
    median, worst = np.percentile(times, [50, 99])
    slow = np.mean(np.array(times) > _SLOW * median)
    return {
        "touch_ms": round(float(median) * 1e3, 3),
        "touch_p99_ms": round(float(worst) * 1e3, 3),
        "touch_slow_share": round(float(slow), 4),
    }


def told(found: dict[str, float]) -> str:
    """One line of it.

    Examples
    --------
    >>> told({"touch_ms": 0.25, "touch_p99_ms": 2.5, "touch_slow_share": 0.03})[:76]
    'this machine, idle: 20,000 pages read in 0.25 ms, at the 99th percentile 2.5'
    """
    usual, worst, slow = found["touch_ms"], found["touch_p99_ms"], 100 * found["touch_slow_share"]
    return (
        f"this machine, idle: {_PAGES:,} pages read in {usual:.2f} ms, at the 99th percentile {worst:.2f} ms; "
        f"{slow:.1f} % of readings took over {_SLOW:g} times the median"
    )
