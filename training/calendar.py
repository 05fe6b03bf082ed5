"""Business days of instants, vectorised."""

from __future__ import annotations

import numpy as np
import pandas as pd

from domain.time import DAY, to_micros


def day_numbers(times: np.ndarray, zone: str) -> np.ndarray:
    """Local calendar days, int64[n], as days since 1970-01-01.

    Examples
    --------
    >>> from domain.time import HOUR
    >>> day_numbers(np.array([15 * HOUR, 16 * HOUR]), "Asia/Shanghai").tolist()
    [0, 1]
    """
    local = pd.DatetimeIndex(pd.to_datetime(times, unit="us", utc=True)).tz_convert(zone).tz_localize(None)
    return np.asarray(local.as_unit("us").asi8 // DAY, dtype=np.int64)


def start_of_day(time: int, zone: str) -> int:
    """The instant, µs UTC, at which the local day of ``time`` began.

    Examples
    --------
    >>> from domain.time import HOUR, format_instant
    >>> format_instant(start_of_day(20 * HOUR, "Asia/Shanghai"))
    '1970-01-01T16:00:00Z'
    """
    local = pd.Timestamp(time, unit="us", tz="UTC").tz_convert(zone).normalize()
    return to_micros(local.to_pydatetime())
