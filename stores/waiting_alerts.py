"""Alerts that waited at a moment, with the place of their events in the journal: what a queue is made of."""

from __future__ import annotations

from dataclasses import dataclass

from domain.alerts import AlertStatus
from stores.alerts import DISPOSED
from stores.database import Database


@dataclass(frozen=True, slots=True)
class WaitingAlert:
    """A decision that nobody had disposed of.

    Parameters
    ----------
    seq : of its event. opened_at : µs UTC. score : calibrated probability, None when no model was used.
    """

    decision_id: str
    product: str
    seq: int
    opened_at: int
    action: str
    risk_grade: str
    score: float | None


def waiting_alerts(database: Database, until: int, product: str | None = None) -> list[WaitingAlert]:
    """Alerts opened before ``until`` (µs UTC) that nobody had disposed of by then, the oldest first.

    The row of an alert tells its last disposition alone. Whether there was an earlier one say the acts of the door, and
    the cases that gathered it.
    """
    rows = database.execute(
        "SELECT a.decision_id, a.product, d.seq, a.opened_at, d.action, d.risk_grade, d.score "
        "FROM alert a JOIN decision d USING (decision_id) "
        "WHERE a.opened_at < :until AND (:product IS NULL OR a.product = :product) AND (a.status = :open OR ("
        "a.disposed_at >= :until "
        "AND NOT EXISTS (SELECT 1 FROM act WHERE subject = a.decision_id AND kind = :disposed AND at < :until) "
        "AND NOT EXISTS (SELECT 1 FROM matter_decision m JOIN matter_entry e USING (matter_id) "
        "JOIN json_each(e.body, '$.decisions') AS gathered "
        "WHERE m.decision_id = a.decision_id AND gathered.value = a.decision_id AND e.kind = 'case' AND e.at < :until)"
        ")) ORDER BY a.opened_at, a.decision_id",
        {"until": until, "open": AlertStatus.OPEN.value, "disposed": DISPOSED, "product": product},
    )
    return [WaitingAlert(*row) for row in rows]
