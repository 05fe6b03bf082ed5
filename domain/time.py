"""Time is an int64 count of microseconds since 1970-01-01 UTC; a duration is microseconds too."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, PlainSerializer

from domain.errors import InputError, expected_got

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

Clock = Callable[[], int]
"""Gives now in µs UTC; passed as an argument wherever time matters."""

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_DURATION = re.compile(r"([0-9]{1,12})([smhdw])")
_LONGEST = 400 * 366 * DAY
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

EARLIEST = -(2**31) * SECOND
LATEST = 2**32 * SECOND
"""Event times outside 1901…2106 are refused: they are unit errors, not history."""


def parse_duration(text: str) -> int:
    """Microseconds of a duration such as ``15m``, ``24h``, ``7d``.

    Raises
    ------
    InputError
        When the text is not a whole number followed by one of s, m, h, d, w, or is longer than 400 years.

    Examples
    --------
    >>> parse_duration("90m") == 90 * MINUTE
    True
    """
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    micros = -1 if match is None else int(match[1]) * _UNITS[match[2]]
    if not 0 <= micros <= _LONGEST:
        raise InputError(expected_got("a duration such as 30s, 15m, 24h, 7d", text, "duration"))
    return micros


def format_duration(micros: int) -> str:
    """The shortest exact text of a duration in the units of the window names.

    Weeks are written as days and a day as ``1d``: ``24h`` and ``1d`` are one window with one name.

    Examples
    --------
    >>> format_duration(7 * DAY), format_duration(90 * MINUTE)
    ('7d', '90m')
    """
    for unit in ("d", "h", "m", "s"):
        if micros % _UNITS[unit] == 0:
            return f"{micros // _UNITS[unit]}{unit}"
    raise InputError(expected_got("a duration of whole seconds", micros, "duration"))


def _as_duration(value: object) -> int:
    # Integers pass so that a settings object can be validated again from its own dump; whole seconds only, so
    # that a forgotten unit (`maturity: 7`) is an error and not seven microseconds.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LONGEST and value % SECOND == 0:
        return value
    try:
        return parse_duration(value)  # type: ignore[arg-type]  # refuses non-text itself
    except InputError as error:
        raise ValueError(str(error)) from error


Duration = Annotated[int, BeforeValidator(_as_duration), PlainSerializer(format_duration, when_used="json")]
"""A pydantic field that reads ``7d`` and holds microseconds."""


def to_micros(moment: datetime) -> int:
    """Microseconds of an aware datetime, exactly (no float in between).

    Raises
    ------
    InputError
        When the datetime is naive: a zone must be declared, never guessed.

    Examples
    --------
    >>> to_micros(datetime(1970, 1, 2, tzinfo=UTC)) == DAY
    True
    """
    if moment.tzinfo is None:
        raise InputError(expected_got("a datetime with a time zone", moment.isoformat(), "time"))
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime of a count of microseconds.

    Examples
    --------
    >>> from_micros(DAY).isoformat()
    '1970-01-02T00:00:00+00:00'
    """
    return _EPOCH + timedelta(microseconds=micros)


def parse_instant(text: str, zone: str | None = None) -> int:
    """Microseconds of an ISO 8601 instant; ``zone`` is used where the text has none.

    Raises
    ------
    InputError
        When the text is no ISO 8601 date or time, or has no zone and none was declared.

    Examples
    --------
    >>> parse_instant("2018-04-01T00:00:00Z") == parse_instant("2018-04-01", "UTC")
    True
    """
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise InputError(expected_got("an ISO 8601 time such as 2026-03-01T08:00:00+08:00", text, "time")) from error
    if moment.tzinfo is None and zone is not None:
        moment = moment.replace(tzinfo=zone_of(zone))
    return to_micros(moment)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises
    ------
    InputError
        When the machine knows no such zone.

    Examples
    --------
    >>> zone_of("Asia/Shanghai").key
    'Asia/Shanghai'
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError) as error:
        raise InputError(expected_got("an IANA time zone such as Asia/Shanghai or UTC", name, "time zone")) from error


def format_instant(micros: int) -> str:
    """ISO 8601 text in UTC, with microseconds only where there are some.

    Examples
    --------
    >>> format_instant(1)
    '1970-01-01T00:00:00.000001Z'
    """
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def business_day(micros: int, zone: str) -> date:
    """The local calendar day of an instant in the configured business time zone.

    Examples
    --------
    >>> business_day(17 * HOUR, "Asia/Shanghai").isoformat()
    '1970-01-02'
    """
    return from_micros(micros).astimezone(zone_of(zone)).date()


def system_clock() -> int:
    """Now, in µs UTC: the one clock of production; tests pass their own.

    Examples
    --------
    >>> system_clock() > 0
    True
    """
    return to_micros(datetime.now(tz=UTC))
