"""A monitoring report: one line per thing looked at, each with its value, size, threshold and source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from domain.bilingual import Both, in_english
from domain.decision import RiskGrade
from domain.time import format_instant

NOT_ASSESSED = "not assessed"

SEVERITY = (NOT_ASSESSED, *(grade.value for grade in RiskGrade))
"""Statuses of a line, mildest first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at.

    Parameters
    ----------
    group : score, distance, feature, missing, rate, grade, action, data, service or latency.
    status : normal, attention, warning, high, or "not assessed" (``note`` says why).
    value : the index, change or share; None where it cannot be computed.
    kind : observed, realised or estimated.
    low, high : interval of the value, where it has one.
    expected : what the reference makes expected: a share, or the mean index chance gives.
    n_reference, n_current : rows on both sides.
    threshold, source : what the status was judged by, and who says so.
    """

    group: str
    name: str
    status: str
    value: float | None
    n_reference: int
    n_current: int
    kind: str = "observed"
    low: float | None = None
    high: float | None = None
    expected: float | None = None
    threshold: float | None = None
    source: str = ""
    note: Both | str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON, the note in English."""
        return {**asdict(self), "note": in_english(self.note)}


@dataclass(frozen=True, slots=True)
class MonitorReport:
    """Lines about the decisions of a product with ``since <= decided_at < until`` (µs UTC).

    ``n_decisions`` counts all of them, ``n_by_model`` those that the judged bundle scored.
    """

    product: str
    bundle: str
    since: int | None
    until: int | None
    n_decisions: int
    n_by_model: int
    lines: tuple[Line, ...]

    @property
    def worst(self) -> str:
        """The worst status of any line."""
        return worst(line.status for line in self.lines)

    def at_least(self, status: str) -> tuple[Line, ...]:
        """Lines with this status or a worse one."""
        return tuple(line for line in self.lines if SEVERITY.index(line.status) >= SEVERITY.index(status))

    def table(self) -> list[dict[str, Any]]:
        """The lines as records, worst first, else in the order they were judged."""
        ordered = sorted(self.lines, key=lambda line: -SEVERITY.index(line.status))
        return [line.as_dict() for line in ordered]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON: plain values, times in ISO 8601."""
        return {
            "product": self.product,
            "bundle": self.bundle,
            "since": None if self.since is None else format_instant(self.since),
            "until": None if self.until is None else format_instant(self.until),
            "n_decisions": self.n_decisions,
            "n_by_model": self.n_by_model,
            "worst": self.worst,
            "lines": [line.as_dict() for line in self.lines],
        }


def worst(statuses: Iterable[str]) -> str:
    """The worst of some statuses; "not assessed" when there are none.

    Examples
    --------
    >>> worst(["normal", "warning", "not assessed"])
    'warning'
    """
    return max(statuses, key=SEVERITY.index, default=NOT_ASSESSED)
