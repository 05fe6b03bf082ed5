"""The visibility law: every comparison that decides what a request may see is in this file.

A request at time t and arrival s sees the events with ``seq < s`` and ``t - w <= event_time < t``, among
the newest N by (event_time, seq). ``seq < s`` holds because rows are inserted in ``seq`` order and a
request is read before its own row goes in (`grouping.arrange` offline, the service online).
"""

from __future__ import annotations

from numba import njit

from features.kernel.layout import TIME


@njit
def first_at_or_after(pool, base, width, low, high, time):  # type: ignore[no-untyped-def]
    """Index of the first row in [low, high) with event_time ≥ time; high when there is none."""
    while low < high:
        middle = (low + high) >> 1
        if pool[base + middle * width + TIME] < time:
            low = middle + 1
        else:
            high = middle
    return low


@njit
def retention_bound(max_time, longest, lateness):  # type: ignore[no-untyped-def]
    """Rows before this time are evicted: no request within the declared lateness can see them."""
    return max_time - longest - lateness


@njit
def is_stale(time, max_time, lateness):  # type: ignore[no-untyped-def]
    """Whether a request is older than the state is kept for."""
    return time < max_time - lateness


@njit
def is_truncated(time, longest, dropped_time):  # type: ignore[no-untyped-def]
    """Whether an event that the ring pushed out would lie in the longest window."""
    return dropped_time >= time - longest
