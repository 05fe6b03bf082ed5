"""Alerts that waited at a moment, with the place of their events in the journal: what a queue is made of."""

from __future__ import annotations

from dataclasses import dataclass

from domain.alerts import AlertStatus
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
    """Alerts opened before ``until`` (µs UTC) that were not disposed of by then, the oldest first."""
    rows = database.execute(
        "SELECT a.decision_id, a.product, d.seq, a.opened_at, d.action, d.risk_grade, d.score "
        "FROM alert a JOIN decision d USING (decision_id) "
        "WHERE a.opened_at < ? AND (a.status = ? OR a.disposed_at >= ?) AND (? IS NULL OR a.product = ?) "
        "ORDER BY a.opened_at, a.decision_id",
        (until, AlertStatus.OPEN.value, until, product, product),
    )
    return [WaitingAlert(*row) for row in rows]
