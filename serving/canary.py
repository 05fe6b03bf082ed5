"""The canary: a small share of customers who are decided on by another bundle, always the same ones."""

from __future__ import annotations

import hmac

from domain.decision import Product
from domain.events import Event
from scoring.canary import CUSTOMER

_TOP = 2.0**64


def draw(key: bytes, bundle: str, who: str) -> float:
    """Where a customer falls for a bundle, evenly in [0, 1); nobody without the key can tell or choose it.

    Another bundle draws anew, so that it is not always the same people who try what is new.

    Examples
    --------
    >>> draw(bytes(32), "b1", "alice") == draw(bytes(32), "b1", "alice") != draw(bytes(32), "b2", "alice")
    True
    """
    return int.from_bytes(hmac.digest(key, f"{bundle}\0{who}".encode(), "sha256")[:8]) / _TOP


def customer_of(product: Product, event: Event) -> str | None:
    """Whose request it is: the customer, else the account or card; None when it names nobody."""
    for column in CUSTOMER[product]:
        value = event.body.get(column)
        if value is not None:
            return str(value)
    return None


class Lot:
    """Draws customers by a keyed hash.

    Parameters
    ----------
    share : of customers, 0 to 1.

    Examples
    --------
    >>> event = Event("transaction", "e1", 0, 0, {"customer_id": "alice"})
    >>> Lot(bytes(32), 1.0).falls_on(Product.PAYMENT, event, "b1"), Lot(bytes(32), 0.0).falls_on(
    ...     Product.PAYMENT, event, "b1")
    (True, False)
    """

    def __init__(self, key: bytes, share: float) -> None:
        self._key = key
        self._share = share

    def falls_on(self, product: Product, event: Event, bundle: str) -> bool:
        """Whether the canary's bundle decides; a request that names nobody stays with the champion."""
        who = customer_of(product, event)
        return who is not None and draw(self._key, bundle, who) < self._share
