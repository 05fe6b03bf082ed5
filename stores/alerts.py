"""The queue of alerts: one row for each decision that was not approved, opened in the decision's own transaction.

A trigger on the ledger's table opens it, so whoever appends a decision opens its alert and costs an approval nothing.
The row tells the present status; who said what and when, in order, is in the acts.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.alerts import AlertStatus
from domain.errors import DataError, InputError, expected_got
from stores.database import Database

DISPOSED = "alert_disposed"
"""Kind of the act that says who disposed of an alert at the door."""

_SELECT = (
    "SELECT a.decision_id, a.product, a.opened_at, a.status, a.disposed_by, a.disposed_at, a.note, "
    "d.client, d.event_id, d.action, d.risk_grade, d.score FROM alert a JOIN decision d USING (decision_id)"
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert and the decision it is about.

    Parameters
    ----------
    opened_at, disposed_at : µs UTC.
    note : id of the sealed text of the last disposition (`stores.sealing`), None without one.
    """

    decision_id: str
    product: str
    opened_at: int
    status: AlertStatus
    disposed_by: str | None
    disposed_at: int | None
    note: str | None
    client: str
    event_id: str
    action: str
    risk_grade: str
    score: float | None


class Alerts:
    """Read the queue and move its alerts on.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> alerts = Alerts(Database(Path(tempfile.mkdtemp()) / "assay.db"))
    >>> alerts.queue(), alerts.counts()
    ([], {})
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def get(self, decision_id: str) -> Alert | None:
        """The alert of a decision, None when it was approved or is unknown."""
        row = self.database.maybe(f"{_SELECT} WHERE a.decision_id = ?", (decision_id,))
        return None if row is None else _alert(row)

    def queue(
        self,
        status: AlertStatus | None = AlertStatus.OPEN,
        *,
        product: str | None = None,
        after: tuple[int, str] | None = None,
        limit: int = 100,
    ) -> list[Alert]:
        """Alerts of a status (None: of all), the oldest first.

        Parameters
        ----------
        after : (opened_at, decision_id) of the last one seen.
        """
        opened, last = (-(2**62), "") if after is None else after
        statuses = tuple(AlertStatus) if status is None else (status,)
        rows = self.database.execute(
            f"{_SELECT} WHERE a.status IN ({', '.join('?' * len(statuses))}) AND (a.opened_at, a.decision_id) > (?, ?) "
            "AND (? IS NULL OR a.product = ?) ORDER BY a.opened_at, a.decision_id LIMIT ?",
            (*(each.value for each in statuses), opened, last, product, product, limit),
        )
        return [_alert(row) for row in rows]

    def counts(self) -> dict[tuple[str, AlertStatus], int]:
        """(product, status) → number of alerts."""
        rows = self.database.execute("SELECT product, status, count(*) FROM alert GROUP BY product, status")
        return {(product, AlertStatus(status)): n for product, status, n in rows}

    def dispose_within(
        self, decision_id: str, status: AlertStatus, *, was: AlertStatus, by: str, at: int, note: str | None = None
    ) -> None:
        """Move an alert on inside the caller's transaction.

        Parameters
        ----------
        was : the status the person saw. note : id of a sealed text.

        Raises
        ------
        DataError
            When there is no such alert.
        InputError
            When it has another status by now, or would keep the one it has.
        """
        row = self.database.maybe("SELECT status FROM alert WHERE decision_id = ?", (decision_id,))
        if row is None:
            raise DataError(expected_got("a decision with an alert", decision_id, "alert"))
        if row[0] != was or status in (was, AlertStatus.OPEN):
            raise InputError(expected_got(f"an alert that is {was}, to become something else", row[0], "alert.status"))
        self.database.execute(
            "UPDATE alert SET status = ?, disposed_by = ?, disposed_at = ?, note = ? WHERE decision_id = ?",
            (status.value, by, at, note, decision_id),
        )


def _alert(row: tuple[object, ...]) -> Alert:
    values = list(row)
    values[3] = AlertStatus(str(values[3]))
    return Alert(*values)  # type: ignore[arg-type]  # the columns of _SELECT
