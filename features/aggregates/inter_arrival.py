"""Mean, or coefficient of variation, of the gaps between successive events in the window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from domain.errors import DefinitionError, expected_got
from features.aggregates.aggregate import Aggregate
from features.aggregates.operation import Operation
from features.kernel import layout

_STATISTICS = {"mean": layout.GAP_MEAN, "cv": layout.GAP_VARIATION}


@dataclass(frozen=True)
class InterArrival(Aggregate):
    """Mean in seconds, or coefficient of variation, of the gaps between successive events in the window.

    Algebra: the mean is (last − first) / (n − 1), NaN below two events; the variation is that of the n − 1 gaps from
    exact sums of whole µs, NaN below two gaps and where all events are of one instant. A machine's is near 0.

    Parameters
    ----------
    statistic : mean or cv.

    Examples
    --------
    >>> InterArrival(over=["7d"]).names("card_id"), InterArrival(over=["7d"], statistic="cv").names("card_id")
    (['card_interarrival_mean_7d'], ['card_interarrival_cv_7d'])
    """

    statistic: str = "mean"

    WORD = "interarrival"
    OPERATION = layout.GAP_MEAN
    NEEDS_COLUMN = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.statistic not in _STATISTICS:
            raise DefinitionError(expected_got(f"one of {', '.join(_STATISTICS)}", self.statistic, "InterArrival"))

    def operations(self) -> tuple[Operation, ...]:
        """By statistic."""
        return (replace(super().operations()[0], kind=_STATISTICS[self.statistic]),)

    def words(self) -> tuple[str | None, ...]:
        """Words of a name between the entity and the window."""
        return ("interarrival", self.statistic)

    @property
    def phrase(self) -> str:
        """What is computed."""
        what = "mean" if self.statistic == "mean" else "coefficient of variation"
        return f"{what} of the time between successive events"

    @property
    def missing(self) -> str:
        """Without gaps."""
        return "NaN below two events" if self.statistic == "mean" else "NaN below three events, or all of one instant"

    def unit(self, of_column: str) -> str:
        """Seconds, or a ratio."""
        return "s" if self.statistic == "mean" else "ratio"

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {**super().canonical(), "statistic": self.statistic}
