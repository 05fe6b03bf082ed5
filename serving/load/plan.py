"""The plan of a load: which request is due when, fixed before the first is sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from domain.decision import Product
from domain.errors import InputError, expected_got

MAX_REQUESTS = 5_000_000
_KINDS = {"payments": Product.PAYMENT, "loans": Product.LOAN}


class Arrivals(StrEnum):
    """How requests follow each other: at random as callers do, or like a clock."""

    POISSON = "poisson"
    EVEN = "even"


@dataclass(frozen=True)
class Plan:
    """Seconds from the start, ascending, and the product that each request is about."""

    due: NDArray[np.float64]
    products: tuple[Product, ...]

    def __len__(self) -> int:
        return len(self.products)


def parse_mix(text: str) -> dict[Product, int]:
    """Shares of a mix such as ``payments:95,loans:5``.

    Raises
    ------
    InputError
        When a name is unknown or given twice, a share no whole number, or all are 0.

    Examples
    --------
    >>> parse_mix("payments:95,loans:5")
    {<Product.PAYMENT: 'payment'>: 95, <Product.LOAN: 'loan'>: 5}
    """
    shares: dict[Product, int] = {}
    for part in text.split(","):
        name, _, share = part.strip().partition(":")
        product = _KINDS.get(name)
        if product is None or product in shares or not share.isascii() or not share.isdigit():
            raise InputError(expected_got("shares such as payments:95,loans:5", text, "mix"))
        shares[product] = int(share)
    if not sum(shares.values()):
        raise InputError(expected_got("a share above 0", text, "mix"))
    return shares


def make_plan(
    rate: float, seconds: float, mix: dict[Product, int], seed: int, arrivals: Arrivals = Arrivals.POISSON
) -> Plan:
    """When each request is due, and what it is about.

    Parameters
    ----------
    rate : requests per second.

    Raises
    ------
    InputError
        When there would be none, or more than five million.

    Examples
    --------
    >>> plan = make_plan(4, 1, {Product.PAYMENT: 1}, 7, Arrivals.EVEN)
    >>> plan.due.tolist(), len(plan)
    ([0.0, 0.25, 0.5, 0.75], 4)
    """
    expected = rate * seconds
    if not 1 <= expected <= MAX_REQUESTS:
        raise InputError(expected_got(f"1 to {MAX_REQUESTS:,} requests", f"{expected:,.6g}", "rate × seconds"))
    rng = np.random.default_rng(seed)
    n = round(expected)
    # Of a Poisson process with a known number of arrivals, these are uniform.
    due = np.arange(n) / rate if arrivals is Arrivals.EVEN else np.sort(rng.uniform(0.0, seconds, n))
    names = list(mix)
    weights = np.array([mix[name] for name in names], dtype=float)
    drawn = rng.choice(len(names), n, p=weights / weights.sum())
    return Plan(due, tuple(names[place] for place in drawn))
