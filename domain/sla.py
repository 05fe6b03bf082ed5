"""Promised times: how long a step may take, counted always or only in business hours.

A promise is kept up to and at the instant it is due; it is broken by the first microsecond after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from pydantic import Field, field_validator, model_validator

from domain.bilingual import Sourced, in_english
from domain.errors import DefinitionError, InputError, expected_got
from domain.settings import Settings
from domain.time import Duration, business_day, to_micros, zone_of


class Weekday(StrEnum):
    """Days as settings name them."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


_DAYS = tuple(Weekday)


class BusinessHours(Settings):
    """When people are at their desks, in one time zone.

    Parameters
    ----------
    opens, closes : wall-clock times of a working day, the second after the first.
    holidays : dates on which nobody works. working_days : dates off the pattern on which they do (调休).

    Examples
    --------
    >>> hours = BusinessHours(time_zone="Asia/Shanghai", days=("mon",), opens="09:00", closes="18:00")
    >>> from domain.time import HOUR, format_instant, parse_instant
    >>> format_instant(hours.due(parse_instant("2026-03-02T17:00:00+08:00"), 2 * HOUR))
    '2026-03-09T02:00:00Z'
    """

    time_zone: str
    days: tuple[Weekday, ...] = Field(min_length=1)
    opens: time
    closes: time
    holidays: tuple[date, ...] = ()
    working_days: tuple[date, ...] = ()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            zone_of(name)
        except InputError as error:
            raise ValueError(str(error)) from error
        return name

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if not self.opens < self.closes:
            raise ValueError(f"expected closes after opens, got {self.opens} to {self.closes}")
        return self

    def works_on(self, day: date) -> bool:
        """Whether a local date is a working day."""
        if day in self.working_days:
            return True
        return day not in self.holidays and _DAYS[day.weekday()] in self.days

    def due(self, start: int, allowed: int) -> int:
        """The instant (µs UTC) at which ``allowed`` µs of open time have passed since ``start``."""
        left = allowed
        for opens, closes in self._open_from(start):
            begin = max(start, opens)
            if begin >= closes:
                continue
            if left <= closes - begin:
                return begin + left
            left -= closes - begin
        raise InputError(expected_got("a promise that ends within ten years", allowed, "business hours"))

    def passed(self, start: int, end: int) -> int:
        """Open time (µs) between two instants; 0 when they are the wrong way round."""
        total = 0
        for opens, closes in self._open_from(start):
            if opens >= end:
                break
            total += max(0, min(end, closes) - max(start, opens))
        return total

    def _open_from(self, start: int) -> Iterator[tuple[int, int]]:
        zone = zone_of(self.time_zone)
        first = business_day(start, self.time_zone)
        for n_days in range(3660):
            day = first + timedelta(days=n_days)
            if self.works_on(day):
                opens, closes = (to_micros(datetime.combine(day, at, zone)) for at in (self.opens, self.closes))
                yield opens, closes


class Promise(Settings):
    """How long something may take.

    Parameters
    ----------
    within : the time allowed. business : counted in business hours only; around the clock otherwise.
    source : who set it: a norm, a handbook, a person.
    """

    within: Duration
    business: bool = False
    source: Sourced

    def due(self, start: int, hours: BusinessHours | None) -> int:
        """The last instant (µs UTC) at which the promise is kept.

        Raises
        ------
        DefinitionError
            When it counts business hours and none are declared.
        """
        if not self.business:
            return start + self.within
        if hours is None:
            said = in_english(self.source)
            raise DefinitionError(f"promise of {said}: expected business_hours beside it, found none")
        return hours.due(start, self.within)


Promises = Mapping[str, Promise]
"""Name of a clock → its promise."""


def due_times(promises: Promises, start: int, hours: BusinessHours | None) -> Mapping[str, int]:
    """When each of some promises given at ``start`` falls due, µs UTC."""
    return MappingProxyType({name: promise.due(start, hours) for name, promise in promises.items()})
