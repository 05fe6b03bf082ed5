"""Periods as a reader counts them: whole days of the business zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.errors import InputError
from domain.time import parse_instant, zone_of
from training.calendar import start_of_day


def business_days(period: str, zone: str) -> str:
    """First and last day of a period that manifests write as two instants, the end not included.

    A period that does not begin and end with a day, or is written in another way, is given back as it is.

    Examples
    --------
    >>> business_days("2026-01-03T16:00:00Z…2026-01-20T16:00:00Z", "Asia/Shanghai")
    '2026-01-04 – 2026-01-20 (Asia/Shanghai)'
    >>> business_days("2026-01-03T16:00:00Z…2026-01-20T16:00:00Z", "UTC")
    '2026-01-03T16:00:00Z…2026-01-20T16:00:00Z'
    """
    try:
        start, end = map(parse_instant, period.split("…"))
    except (InputError, ValueError):
        return period
    if any(start_of_day(time, zone) != time for time in (start, end)) or end <= start:
        return period
    first, last = (_day(time, zone) for time in (start, end - 1))
    return f"{first} – {last} ({zone})"


def _day(time: int, zone: str) -> str:

    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    return moment.astimezone(zone_of(zone)).date().isoformat()
