"""Days on which unusually much came into custody or went out, against the four weeks before each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from monitoring.baseline import against_past

PAST: Final = 28

Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class UnusualDay:
    """One day and direction.

    Parameters
    ----------
    minor : of the day. usual : the median of the days before. times : one over the other.
    """

    day: str
    direction: Direction
    minor: int
    usual: float
    times: float
    n: int


def unusual_days(ledger: pd.DataFrame, currency: str, since: str, until: str) -> tuple[UnusualDay, ...]:
    """Days from ``since`` to ``until`` that chance does not explain; days without a movement are none."""
    own = ledger[ledger["currency"] == currency]
    found = []
    ways: Sequence[Direction] = ("in", "out")
    for way in ways:
        rows = own[own["minor"] > 0] if way == "in" else own[own["minor"] < 0]
        if not len(rows):
            continue
        begin = min(str(rows["day"].min()), since)
        every = [f"{day:%Y-%m-%d}" for day in pd.date_range(begin, until)]
        daily = rows.groupby("day")["minor"].agg(["sum", "size"]).reindex(every, fill_value=0)
        sums, counts = daily["sum"].abs().to_numpy(np.int64), daily["size"].to_numpy(np.int64)
        for place, day in enumerate(every):
            if day < since or not counts[place]:
                continue
            past = sums[max(0, place - PAST) : place].astype(np.float64).tolist()
            told = against_past(float(sums[place]), past, noise=1 / float(np.sqrt(counts[place])))
            if told is not None and not told.within_chance:
                found.append(UnusualDay(day, way, int(sums[place]), told.usual, told.times, int(counts[place])))
    return tuple(sorted(found, key=lambda each: (each.day, each.direction)))
