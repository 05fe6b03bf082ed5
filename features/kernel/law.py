"""The visibility law: every comparison that decides what a request may see is in this file.

A request at time t and arrival s sees the events with ``seq < s`` and ``t - w <= event_time < t``, among
the newest N by (event_time, seq). ``seq < s`` holds because rows are inserted in ``seq`` order and a
request is read before its own row goes in (`grouping.arrange` offline, the service online).

Where a view is tiled, ``t - w`` is rounded down to the hop; a request older than the declared lateness, which is
flagged, is rounded down as well. What lies in one tile is therefore never told apart, merged or not.
"""

from __future__ import annotations

from features.kernel.compiling import inner, tight
from features.kernel.layout import TIME


@inner
def is_before(pool, base, width, index, time):  # type: ignore[no-untyped-def]
    """Whether a row lies before an instant."""
    return pool[base + index * width + TIME] < time


@inner
def first_at_or_after(pool, base, width, low, high, time):  # type: ignore[no-untyped-def]
    """Index of the first row in [low, high) with event_time ≥ time; high when there is none."""
    while low < high:
        middle = (low + high) >> 1
        if is_before(pool, base, width, middle, time):
            low = middle + 1
        else:
            high = middle
    return low


@tight
def first_near(pool, base, width, low, high, hint, time):  # type: ignore[no-untyped-def]
    """The same, galloping from any ``hint``: requests in order find each edge a step from where it was."""
    hint = min(max(hint, low), high)
    step = 1
    if hint < high and is_before(pool, base, width, hint, time):
        low = hint + 1
        while low + step <= high and is_before(pool, base, width, low + step - 1, time):
            low += step
            step *= 2
        high = min(high, low + step - 1)
    else:
        high = hint
        while high - step >= low and not is_before(pool, base, width, high - step, time):
            high -= step
            step *= 2
        low = max(low, high - step + 1)
    return first_at_or_after(pool, base, width, low, high, time)


@inner
def floored(time, hop):  # type: ignore[no-untyped-def]
    """The start of the tile that an instant lies in; the instant itself where there are no tiles."""
    return time - time % hop if hop > 0 else time


@inner
def window_start(time, window, hop):  # type: ignore[no-untyped-def]
    """The lower edge of a window."""
    return floored(time - window, hop)


@inner
def window_end(time, max_time, lateness, hop):  # type: ignore[no-untyped-def]
    """The upper edge of every window: the request itself, or the start of its tile where rows may be merged."""
    return floored(time, hop) if time < merge_bound(max_time, lateness, hop) else time


@inner
def merge_bound(max_time, lateness, hop):  # type: ignore[no-untyped-def]
    """Rows before this time may be merged with others of their tile."""
    return floored(max_time - lateness, hop)


@inner
def retention_bound(max_time, longest, lateness, hop):  # type: ignore[no-untyped-def]
    """Rows before this time are evicted: no request within the declared lateness can see them."""
    return floored(max_time - longest - lateness, hop)


@inner
def is_stale(time, max_time, lateness):  # type: ignore[no-untyped-def]
    """Whether a request is older than the state is kept for."""
    return time < max_time - lateness


@inner
def is_truncated(time, longest, dropped_time):  # type: ignore[no-untyped-def]
    """Whether an event that the ring pushed out would lie in the longest window."""
    return dropped_time >= time - longest
