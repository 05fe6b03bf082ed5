"""The table of transitions is the zone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from domain.errors import DefinitionError
from domain.time import EARLIEST, LATEST, SECOND, from_micros
from features.kernel.deriving import local_time
from features.zone import Zone


@pytest.mark.parametrize("name", ["Asia/Shanghai", "Europe/London", "America/New_York", "UTC", "Africa/Casablanca"])
def test_every_instant(name: str) -> None:
    zone, known = Zone(name), ZoneInfo(name)
    rng = np.random.default_rng(5)
    times = rng.integers(EARLIEST, LATEST, 2000)
    edges = zone.at[1:200] if len(zone.at) > 1 else times[:0]
    times = np.concatenate([times, edges, edges - 1, edges + 1])
    hours = zone.hours(times)
    for time, hour in zip(times.tolist(), hours.tolist(), strict=True):
        local = from_micros(time).astimezone(known)
        assert (local.hour, local.hour) == (hour, zone.hour(time)), from_micros(time)
        seconds = local.hour * 3600 + local.minute * 60 + local.second
        assert local_time(time, zone.at, zone.offset) // SECOND % 86400 == seconds


def test_unknown_zone() -> None:
    with pytest.raises(DefinitionError, match=r"time_zone: expected an IANA time zone.*'Mars/Olympus'"):
        Zone("Mars/Olympus")
