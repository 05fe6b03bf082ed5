"""Slope of a column over time in the window, per day; NaN below two values of different instants."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Trend(Aggregate):
    """Slope of a column over time in the window, per day; NaN below two values of different instants.

    Algebra: ordinary least squares, Σ(d − d̄)(x − x̄) / Σ(d − d̄)² with d = (event_time − t) in days; means first, then
    the sums, both added oldest first by (event_time, seq).

    Examples
    --------
    >>> Trend("balance", over=["90d"]).names("statement")
    ['statement_balance_trend_90d']
    """

    WORD = "trend"
    OPERATION = layout.TREND

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "slope per day"

    @property
    def missing(self) -> str:
        """Without a line."""
        return "NaN below two values of different instants"

    def unit(self, of_column: str) -> str:
        """Per day."""
        return f"{of_column} per day"
