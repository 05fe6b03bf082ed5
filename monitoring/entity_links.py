"""Decisions that share a card, a device or a payee with another: what one case may have to gather."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from stores.journal import Journal
from stores.ledger import Entry, Ledger
from stores.matter_settings import CaseSettings


@dataclass(frozen=True, slots=True)
class Link:
    """A decision that shares an entity with another.

    Parameters
    ----------
    columns : the entity columns whose tokens are equal. event_time : µs UTC.
    """

    decision_id: str
    columns: tuple[str, ...]
    event_time: int
    action: str
    score: float | None


def linked_decisions(
    entry: Entry, journal: Journal, ledger: Ledger, settings: CaseSettings, now: int
) -> tuple[Link, ...]:
    """Decisions of the same product, made before ``now`` (µs UTC), that share a token with one, oldest first."""
    subject = journal.get(entry.seq)
    shared = [name for name in settings.links if subject.body.get(name)]
    decided = ledger.read(entry.product, until=now)
    if not shared or not decided.num_rows:
        return ()
    table = journal.read(subject.kind, columns=["seq", "event_time", *shared])
    near = pc.less_equal(pc.abs(pc.subtract(table["event_time"], subject.event_time)), settings.link_within)
    same = {
        name: pc.fill_null(pc.equal(pc.cast(table[name], pa.string()), subject.body[name]), False) for name in shared
    }
    some = pa.chunked_array([pa.repeat(False, table.num_rows)])
    for each in same.values():
        some = pc.or_(some, each)
    for name, each in same.items():
        table = table.append_column(f"same {name}", each)
    table = table.filter(pc.and_(near, some))
    table = table.filter(pc.and_(pc.is_in(table["seq"], decided["seq"]), pc.not_equal(table["seq"], entry.seq)))
    by_seq = {row["seq"]: row for row in decided.select(["seq", "decision_id", "action", "score"]).to_pylist()}
    links = [
        Link(
            by_seq[row["seq"]]["decision_id"], tuple(name for name in shared if row[f"same {name}"]),
            row["event_time"], by_seq[row["seq"]]["action"], by_seq[row["seq"]]["score"],
        )
        for row in table.to_pylist()
    ]  # fmt: skip
    return tuple(sorted(links, key=lambda link: (link.event_time, link.decision_id)))
