"""Transaction volume: payments and their sum, in times of what the past four weeks make usual; by channel too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from monitoring.baseline import LEAST_PAST, against_past
from monitoring.indicator import Indicator
from monitoring.payments import payments
from monitoring.reading import Reading, not_assessed
from monitoring.sight import Sight
from scoring.pages.words import say

PAST = 28
"""Days that make the usual."""

LEAST = 20
"""Payments a day below which a value about them is not worth comparing."""


Value = Callable[[pd.DataFrame], float]


def against_usual(
    sight: Sight, key: str, value: Value, *, where: str = "", noisy: bool = True, beyond: float = 1.0
) -> Iterator[Reading]:
    """Today's value of something about payments as a multiple of its median over the past four weeks.

    Every day is taken as it was known at its own end, so that like is compared with like.

    Parameters
    ----------
    key : names the value. where : ``column=value`` takes only those payments.
    noisy : the value varies with the number of payments it counts. beyond : as `against_past`.
    """
    past = [_measured(sight.at(chunk), key, value, where) for chunk in sight.chunks_before(PAST)]
    now, n = _measured(sight, key, value, where)
    usual = float(np.median([rows for _, rows in past]))
    if max(n, usual) < LEAST or not n:
        yield not_assessed(f"{n} payments, usually {usual:g}; at least {LEAST} are needed", n, where)
        return
    found = against_past(now, [each for each, _ in past], noise=1 / np.sqrt(n) if noisy else 0.0, beyond=beyond)
    if found is None:
        yield not_assessed(f"no value, or fewer than {LEAST_PAST} days before it", n, where)
    else:
        yield Reading(found.times, n, where, within_chance=found.within_chance, note=f"usually {found.usual:,.4g}")


def _measured(sight: Sight, key: str, value: Value, where: str) -> tuple[float, int]:
    """Value and rows of one day, computed once."""

    def measure() -> tuple[float, int]:
        frame = payments(sight)
        if where:
            column, _, name = where.partition("=")
            frame = frame[frame[column] == name]
        return (value(frame) if len(frame) else float("nan")), len(frame)

    return sight.once(f"{key} {where} {sight.since} {sight.until}", measure)


def _channels(sight: Sight) -> list[str]:
    """Channels of the past four weeks and today, in order."""
    chunks = [*sight.chunks_before(PAST), None]
    found: set[str] = set()
    for chunk in chunks:
        day = sight if chunk is None else sight.at(chunk)
        found |= day.once(f"channels {day.since}", lambda day=day: set(payments(day)["channel"].dropna()))  # type: ignore[misc]
    return sorted(found)


def _count(sight: Sight) -> Iterator[Reading]:
    yield from against_usual(sight, "count", lambda frame: float(len(frame)))
    for channel in _channels(sight):
        yield from against_usual(sight, "count", lambda frame: float(len(frame)), where=f"channel={channel}")


def _sum(sight: Sight) -> Iterator[Reading]:
    return against_usual(sight, "sum", lambda frame: float(frame["amount"].sum()))


INDICATORS = (
    Indicator("payment_count", say("early_warning.payment_count"), _count, form=".2f"),
    Indicator("payment_amount", say("early_warning.payment_amount"), _sum, form=".2f"),
)
