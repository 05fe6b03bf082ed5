"""Kilometres from the last event with coordinates to the request, or the speed that takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.errors import DefinitionError, expected_got
from features.aggregates.aggregate import Aggregate
from features.aggregates.operation import Operand, Operation
from features.kernel import layout

_STATISTICS = {"km": layout.KM, "kmh": layout.KMH}
MILLIONTHS = 10**6


@dataclass(frozen=True)
class SpeedFromLast(Aggregate):
    """Kilometres from the last event with coordinates within the longest window to the request, or km per hour.

    Algebra: 2R·asin(sqrt(sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2))) (haversine) with R = 6371.0088 km and coordinates in
    whole millionths of a degree; for the speed, over the time since, of which less than a second counts as one.

    Parameters
    ----------
    statistic : km or kmh.

    Examples
    --------
    >>> SpeedFromLast().names("card_id"), SpeedFromLast(statistic="kmh").names("card_id")
    (['card_km_from_last'], ['card_kmh_from_last'])
    """

    statistic: str = "km"

    WORD = "from_last"
    OPERATION = layout.KM
    NEEDS_COLUMN = False
    WINDOWED = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.statistic not in _STATISTICS:
            raise DefinitionError(expected_got(f"one of {', '.join(_STATISTICS)}", self.statistic, "SpeedFromLast"))

    def operands(self) -> tuple[Operand, ...]:
        """Where each event was."""
        return (Operand("latitude", MILLIONTHS), Operand("longitude", MILLIONTHS))

    def operations(self) -> tuple[Operation, ...]:
        """By statistic."""
        return (Operation(_STATISTICS[self.statistic], ((None, 0),), self.operands(), asked=self.operands()),)

    def words(self) -> tuple[str | None, ...]:
        """Words of the name."""
        return (self.statistic, "from_last")

    @property
    def phrase(self) -> str:
        """What is computed."""
        what = "kilometres" if self.statistic == "km" else "kilometres per hour"
        return f"{what} from the last event with coordinates"

    @property
    def missing(self) -> str:
        """Without two places."""
        return "NaN when the request or all events lack coordinates"

    def unit(self, of_column: str) -> str:
        """Of the result."""
        return "km" if self.statistic == "km" else "km/h"

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {**super().canonical(), "statistic": self.statistic}
