"""Working days: the calendar by which filing clocks run, with its holidays and the weekends worked instead."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Self

from pydantic import model_validator

from domain.bilingual import Sourced
from domain.errors import DataError, expected_got
from domain.settings import Settings

_DAY = timedelta(days=1)


class WorkingDays(Settings):
    """A calendar that answers for the days from ``first`` to ``last`` and for no others.

    Parameters
    ----------
    weekend : ISO weekdays that are free, 6 and 7 in most countries.
    holidays : free days besides. worked : days of the weekend on which work is made up.
    source : who published them.

    Examples
    --------
    >>> days = WorkingDays(first="2026-01-01", last="2026-01-31", weekend=[6, 7], holidays=["2026-01-01", "2026-01-02"],
    ...                    worked=["2026-01-04"], source="an example")
    >>> days.works(date(2026, 1, 4)), str(days.after(date(2025, 12, 31), 2))
    (True, '2026-01-05')
    """

    first: date
    last: date
    weekend: tuple[int, ...]
    holidays: tuple[date, ...] = ()
    worked: tuple[date, ...] = ()
    source: Sourced

    @model_validator(mode="after")
    def _is_a_calendar(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"expected first before last, got {self.first} and {self.last}")
        if not all(1 <= day <= 7 for day in self.weekend) or len(set(self.weekend)) > 6:
            raise ValueError(f"expected ISO weekdays 1 to 7, not all of them, got {self.weekend}")
        outside = [day for day in (*self.holidays, *self.worked) if not self.first <= day <= self.last]
        if outside:
            raise ValueError(f"expected days from {self.first} to {self.last}, got {outside[0]}")
        both = sorted(set(self.holidays) & set(self.worked))
        if both:
            raise ValueError(f"expected a day to be free or worked, got both for {both[0]}")
        idle = [day for day in self.worked if day.isoweekday() not in self.weekend]
        if idle:
            raise ValueError(f"expected worked days to be of the weekend, got {idle[0]}")
        return self

    def works(self, day: date) -> bool:
        """Whether work is done on a day.

        Raises
        ------
        DataError
            When the calendar does not reach it: no one knows its holidays.
        """
        if not self.first <= day <= self.last:
            raise DataError(expected_got(f"a day from {self.first} to {self.last}", str(day), "working days"))
        return day in self.worked or (day.isoweekday() not in self.weekend and day not in self.holidays)

    def after(self, day: date, n: int) -> date:
        """The n-th working day after a day, which does not count itself.

        Raises
        ------
        DataError
            When the calendar ends before.
        """
        found = 0
        while found < n:
            day += _DAY
            found += self.works(day)
        return day
