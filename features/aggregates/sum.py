"""Total of a column over the window; NaN when no row of it has a value."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Sum(Aggregate):
    """Total of a column over the window; NaN when no row of it has a value.

    Algebra: Σx over 10^decimals or the scale, a difference of running sums of 128 bits.

    Examples
    --------
    >>> Sum("amount", over=["1d"]).names("card_id")
    ['card_amount_sum_1d']
    """

    WORD = "sum"
    OPERATION = layout.SUM
    TILEABLE = True
    PREFIXED = True

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "sum"
