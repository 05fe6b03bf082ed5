"""Trouble at the service desk: more complaints in a day than it can answer."""

from __future__ import annotations

from data.simulator.plants.ground import Ground
from domain.time import DAY, HOUR

N_COMPLAINTS = 40


def complaint_burst(ground: Ground, at: int) -> None:
    """Forty customers complain of the service on one day; who answers them late is the desk's affair."""
    customers = ground.drawn(ground.payments(at - 28 * DAY, at), N_COMPLAINTS)
    ground.complain(
        {
            "event_time": at + 9 * HOUR + int(ground.random.random() * 8 * HOUR),
            "customer_id": customer["customer_id"], "complaint_class": "service", "channel": "mobile",
        }
        for customer in customers
    )  # fmt: skip
