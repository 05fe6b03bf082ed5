"""Share of the commonest value among the values in the window; NaN when no row of it has one."""

from __future__ import annotations

from dataclasses import dataclass

from domain.events import ColumnType
from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class TopShare(Aggregate):
    """Share of the commonest value among the values in the window; NaN when no row of it has one.

    Algebra: max n_v / n with n_v events of value v; nulls aside.

    Examples
    --------
    >>> TopShare("merchant_id", over=["30d"]).names("card_id")
    ['card_merchant_id_top_share_30d']
    """

    WORD = "top_share"
    OPERATION = layout.TOP_SHARE
    ACCEPTS = tuple(ColumnType)

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "share of the commonest value"

    def unit(self, of_column: str) -> str:
        """Of the result."""
        return "share"
