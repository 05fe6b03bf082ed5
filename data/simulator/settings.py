"""Settings of a simulated world."""

from __future__ import annotations

import zlib
from datetime import date
from typing import Self

import numpy as np
from pydantic import Field, field_validator

from domain.errors import expected_got
from domain.settings import Settings
from domain.time import DAY, Duration


class SimulationSettings(Settings):
    """How large a world, how long, and how untidy.

    Payments run for ``payment_days`` from ``start``; loans for the ``loan_months`` that end on the same day.
    ``fraud_intensity`` multiplies the number of fraud incidents; the default gives about 0.7 % of payments.
    ``missed_share`` of fraud incidents are never reported; ``mistaken_share`` of the known outcomes are at first
    the wrong way round. ``late_share`` of the events arrive up to ``max_lateness`` late and ``duplicate_share``
    arrive twice. ``plants`` are troubles from a day on, such as ``fraud_wave@2026-04-10`` (`data.simulator.plants`).

    Examples
    --------
    >>> SimulationSettings().n_customers, SimulationSettings.quick(seed=3).n_customers
    (4000, 800)
    """

    seed: int = Field(default=7, ge=0)
    start: str = "2026-01-01"
    time_zone: str = "Asia/Shanghai"
    payment_days: int = Field(default=120, ge=14, le=730)
    n_customers: int = Field(default=4000, ge=100, le=200_000)
    loan_months: int = Field(default=36, ge=14, le=120)
    n_borrowers: int = Field(default=4000, ge=100, le=200_000)
    fraud_intensity: float = Field(default=1.0, ge=0.1, le=3.0)
    missed_share: float = Field(default=0.06, ge=0.0, le=0.5)
    mistaken_share: float = Field(default=0.03, ge=0.0, le=0.2)
    late_share: float = Field(default=0.02, ge=0.0, le=0.5)
    max_lateness: Duration = 2 * DAY
    duplicate_share: float = Field(default=0.005, ge=0.0, le=0.2)
    plants: tuple[str, ...] = ()

    @field_validator("start")
    @classmethod
    def _iso_day(cls, value: str) -> str:
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValueError(expected_got("an ISO day such as 2026-01-01", value, "start")) from None
        return value

    @classmethod
    def quick(cls, seed: int = 7) -> Self:
        """A small world for tests and first looks: seconds, not half a minute."""
        return cls(seed=seed, payment_days=60, n_customers=800, loan_months=24, n_borrowers=600)

    def random(self, station: str) -> np.random.Generator:
        """The generator of one station; stations do not share a stream, so a change in one leaves the others alone."""
        entropy = np.random.SeedSequence([self.seed, zlib.crc32(station.encode())])
        return np.random.Generator(np.random.PCG64(entropy))
