"""Transaction volume: payments and their sum, in times of what the past four weeks make usual."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from monitoring.baseline import LEAST_PAST, against_past
from monitoring.indicator import Indicator
from monitoring.payments import of_chunk, payments
from monitoring.reading import Reading, not_assessed
from monitoring.sight import Sight
from scoring.pages.words import say

_PAST = 28


def against_usual(sight: Sight, value: Callable[[pd.DataFrame], float]) -> Iterator[Reading]:
    """Today's value of something about payments as a multiple of its median over the past four weeks."""
    past = sight.chunks_before(_PAST)
    frame = payments(sight, since=past[0].since)
    today = frame[frame["event_time"] >= sight.since]
    n = len(today)
    if not n:
        yield not_assessed("no payment")
        return
    before = [value(of_chunk(frame, chunk)) for chunk in past]
    found = against_past(value(today), before, noise=1 / np.sqrt(n))
    if found is None:
        yield not_assessed(f"fewer than {LEAST_PAST} days before it", n)
    else:
        yield Reading(found.times, n, within_chance=found.within_chance, note=f"usually {found.usual:,.4g}")


def _count(sight: Sight) -> Iterator[Reading]:
    return against_usual(sight, lambda frame: float(len(frame)))


def _sum(sight: Sight) -> Iterator[Reading]:
    return against_usual(sight, lambda frame: float(frame["amount"].sum()))


INDICATORS = (
    Indicator("payment_count", say("early_warning.payment_count"), _count, form=".2f"),
    Indicator("payment_amount", say("early_warning.payment_amount"), _sum, form=".2f"),
)
