"""Standard deviation over the absolute mean; NaN below two values and where the mean is 0."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class CoefficientOfVariation(Aggregate):
    """Sample standard deviation over the absolute mean; NaN below two values and where the mean is 0.

    Algebra: sqrt((n·Σx² − (Σx)²) / (n(n − 1))) / |Σx / n|, whole numbers up to the first division.

    Examples
    --------
    >>> CoefficientOfVariation("amount", over=["30d"]).names("card_id")
    ['card_amount_cv_30d']
    """

    WORD = "cv"
    OPERATION = layout.VARIATION
    PREFIXED = True
    TILEABLE = True

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "coefficient of variation"

    @property
    def missing(self) -> str:
        """Without a deviation or a mean."""
        return "NaN below two values and where their mean is 0"

    def unit(self, of_column: str) -> str:
        """A ratio."""
        return "ratio"
