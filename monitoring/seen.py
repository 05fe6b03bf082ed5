"""What a look back may see: events that had happened, and were known, before its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from stores.journal import Journal

Reader = Callable[[str], pa.Table]
"""All events of a kind that had happened, and were known, before the end of the look."""


def seen(
    journal: Journal, kind: str, until: int, *, since: int | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """Events of a kind with ``since <= event_time < until`` and ``known_at < until``, in ``seq`` order.

    What arrived later is not seen, however long ago it happened, so a look at a past instant can be taken again and
    says the same.

    Parameters
    ----------
    since, until : µs UTC; open at the beginning when None.
    columns : as `Journal.read`; both times are read anyway.
    """
    wanted = None if columns is None else list(dict.fromkeys((*columns, "event_time", "known_at")))
    events = journal.read(kind, columns=wanted)
    kept = pc.and_(pc.less(events["event_time"], until), pc.less(events["known_at"], until))
    if since is not None:
        kept = pc.and_(kept, pc.greater_equal(events["event_time"], since))
    return events.filter(kept)
