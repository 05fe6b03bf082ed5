"""Settings of monitoring (``configs/monitoring.yaml``): limits with their source, and how sure to be."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from domain.bilingual import Sourced
from domain.decision import RiskGrade
from domain.errors import DefinitionError, expected_got
from domain.settings import Settings


class Limits(Settings):
    """From where on a value is a matter of attention, a warning, high; and who says so.

    Examples
    --------
    >>> limits = Limits(attention=0.1, warning=0.25, high=0.5, source="custom")
    >>> limits.grade(0.3).value, limits.next_above(0.3)
    ('warning', 0.5)
    """

    attention: float = Field(gt=0)
    warning: float
    high: float
    source: Sourced

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.attention < self.warning < self.high:
            raise ValueError(f"expected attention < warning < high, got {self.attention}, {self.warning}, {self.high}")
        return self

    def grade(self, value: float) -> RiskGrade:
        """The worst grade whose limit the value has reached."""
        for grade, limit in ((RiskGrade.HIGH, self.high), (RiskGrade.WARNING, self.warning)):
            if value >= limit:
                return grade
        return RiskGrade.ATTENTION if value >= self.attention else RiskGrade.NORMAL

    def next_above(self, value: float) -> float:
        """The limit that would change the grade next; the highest when all are passed."""
        return next((limit for limit in (self.attention, self.warning, self.high) if value < limit), self.high)


class MonitoringSettings(Settings):
    """What a report judges by.

    Parameters
    ----------
    least_rows : fewer rows on either side and a line says "not assessed".
    bins : quantile bins of the reference; missing values have one more.
    confidence : of a whole group of lines: a group over unchanged traffic raises a line in at most
        ``1 - confidence`` of reports.
    psi : limits on the stability index, of the score and of each feature.
    distance : limits on the Wasserstein distance of the score, in interquartile ranges of the reference.
    missing : limits on the change of a feature's missing share, in shares (0.05 is five points).
    rate : limits on how many times a rate is above or below what the reference makes expected.
    data : limits on the change of the share of rows with a fault, in shares.
    degraded : limits on the share of degraded decisions.
    latency : limits on how many times a percentile is above the reference's.
    """

    least_rows: int = Field(ge=20)
    bins: int = Field(ge=2, le=100)
    confidence: float = Field(gt=0.5, lt=1)
    psi: Limits
    distance: Limits
    missing: Limits
    rate: Limits
    data: Limits
    degraded: Limits
    latency: Limits

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of results, in the order of their limits."""
        return tuple(_LIMITS)

    def limits_of(self, group: str) -> Limits:
        """The limits of a group of results.

        Raises
        ------
        DefinitionError
            When the group has none.
        """
        name = _LIMITS.get(group)
        if name is None:
            raise DefinitionError(expected_got(f"a group out of {', '.join(_LIMITS)}", group, "monitoring limits"))
        found: Limits = getattr(self, name)
        return found


_LIMITS = {
    "score": "psi", "feature": "psi", "distance": "distance", "missing": "missing", "rate": "rate", "grade": "rate",
    "action": "rate", "data": "data", "service": "degraded", "latency": "latency",
}  # fmt: skip
"""Group of results → field of its limits."""
