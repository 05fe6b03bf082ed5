"""Estimates of a section as its statistics: resampled over days for payments, over rows for loans."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from domain.decision import Product
from scoring.pages.status import Limit, Statistic, Status, not_assessed
from scoring.pages.words import Words
from training.intervals import Interval
from training.report.settings import ReportSettings


def n_draws(settings: ReportSettings) -> int:
    """Resamples that an interval is worth."""
    return 60 if settings.light else 300


def clusters(product: Product, day: np.ndarray) -> np.ndarray | None:
    """What a resample takes as wholes: the days of payments, None (rows) for loans or within one day."""
    by_day = product is Product.PAYMENT and len(day) > 0 and bool((day != day[0]).any())
    return day if by_day else None


def estimate(
    key: str,
    name: Words,
    value: float,
    between: Interval | None,
    limit: Limit | None,
    *,
    why: Words,
    n: int,
    n_events: int,
    **more: Any,
) -> Statistic:
    """A statistic held against its limit; a value that is not finite is not assessed, ``why`` says the reason.

    Parameters
    ----------
    more : form, unit and note, as `Statistic` takes them.
    """
    if not math.isfinite(value):
        return not_assessed(key, name, why, n=n, n_events=n_events)
    known = between is not None and math.isfinite(between.low) and math.isfinite(between.high)
    low, high = (between.low, between.high) if between is not None and known else (None, None)
    return Statistic(key, name, float(value), low, high, n, n_events, **more).held(limit)


def at_most_amber(statistic: Statistic) -> Statistic:
    """The same, but red is amber: a small p-value says that something is there, not that it is large.

    Examples
    --------
    >>> at_most_amber(Statistic("p", "p", 0.001).held(Limit(least=0.01, source="ours"))).status.value
    'amber'
    """
    return replace(statistic, status=Status.AMBER) if statistic.status is Status.RED else statistic
