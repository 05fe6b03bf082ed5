"""Transaction frequency: payments that follow the customer's previous one within minutes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from domain.time import MINUTE
from monitoring.baseline import LEAST_PAST, share_against_past
from monitoring.indicator import Indicator
from monitoring.indicators.volume import LEAST, PAST
from monitoring.payments import payments
from monitoring.reading import Reading, not_assessed
from monitoring.sight import Sight
from scoring.pages.words import say

RAPID = 10 * MINUTE
"""Two payments of one customer closer than this follow one another rapidly."""


def rapid(frame: pd.DataFrame) -> np.ndarray:
    """Whether each payment, of a frame in order of time, came within ten minutes of its customer's previous one.

    Examples
    --------
    >>> rapid(pd.DataFrame({"customer_id": ["a", "b", "a"], "event_time": [0, 1, 5 * MINUTE]})).tolist()
    [False, False, True]
    """
    gap = frame.groupby("customer_id", sort=False)["event_time"].diff()
    return (gap <= RAPID).to_numpy(dtype=bool)


def _rapid_share(sight: Sight) -> Iterator[Reading]:
    hits, n = _of_day(sight)
    if n < LEAST:
        yield not_assessed(f"{n} payments; at least {LEAST} are needed", n)
        return
    found = share_against_past(hits, n, [_of_day(sight.at(chunk)) for chunk in sight.chunks_before(PAST)])
    if found is None:
        yield not_assessed(f"fewer than {LEAST_PAST} days before it", n)
    else:
        yield Reading(found.times, n, within_chance=found.within_chance, note=f"usually {found.usual:.4f}")


def _of_day(sight: Sight) -> tuple[int, int]:
    """Rapid payments and all payments of a day, computed once."""

    def count() -> tuple[int, int]:
        frame = payments(sight, since=sight.since - RAPID)
        today = (frame["event_time"] >= sight.since).to_numpy()
        return int(rapid(frame)[today].sum()), int(today.sum())

    return sight.once(f"rapid {sight.since} {sight.until}", count)


INDICATORS = (Indicator("rapid_payments", say("early_warning.rapid_payments"), _rapid_share, form=".2f"),)
