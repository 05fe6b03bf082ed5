"""Business days: when they begin, and how people spread over their hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from data.simulator.rows import Array, pick
from data.simulator.settings import SimulationSettings
from domain.time import DAY, HOUR, parse_instant

_WORKDAY = (1, 0.6, 0.4, 0.3, 0.3, 0.7, 2, 4, 5, 5, 5.5, 7, 8.5, 7, 5.5, 5, 5.5, 7, 9, 10, 9.5, 7.5, 4.5, 2.2)
_DAY_OFF = (1.6, 1, 0.6, 0.4, 0.3, 0.4, 1, 2, 3.5, 5.5, 7, 8, 8.5, 8, 8, 8, 8, 8, 8.5, 9.5, 9.5, 8, 5.5, 3)
_CROOK = (5, 5.5, 5, 4.5, 3.5, 2.5, 2, 2, 2.5, 3, 4, 4.5, 5, 5, 4.5, 4.5, 4.5, 4.5, 5, 5.5, 6, 6, 6, 5.5)
_SATURDAY = 5


@dataclass(frozen=True)
class Calendar:
    """Local days of the payment window.

    ``midnights`` holds the start of each day in µs UTC and, last, the end of the window.
    """

    midnights: Array
    weekday: Array
    day_of_month: Array

    @classmethod
    def of(cls, settings: SimulationSettings) -> Calendar:
        """The days of a simulation."""
        first = date.fromisoformat(settings.start)
        days = [first + timedelta(days=n) for n in range(settings.payment_days + 1)]
        return cls(
            np.array([parse_instant(day.isoformat(), settings.time_zone) for day in days], dtype=np.int64),
            np.array([day.weekday() for day in days[:-1]]),
            np.array([day.day for day in days[:-1]]),
        )

    @property
    def start(self) -> int:
        """First instant of the window, µs UTC."""
        return int(self.midnights[0])

    @property
    def end(self) -> int:
        """First instant after the window, µs UTC."""
        return int(self.midnights[-1])

    @property
    def n_days(self) -> int:
        """Days in the window."""
        return len(self.weekday)

    def day_off(self, day: Array) -> Array:
        """Whether each day is a Saturday or Sunday."""
        weekend: Array = self.weekday[day] >= _SATURDAY
        return weekend

    def at(self, day: Array | int, hour: Array | float) -> Array:
        """Instant of an hour of a day; hours may run past midnight."""
        instants: Array = self.midnights[day] + (np.asarray(hour) * HOUR).astype(np.int64)
        return instants

    def day_of(self, time: Array | int) -> Array:
        """Day number of each instant, within the window."""
        found = np.searchsorted(self.midnights, time, side="right") - 1
        clipped: Array = np.clip(found, 0, self.n_days - 1)
        return clipped

    def hours(self, random: np.random.Generator, day: Array, shift: Array) -> Array:
        """An hour for each payment of honest people, ``shift`` hours from the usual rhythm, kept within the day."""
        off = self.day_off(day)
        hour = np.empty(len(day))
        for rhythm, mask in ((_DAY_OFF, off), (_WORKDAY, ~off)):
            hour[mask] = pick(random, rhythm, int(mask.sum()))
        return (hour + random.random(len(day)) + shift) % 24.0

    def crook_instants(self, random: np.random.Generator, n: int) -> list[int]:
        """Instants at which ``n`` frauds begin: spread over the window, later in the day than honest people mostly.

        One falls into each ``n``-th of the window, so that a small world has no month without fraud.
        """
        share = (np.arange(n) + random.random(n)) / n
        day = (share * (self.n_days - 1)).astype(np.int64)  # none on the last day: it would be told only in part
        instants: list[int] = self.at(day, pick(random, _CROOK, n) + random.random(n)).tolist()
        return instants


def days(count: float) -> int:
    """Microseconds of a number of days, fractions too.

    Examples
    --------
    >>> days(0.5) == 12 * HOUR
    True
    """
    return int(count * DAY)
