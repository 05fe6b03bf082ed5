"""Requests that look like a payment flow's: returning customers, busy merchants, amounts of every size."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from domain.decision import Product
from domain.time import Clock, format_instant
from serving.load.wire import post

PATHS = {Product.PAYMENT: "/v1/payments/score", Product.LOAN: "/v1/loans/score"}
_N_CUSTOMERS, _N_MERCHANTS = 50_000, 2_000
_METHODS = ("otp", "password", "none", "fingerprint", "face")
_MCC = ("5411", "5812", "4829", "6011", "5732", "7995")


class Traffic:
    """Make one request after the other; identifiers are made up and begin with ``load-``.

    Parameters
    ----------
    run : tells the event ids of this run from those of another.
    clock : requests happen now (µs UTC).

    Examples
    --------
    >>> traffic = Traffic("a1", 7, lambda: 0)
    >>> body = msgspec.json.decode(traffic.body(Product.PAYMENT))
    >>> body["event_id"], body["currency"]
    ('load-a1-1', 'CNY')
    """

    def __init__(self, run: str, seed: int, clock: Clock) -> None:
        self._run = run
        self._rng = np.random.default_rng(seed)
        self._clock = clock
        self.n_made = 0

    @property
    def last_id(self) -> str:
        """Event id of the request made last; it serves as its idempotency key as well."""
        return f"load-{self._run}-{self.n_made}"

    def body(self, product: Product) -> bytes:
        """A request about a product, as JSON."""
        self.n_made += 1
        made = self._payment() if product is Product.PAYMENT else self._application()
        return msgspec.json.encode({"event_id": self.last_id, "event_time": format_instant(self._clock()), **made})

    def request(self, product: Product, host: str, key: str, deadline_ms: int | None = None) -> bytes:
        """The whole request, under an idempotency key of its own."""
        body = self.body(product)
        if deadline_ms is not None:
            body = body[:-1] + b',"deadline_ms":%d}' % deadline_ms
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": self.last_id}
        return post(host, PATHS[product], headers, body)

    def _payment(self) -> dict[str, Any]:
        rng = self._rng
        # The busiest pays a thousandth of all: more would look like an attack to the rules.
        person = int(_N_CUSTOMERS * rng.random() ** 1.5)
        shop = int(rng.zipf(1.4)) % _N_MERCHANTS
        device = person if rng.random() < 0.9 else int(rng.integers(_N_CUSTOMERS))
        return {
            "customer_id": f"load-c{person}",
            "card_id": f"load-k{person}",
            "account_id": f"load-a{person % 9_973}",
            "device_id": f"load-d{device}",
            "ip_id": f"load-i{person % 4_001}",
            "payee_id": f"load-p{int(rng.integers(5_000))}",
            "merchant_id": f"load-m{shop}",
            "terminal_id": f"load-t{2 * shop + person % 2}",
            "amount": int(rng.lognormal(8.5, 1.2)) + 1,
            "currency": "CNY",
            "channel": ("mobile", "bank_card", "third_party_wallet")[person % 3],
            "auth_method": _METHODS[int(rng.integers(len(_METHODS)))],
            "mcc": _MCC[shop % len(_MCC)],
            "country": "CN" if shop % 10 else "HK",
            "card_present": bool(person % 2),
        }

    def _application(self) -> dict[str, Any]:
        rng = self._rng
        return {
            "borrower_id": f"load-b{int(rng.integers(_N_CUSTOMERS))}",
            "amount": int(rng.integers(100_000, 5_000_000)),
            "currency": "CNY",
            "term_months": (6, 12, 24, 36)[int(rng.integers(4))],
            "income_monthly": int(rng.integers(300_000, 3_000_000)),
            "employment": ("salaried", "self_employed")[int(rng.integers(2))],
            "channel": "mobile",
            "purpose": ("car", "home", "study")[int(rng.integers(3))],
        }
