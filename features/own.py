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
    "transaction": ("amount", "channel", "auth_method", "mcc"),
    "application": (
        "amount", "term_months", "income_monthly", "debt_monthly", "employed_months", "n_dependants",
        "employment", "education", "housing", "product", "purpose", "channel",
    ),
}  # fmt: skip
"""Kind of subject → columns used as they are when the settings name none."""

OWNER = "risk analytics"


@dataclass(frozen=True)
class OwnNote:
    """Why a column is used as it is, the sign expected of it, and who answers for it."""

    rationale: str
    sign: int | None = None
    owner: str = OWNER


OWN_NOTES: Mapping[str, Mapping[str, OwnNote]] = {
    "transaction": {
        "amount": OwnNote("What is lost when the payment is fraud; thieves want more of it.", 1),
        "card_present": OwnNote("A card that touched the terminal is harder to steal than its number.", -1),
        "channel": OwnNote("Channels differ in who can reach them and how they authenticate."),
        "auth_method": OwnNote("What a thief would have needed besides the card or the password."),
        "mcc": OwnNote("Goods that turn into money are what stolen cards buy."),
        "country": OwnNote("Money that leaves the country is rarely recalled."),
    },
    "application": {
        "amount": OwnNote("What has to be repaid.", 1),
        "term_months": OwnNote("A longer term leaves more time for things to go wrong.", 1),
        "income_monthly": OwnNote("What repayment comes from.", -1),
        "debt_monthly": OwnNote("What others take first.", 1),
        "employed_months": OwnNote("A long employment is rarely lost.", -1),
        "n_dependants": OwnNote("Each dependant needs a part of the income.", 1),
        "employment": OwnNote("How sure the income is."),
        "education": OwnNote("How easily lost income is replaced."),
        "housing": OwnNote("Rent is paid before a loan is."),
        "product": OwnNote("Products differ in who takes them and on what terms."),
        "purpose": OwnNote("What the money is for tells need from plan."),
        "channel": OwnNote("Channels differ in whom they bring."),
    },
}
"""Kind of subject → column → what the catalogue says of it."""

PROXY_COLUMNS: Mapping[str, str] = {
    "age_years": "age: it is the attribute itself",
    "education": "social origin, and age: years of schooling differ between generations",
    "employment": "age: pensioners and students are told by it",
    "employed_months": "age: the young cannot have been employed for long",
    "housing": "age and marital status: the young rent or live with their family",
    "n_dependants": "marital status and sex",
    "region": "origin: where somebody lives may stand for descent",
    "latitude": "origin: where somebody lives may stand for descent",
    "longitude": "origin: where somebody lives may stand for descent",
    "country": "origin: payments home tell where somebody comes from",
}
"""Column → the protected attribute it may stand for, and why; whatever reads the column inherits it."""


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
        return self.of(self.encoding.one(event))

    def of(self, word: int) -> float:
        """The value that its encoded column stands for."""
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
