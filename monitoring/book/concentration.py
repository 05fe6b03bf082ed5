"""Concentration of what is owed: Herfindahl index and largest shares, exact since the whole book is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from monitoring.book.losses import Exposures
from monitoring.book.tape import Tape

DIMENSIONS = ("region", "product", "term", "borrower")
TOP = 10

UNNAMED = ""
"""Stands for a loan that does not say."""


@dataclass(frozen=True, slots=True)
class Part:
    """One region, product, term or borrower (a token); balance in minor units."""

    name: str
    n: int
    balance: float
    share: float


@dataclass(frozen=True, slots=True)
class Concentration:
    """How what is owed lies in one dimension.

    Parameters
    ----------
    index : Herfindahl index, the sum of squared shares; 1 where all lies in one part. n_parts : parts that owe.
    parts : the largest, at most ten.
    """

    dimension: str
    index: float
    n_parts: int
    parts: tuple[Part, ...]

    @property
    def equal_parts(self) -> float:
        """As many parts of one size would give the same index."""
        return 1 / self.index


def concentration(dimension: str, names: Sequence[Any], balance: Sequence[float]) -> Concentration | None:
    """Index and largest parts; None where nothing is owed.

    Examples
    --------
    >>> found = concentration("region", ["a", "b", "a"], [30.0, 50.0, 20.0])
    >>> found.index, found.parts[0].share, found.n_parts
    (0.5, 0.5, 2)
    """
    frame = pd.DataFrame({"name": pd.Series(list(names), dtype=object), "balance": np.asarray(balance, np.float64)})
    frame["name"] = frame["name"].fillna(UNNAMED)
    total = float(frame["balance"].sum())
    if total <= 0:
        return None
    sums = frame.groupby("name")["balance"].agg(["sum", "size"]).sort_values("sum", ascending=False, kind="stable")
    shares = sums["sum"].to_numpy() / total
    largest = [
        Part(str(name), int(size), float(amount), float(amount) / total)
        for name, amount, size in sums.head(TOP).itertuples(name=None)
    ]
    return Concentration(dimension, float(np.square(shares).sum()), len(sums), tuple(largest))


def concentrations(tape: Tape, owed: Exposures) -> tuple[Concentration, ...]:
    """By region, product, term and borrower, as far as anything is owed."""
    loan = tape.loan.iloc[owed.row]
    columns = {"region": "region", "product": "product", "term": "term", "borrower": "borrower_id"}
    found = (concentration(each, loan[columns[each]].tolist(), owed.balance.tolist()) for each in DIMENSIONS)
    return tuple(each for each in found if each is not None)
