"""How unusual the request's time of day is for the entity, by a von Mises distribution."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.aggregates.operation import Operand
from features.kernel import layout


@dataclass(frozen=True)
class CircularTime(Aggregate):
    """How unusual the request's local time of day is for the entity: κ(1 − cos(θ − μ)), in nats.

    The deviance of the request's angle θ on the clock face under a von Mises distribution fitted to the times of day
    of the events in the window (Bahnsen et al. 2016, "Feature engineering strategies for credit card fraud
    detection"): 0 at the usual time, 2κ half a day away.

    Algebra: Σcos and Σsin are exact sums of whole numbers (the clock face to the second, in units of 10⁻⁹); μ is
    their direction, R = sqrt((Σcos)² + (Σsin)²) / n. κ follows Best & Fisher (1981): 2R + R³ + 5R⁵/6 below 0.53,
    −0.4 + 1.39R + 0.43/(1 − R) below 0.85, else 1/(R³ − 4R² + 3R), at most 500; up to 15 events their correction for
    small samples: max(κ − 2/(nκ), 0) below 2, else (n − 1)³κ/(n³ + n), which is 0 for a single event.

    Examples
    --------
    >>> CircularTime(over=["30d"]).names("card_id")
    ['card_time_deviance_30d']
    """

    WORD = "time_deviance"
    OPERATION = layout.TIME_DEVIANCE
    NEEDS_COLUMN = False
    PREFIXED = True

    def operands(self) -> tuple[Operand, ...]:
        """The point on the clock face."""
        return (Operand("clock_cos"), Operand("clock_sin"))

    def asked(self) -> tuple[Operand, ...]:
        """That of the request."""
        return self.operands()

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "deviance of the time of day from the profile"

    @property
    def missing(self) -> str:
        """Without a profile."""
        return "NaN when the window is empty; 0 for a single event"

    def unit(self, of_column: str) -> str:
        """Of the result."""
        return "nats"
