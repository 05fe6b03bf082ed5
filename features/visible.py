"""Which events of an entity a request sees, and why it does not see the others: the visibility law, told row by row.

This is an explanation, not a third clock: `features.trace` feeds exactly the rows called visible to the
kernel, and the number must come out again bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.view import FeatureView

Words = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SEEN = ""
OTHER_CONDITION = "not of the view: another condition"
ITSELF = "the request itself"
LATER = "arrived later"
SAME_INSTANT = "same instant"
AFTER = "after the request"
TOO_OLD = "before the window"
RING = "pushed out of the ring"
FORGOTTEN = "older than the state is kept for"
MERGED = "in the request's own tile, which was merged before it came"

REASONS = (OTHER_CONDITION, ITSELF, LATER, SAME_INSTANT, AFTER, MERGED, TOO_OLD, RING, FORGOTTEN)
"""Why an event of the entity is not seen; the first that applies is told."""


@dataclass(frozen=True)
class Window:
    """The span ``low <= event_time < high`` (µs UTC) that a feature reads at a request."""

    low: int
    high: int


def window_of(view: FeatureView, reach: int | None, time: int, newest: int | None, lateness: int) -> Window:
    """The window of a request at a time.

    Where a view is tiled its lower edge is rounded down to the hop, and so is its upper edge for a request that
    came too late to tell the events of its own tile apart.

    Parameters
    ----------
    reach : its length in µs; None is the view's longest.
    newest : the latest time among the entity's events that arrived before the request; None when there are none.
    lateness : declared maximum lateness in µs.

    Examples
    --------
    >>> from features.aggregates import Count
    >>> view = FeatureView(entity="card_id", source="transaction", features=[Count(over=["1h"])])
    >>> window_of(view, None, 3_600_000_005, None, 0)
    Window(low=5, high=3600000005)
    """
    hop = view.retain.hop
    low = floored(time - (view.windows[-1] if reach is None else reach), hop)
    late = hop > 0 and newest is not None and time < floored(newest - lateness, hop)
    return Window(low, floored(time, hop) if late else time)


def floored(time: int, hop: int) -> int:
    """The start of the tile of an instant; the instant itself where there are no tiles."""
    return time - time % hop if hop > 0 else time


def why_unseen(
    view: FeatureView, window: Window, time: int, arrival: int, lateness: int, of_view: Mask, times: Words, seqs: Words
) -> npt.NDArray[np.object_]:
    """One of `REASONS` for each event of the entity, SEEN for those that the request sees.

    Parameters
    ----------
    time, arrival : event time and ``seq`` of the request.
    of_view : bool[n], which of them satisfy the view's conditions.
    times, seqs : int64[n], of all events of the entity that the journal holds by now.

    Examples
    --------
    >>> from features.aggregates import Count
    >>> view = FeatureView(entity="card_id", source="transaction", features=[Count(over=["1h"])])
    >>> times, seqs = np.array([5, 9, 10, 9]), np.array([1, 2, 3, 5])
    >>> why_unseen(view, Window(7, 10), 10, 4, 0, np.ones(4, bool), times, seqs).tolist()
    ['before the window', '', 'same instant', 'arrived later']
    """
    why = np.full(len(times), SEEN, dtype=object)
    arrived = np.flatnonzero(of_view & (seqs < arrival))
    # Worked from the last reason to the first, so that the first that applies stands.
    if len(arrived):
        kept_since = floored(int(times[arrived].max()) - view.windows[-1] - lateness, view.retain.hop)
        why[times < kept_since] = FORGOTTEN
    oldest_first = arrived[np.lexsort((seqs[arrived], times[arrived]))]
    why[oldest_first[: max(0, len(arrived) - view.retain.size)]] = RING
    why[times < window.low] = TOO_OLD
    why[times >= window.high] = MERGED
    why[times > time] = AFTER
    why[times == time] = SAME_INSTANT
    why[seqs > arrival] = LATER
    why[seqs == arrival] = ITSELF
    why[~of_view & (seqs != arrival)] = OTHER_CONDITION
    return why
