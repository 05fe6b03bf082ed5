"""Own features: columns of the request used as they are, as float64 or as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from domain.errors import DefinitionError, expected_got
from domain.events import KINDS, ColumnType, Event
from features.columns import Encoding
from features.kernel.layout import NULL

DEFAULT_OWN: Mapping[str, tuple[str, ...]] = {
    "transaction": ("amount", "card_present", "channel", "auth_method", "mcc", "country"),
    "application": (
        "amount", "term_months", "income_monthly", "debt_monthly", "employed_months", "n_dependants",
        "employment", "education", "housing", "product", "purpose", "channel",
    ),
}  # fmt: skip
"""Kind of subject → columns used as they are when the settings name none."""


@dataclass(frozen=True)
class OwnNumber:
    """A number of the request: an encoded column over its scale, or a float as it came.

    Parameters
    ----------
    encoding : None for floats, which pass unchanged.
    scale : minor units per unit for money, else 1.
    """

    column: str
    encoding: Encoding | None
    scale: int

    @property
    def needs(self) -> tuple[str, ...]:
        """The journal columns it reads."""
        return (self.column,) if self.encoding is None else self.encoding.needs

    def one(self, event: Event) -> float:
        """The value of one event; NaN where it has none."""
        if self.encoding is None:
            value = event.body.get(self.column)
            return float("nan") if value is None else float(value)
        word = self.encoding.one(event)
        return float("nan") if word == NULL else word / self.scale

    def many(self, table: pa.Table) -> npt.NDArray[np.float64]:
        """The values of a table's rows."""
        if self.encoding is None:
            values: npt.NDArray[np.float64] = table[self.column].to_numpy().astype(np.float64)
            return values
        words = self.encoding.many(table)
        return np.where(words == NULL, np.nan, words / np.float64(self.scale))


def own_type(kind: str, column: str, extensions: Mapping[str, ColumnType]) -> ColumnType:
    """Type of a column that the settings want as it is.

    Raises
    ------
    DefinitionError
        When the kind has no such column, or it is protected, an identifier or a time.
    """
    found = KINDS[kind].get(column)
    if found is not None and found.protected:
        raise DefinitionError(f"own: {kind}.{column} is protected: it may be used to validate, never as a feature")
    chosen = found.type if found is not None else extensions.get(column)
    if chosen is None:
        known = ", ".join([*KINDS[kind], *extensions])
        raise DefinitionError(expected_got(f"a column of {kind} out of {known}", column, "own"))
    if chosen in (ColumnType.KEY, ColumnType.TIME) or column == "currency":
        raise DefinitionError(expected_got("a number, flag or category", f"{column} ({chosen.value})", "own"))
    return chosen
