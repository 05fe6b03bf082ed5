"""Herfindahl-Hirschman index of the values in the window: 1 when all are equal; NaN when no row has a value."""

from __future__ import annotations

from dataclasses import dataclass

from domain.events import ColumnType
from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Concentration(Aggregate):
    """Herfindahl-Hirschman index of the values in the window: 1 when all are equal; NaN when no row has a value.

    Algebra: Σ n_v² / n² with n_v events of value v, whole numbers up to the division; nulls aside.

    Examples
    --------
    >>> Concentration("merchant_id", over=["30d"]).names("card_id")
    ['card_merchant_id_hhi_30d']
    """

    WORD = "hhi"
    OPERATION = layout.HHI
    ACCEPTS = tuple(ColumnType)

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "concentration (Herfindahl-Hirschman)"

    def unit(self, of_column: str) -> str:
        """Of the result."""
        return "1"
