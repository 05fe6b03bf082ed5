"""What became known about one decided event: every outcome in its order, corrections among them, and the label."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from domain.events import Event
from domain.labels import LABEL_POLICIES
from stores.journal import Journal

_POLICIES = {policy.subject_kind: policy for policy in LABEL_POLICIES.values()}
_COLUMNS = (
    "seq",
    "client",
    "event_id",
    "known_at",
    "subject_event_id",
    "subject_kind",
    "subject_time",
    "code",
    "source",
)


@dataclass(frozen=True, slots=True)
class Known:
    """One outcome; ``client`` said it, ``known_at`` is µs UTC."""

    event_id: str
    client: str
    known_at: int
    seq: int
    code: str
    source: str | None


@dataclass(frozen=True, slots=True)
class History:
    """Outcomes, the oldest knowledge first.

    Parameters
    ----------
    label : what they come to by the label policy of the subject; None while none tells.
    """

    outcomes: tuple[Known, ...]
    label: str | None
    policy: str


def history(journal: Journal, subject: Event) -> History:
    """The history of a payment or application."""
    table = journal.read("outcome", after=subject.seq, columns=list(_COLUMNS))
    mine = table.filter(
        pc.and_(
            pc.equal(table["subject_event_id"].cast(pa.string()), subject.event_id),
            pc.and_(
                pc.equal(table["subject_time"], subject.event_time),
                pc.equal(table["subject_kind"].cast(pa.string()), subject.kind),
            ),
        )
    )
    found = [
        Known(row["event_id"], row["client"], row["known_at"], row["seq"], row["code"], row["source"])
        for row in mine.to_pylist()
    ]
    policy = _POLICIES[subject.kind]
    settled = policy.settle((one.known_at, one.seq, one.code) for one in found if one.code in policy.verdicts)
    ordered = tuple(sorted(found, key=lambda one: (one.known_at, one.seq)))
    return History(ordered, None if settled is None else settled.value, policy.version)
