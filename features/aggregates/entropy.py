"""Shannon entropy of the values in the window, in nats: 0 when all are equal; NaN when no row has a value."""

from __future__ import annotations

from dataclasses import dataclass

from domain.events import ColumnType
from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Entropy(Aggregate):
    """Shannon entropy of the values in the window, in nats: 0 when all are equal; NaN when no row has a value.

    Algebra: Σ n_v / n · ln(n / n_v), added in the order of each value's newest event, oldest first; nulls aside.

    Examples
    --------
    >>> Entropy("merchant_id", over=["30d"]).names("card_id")
    ['card_merchant_id_entropy_30d']
    """

    WORD = "entropy"
    OPERATION = layout.ENTROPY
    ACCEPTS = tuple(ColumnType)

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "entropy"

    def unit(self, of_column: str) -> str:
        """Of the result."""
        return "nats"
