"""Instants as local days and calendar months, many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from domain.time import DAY, business_day
from features.zone import Zone

Days = npt.NDArray[np.int64]
"""Days since 1970-01-01, in the business time zone."""

_EPOCH_YEAR = 1970


def local_days(times: npt.NDArray[np.int64], zone: str) -> Days:
    """The local day of each instant.

    Examples
    --------
    >>> local_days(np.array([15 * 3_600_000_000, 16 * 3_600_000_000]), "Asia/Shanghai").tolist()
    [0, 1]
    """
    clock = Zone(zone)
    times = np.asarray(times, dtype=np.int64)
    offset = clock.offset[np.searchsorted(clock.at, times, side="right") - 1]
    return (times + offset) // DAY


def local_day(time: int, zone: str) -> int:
    """The local day of one instant.

    Examples
    --------
    >>> local_day(17 * 3_600_000_000, "Asia/Shanghai")
    1
    """
    return int(np.datetime64(business_day(time, zone), "D").astype(np.int64))


def months(days: Days) -> Days:
    """Calendar months since January 1970 of local days.

    Examples
    --------
    >>> months(np.array([0, 30, 31])).tolist()
    [0, 0, 1]
    """
    return np.asarray(days, dtype=np.int64).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_day(month: Any) -> Any:
    """The first local day of calendar months; one of many.

    Examples
    --------
    >>> int(first_day(1)), first_day(np.array([0, 2])).tolist()
    (31, [0, 59])
    """
    return np.asarray(month, dtype=np.int64).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def month_name(month: int) -> str:
    """A calendar month as people write it.

    Examples
    --------
    >>> month_name(0), month_name(675)
    ('1970-01', '2026-04')
    """
    return f"{_EPOCH_YEAR + month // 12}-{month % 12 + 1:02d}"


def day_name(day: int) -> str:
    """A local day as ISO 8601.

    Examples
    --------
    >>> day_name(31)
    '1970-02-01'
    """
    return str(np.int64(day).astype("datetime64[D]"))
