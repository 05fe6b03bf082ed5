"""A statistic of the newest k values of a column; NaN when there is none within the longest window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.errors import DefinitionError, expected_got
from features.aggregates.aggregate import Aggregate
from features.kernel import layout

_STATISTICS = {
    "mean": layout.MEAN,
    "sum": layout.SUM,
    "std": layout.STD,
    "min": layout.MIN,
    "max": layout.MAX,
    "cv": layout.VARIATION,
}
MOST = 1000


@dataclass(frozen=True)
class LastK(Aggregate):
    """A statistic of the newest k values of a column within the view's longest window, or of as many as there are.

    Algebra: a fold over at most k rows, from the newest back; whole numbers up to the finaliser of Mean, Std, ….

    Parameters
    ----------
    k : number of values, 1 to 1000.
    statistic : mean, sum, std, min, max or cv.

    Examples
    --------
    >>> LastK("days_late", k=5, statistic="mean").names("repayment")
    ['repayment_days_late_last_5_mean']
    """

    k: int = 5
    statistic: str = "mean"

    WORD = "last"
    OPERATION = layout.LAST_K
    WINDOWED = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.k <= MOST:
            raise DefinitionError(expected_got(f"k between 1 and {MOST}", self.k, "LastK"))
        if self.statistic not in _STATISTICS:
            raise DefinitionError(expected_got(f"one of {', '.join(_STATISTICS)}", self.statistic, "LastK"))

    def parameters(self) -> tuple[int, ...]:
        """How many, and what of them."""
        return (self.k, _STATISTICS[self.statistic])

    def words(self) -> tuple[str | None, ...]:
        """Words of the name."""
        return (self.column, "last", str(self.k), self.statistic)

    @property
    def phrase(self) -> str:
        """What is computed."""
        return f"{self.statistic} of the last {self.k} values"

    @property
    def missing(self) -> str:
        """Without values."""
        few = {"std": "below two values", "cv": "below two values and where their mean is 0"}
        return f"NaN {few.get(self.statistic, 'when there is no value')}; fewer than {self.k} are used as they are"

    def unit(self, of_column: str) -> str:
        """That of the column, but for a ratio."""
        return "ratio" if self.statistic == "cv" else of_column

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {**super().canonical(), "k": self.k, "statistic": self.statistic}
