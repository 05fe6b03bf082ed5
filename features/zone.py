"""A time zone as a table of transitions, so that compiled code can read local clocks."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from domain.errors import DefinitionError, expected_got
from domain.time import DAY, EARLIEST, HOUR, LATEST, SECOND, from_micros

NIGHT_ENDS = 6
"""Night is from local midnight to six."""

SECONDS_A_DAY = DAY // SECOND


class Zone:
    """Local clock of a named zone.

    Parameters
    ----------
    name : an IANA name such as Asia/Shanghai.

    Raises
    ------
    DefinitionError
        When the zone is unknown.

    Examples
    --------
    >>> Zone("Asia/Shanghai").hour(17 * HOUR)
    1
    """

    def __init__(self, name: str) -> None:
        self.name = name
        at, offset = _transitions(name)
        self._at, self._offset = list(at), list(offset)
        self.at = np.array(at, dtype=np.int64)
        self.offset = np.array(offset, dtype=np.int64)

    def second(self, time: int) -> int:
        """Local second of the day of one instant."""
        return (time + self._offset[bisect_right(self._at, time) - 1]) % DAY // SECOND

    def seconds(self, times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Local seconds of the day of many instants."""
        offset = self.offset[np.searchsorted(self.at, times, side="right") - 1]
        return (times + offset) % DAY // SECOND

    def hour(self, time: int) -> int:
        """Local hour of one instant."""
        return (time + self._offset[bisect_right(self._at, time) - 1]) % DAY // HOUR

    def hours(self, times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Local hours of many instants."""
        offset = self.offset[np.searchsorted(self.at, times, side="right") - 1]
        return (times + offset) % DAY // HOUR


@lru_cache(maxsize=8)
def _transitions(name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Instants at which the offset to UTC changes, the first before all time, and the offsets in µs."""
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DefinitionError(expected_got("an IANA time zone such as Asia/Shanghai", name, "time_zone")) from error

    def offset(time: int) -> int:
        shift = from_micros(time).astimezone(zone).utcoffset()
        return 0 if shift is None else shift // timedelta(microseconds=1)

    at, offsets = [-(2**62)], [offset(EARLIEST)]
    low = EARLIEST
    while low < LATEST:
        high = min(low + DAY, LATEST)
        if offset(high) != offsets[-1]:
            before, after = low, high
            while after - before > SECOND:
                middle = (before + after) // 2 // SECOND * SECOND
                before, after = (middle, after) if offset(middle) == offsets[-1] else (before, middle)
            at.append(after)
            offsets.append(offset(after))
        low = high
    return tuple(at), tuple(offsets)
