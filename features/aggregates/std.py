"""Sample standard deviation (n − 1) over the window, from exact integers; NaN below two values."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Std(Aggregate):
    """Sample standard deviation (n − 1) over the window, from exact integers; NaN below two values.

    Algebra: sqrt((n·Σx² − (Σx)²) / (n(n − 1))), whole numbers up to the division.

    Examples
    --------
    >>> Std("amount", over=["30d"]).names("card_id")
    ['card_amount_std_30d']
    """

    WORD = "std"
    OPERATION = layout.STD
    TILEABLE = True
    PREFIXED = True

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "sample standard deviation"

    @property
    def missing(self) -> str:
        """Without a deviation."""
        return "NaN below two values"
