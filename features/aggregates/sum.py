"""Total of a column over the window; NaN when no row of it has a value."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Sum(Aggregate):
    """Total of a column over the window; NaN when no row of it has a value.

    Examples
    --------
    >>> Sum("amount", over=["1d"]).names("card_id")
    ['card_amount_sum_1d']
    """

    WORD = "sum"
    OPERATION = layout.SUM
    PREFIXED = True

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "sum"
