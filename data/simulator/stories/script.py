"""What a story writes down while it is told."""

from __future__ import annotations

import numpy as np

from data.simulator.calendar import days
from data.simulator.rows import AUTHENTICATION, CHANGE, NONE, PAYMENT, Rows
from data.simulator.world import World
from domain.events import AUTH_METHODS, KINDS
from domain.time import MINUTE

STORIES = ("genuine", "stolen_card", "account_takeover", "push_payment_scam", "mule", "merchant_collusion")
STOLEN_CARD, ACCOUNT_TAKEOVER, PUSH_PAYMENT_SCAM, MULE, MERCHANT_COLLUSION = range(1, len(STORIES))

RESULTS = KINDS["authentication"]["result"].values
PURPOSES = KINDS["authentication"]["purpose"].values
CHANGES = KINDS["profile_change"]["changed"].values

_MONTH_OF_A_THOUSAND = 1000 * 30  # customer-days


class Script:
    """The payments, authentications and profile changes of all stories, told one after another."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.payments: list[dict[str, object]] = []
        self.authentications: list[dict[str, object]] = []
        self.changes: list[dict[str, object]] = []
        self.n_incidents = 0

    def incidents(self, monthly: float) -> int:
        """Number of incidents in this world at a rate per thousand customers and month; at least one."""
        settings = self.world.settings
        size = settings.n_customers * settings.payment_days / _MONTH_OF_A_THOUSAND
        return max(1, round(monthly * size * settings.fraud_intensity))

    def incident(self) -> int:
        """Number of a new incident."""
        self.n_incidents += 1
        return self.n_incidents - 1

    def pay(self, **columns: object) -> None:
        """Write down a payment."""
        self.payments.append(columns)

    def log_in(
        self, time: int, customer: int, device: int, ip: int, channel: int, *, failures: int, method: str
    ) -> None:
        """A login that passes after some failures."""
        for attempt in range(failures + 1):
            self.authentications.append(
                {
                    "time": time - (failures - attempt + 1) * MINUTE,
                    "customer": customer,
                    "account": int(self.world.people.account[customer]),
                    "device": device,
                    "ip": ip,
                    "channel": channel,
                    "method": AUTH_METHODS.index(method),
                    "result": RESULTS.index("passed" if attempt == failures else "failed"),
                    "purpose": PURPOSES.index("login"),
                }
            )

    def change(self, time: int, customer: int, changed: str, device: int, ip: int, payee: int = NONE) -> None:
        """A change of a customer's profile."""
        self.changes.append(
            {
                "time": time,
                "customer": customer,
                "account": int(self.world.people.account[customer]),
                "device": device,
                "ip": ip,
                "changed": CHANGES.index(changed),
                "payee": payee,
            }
        )

    def told(self) -> tuple[Rows, Rows, Rows]:
        """Payments, authentications and changes within the window."""
        calendar = self.world.calendar
        parts = (
            Rows.listed(PAYMENT, self.payments),
            Rows.listed(AUTHENTICATION, self.authentications),
            Rows.listed(CHANGE, self.changes),
        )
        first, second, third = (
            rows.take((rows["time"] >= calendar.start) & (rows["time"] < calendar.end)) for rows in parts
        )
        return first, second, third


def steps(random: np.random.Generator, n: int, scale: float) -> list[int]:
    """Instants of ``n`` steps after the first, with exponential gaps of ``scale`` µs."""
    gaps = random.exponential(scale, n)
    gaps[:1] = 0
    return [int(gap) for gap in np.cumsum(gaps)]


def within_days(random: np.random.Generator, low: float, high: float) -> int:
    """A uniform number of days, in µs."""
    return days(float(random.uniform(low, high)))
