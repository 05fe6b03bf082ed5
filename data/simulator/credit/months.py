"""Local days and calendar months of the loan window and the year before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from data.simulator.rows import Array
from data.simulator.settings import SimulationSettings
from domain.time import HOUR, parse_instant

HISTORY = 12
"""Months of bureau history before the first application."""

# Dates are moved by these, never by bare numbers: NumPy 2.5 warns that it will refuse those.
MONTH = np.timedelta64(1, "M")
DATE = np.timedelta64(1, "D")

_LAST_DUE_DAY = 28


@dataclass(frozen=True)
class Months:
    """Months are counted from 0, the first of the history; days are NumPy dates of the business time zone."""

    first: np.datetime64  # month
    n: int
    end: int
    midnights: Array
    first_day: np.datetime64

    @classmethod
    def of(cls, settings: SimulationSettings) -> Months:
        """Months up to the end of the payment window.

        Examples
        --------
        >>> months = Months.of(SimulationSettings())
        >>> months.n, str(months.first)
        (48, '2022-05')
        """
        last = date.fromisoformat(settings.start) + timedelta(days=settings.payment_days)
        n = settings.loan_months + HISTORY
        first = np.datetime64(last - timedelta(days=1), "M") - (n - 1) * MONTH
        first_day = first.astype("datetime64[D]")
        n_days = int((np.datetime64(last, "D") - first_day).astype(int)) + 130
        begin: date = first_day.item()
        midnights = [
            parse_instant((begin + timedelta(days=day)).isoformat(), settings.time_zone) for day in range(n_days)
        ]
        end = parse_instant(last.isoformat(), settings.time_zone)
        return cls(first, n, end, np.array(midnights, dtype=np.int64), first_day)

    def day(self, month: Array | int, day_of_month: Array) -> Array:
        """Date of a day (1 to 28) in a month."""
        offset = np.minimum(day_of_month, _LAST_DUE_DAY) - 1
        day: Array = self._begins(month) + offset * DATE
        return day

    def at(self, day: Array, hour: Array | float) -> Array:
        """Instant of an hour of a date, µs UTC; dates far past the end are given one past the end."""
        index = np.clip((day - self.first_day).astype(np.int64), 0, len(self.midnights) - 1)
        instants: Array = self.midnights[index] + (np.asarray(hour) * HOUR).astype(np.int64)
        return instants

    def month_length(self, month: Array | int) -> Array:
        """Days in each month."""
        length: Array = (self._begins(month + 1) - self._begins(month)).astype(np.int64)
        return length

    def _begins(self, month: Array | int) -> Array:
        first: Array = (self.first + month * MONTH).astype("datetime64[D]")
        return first
