"""Who is decided on by a canary, as those who decide and those who look back must agree on it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.decision import Product

CANARY: Final = "canary"
"""Flag of a decision that the canary's bundle made."""

CUSTOMER: Final[Mapping[Product, tuple[str, ...]]] = MappingProxyType(
    {Product.PAYMENT: ("customer_id", "account_id", "card_id"), Product.LOAN: ("borrower_id",)}
)
"""Product → columns that name whose request it is; the first that is there counts."""
