"""Number of different neighbours of the entity in the window; 0 when it is empty."""

from __future__ import annotations

from dataclasses import dataclass

from domain.events import ColumnType
from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Degree(Aggregate):
    """Number of different neighbours, entities of another key, in the window; 0 when it is empty.

    Algebra: that of Distinct, over a key.

    Examples
    --------
    >>> Degree("account_id", over=["7d"]).names("payee_id")
    ['payee_account_id_degree_7d']
    """

    WORD = "degree"
    OPERATION = layout.DISTINCT
    ACCEPTS = (ColumnType.KEY,)

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "number of different neighbours"

    @property
    def missing(self) -> str:
        """Never missing."""
        return "0 when the window is empty"

    def unit(self, of_column: str) -> str:
        """A number of entities."""
        return "entities"
