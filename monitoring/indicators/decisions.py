"""Decisions: alerts, degradation, time taken, and the fraud that their probabilities make expected, also by channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.decision import Product
from monitoring.baseline import LEAST_PAST, against_past, share_against_past
from monitoring.decided import decided
from monitoring.indicator import Indicator
from monitoring.reading import Kind, Reading, not_assessed
from monitoring.sight import Sight
from scoring.interval import wilson
from scoring.pages.words import say

PAST = 28
LEAST = 20
_BY = ("channel", "region")


@dataclass(frozen=True, slots=True)
class Day:
    """The decisions of a day in one place: all, alerts, degraded ones, and their calibrated probabilities."""

    n: int
    n_alerts: int
    n_degraded: int
    n_scores: int
    mean_score: float
    std_score: float

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Day:
        """Of some decisions."""
        score = frame["score"].to_numpy()
        score = score[~np.isnan(score)]
        mean, std = (float(score.mean()), float(score.std())) if len(score) else (float("nan"), float("nan"))
        return cls(len(frame), int(frame["alert"].sum()), int(frame["degraded"].sum()), len(score), mean, std)


_NOTHING = Day(0, 0, 0, 0, float("nan"), float("nan"))


def days(sight: Sight, product: Product) -> dict[str, Day]:
    """The day of a product as a whole and in each channel and region, by the name of the place; computed once."""

    def gather() -> dict[str, Day]:
        frame = decided(sight, product)
        if not len(frame):
            return {}
        found = {f"product={product.value}": Day.of(frame)}
        for column in _BY:
            for name in sorted(frame[column].dropna().unique()):
                found[f"product={product.value},{column}={name}"] = Day.of(frame[frame[column] == name])
        return found

    return sight.once(f"day {product.value} {sight.since} {sight.until}", gather)


def _each(sight: Sight, judge: Callable[[str, Day, list[Day]], Reading]) -> Iterator[Reading]:
    """A reading of each product and place, from today and each day before."""
    for product in Product:
        before = [days(sight.at(chunk), product) for chunk in sight.chunks_before(PAST)]
        for where, today in days(sight, product).items():
            if today.n < LEAST:
                yield not_assessed(f"{today.n} decisions; at least {LEAST} are needed", today.n, where)
            else:
                yield judge(where, today, [day.get(where, _NOTHING) for day in before])


def _alert(where: str, today: Day, before: list[Day]) -> Reading:
    found = share_against_past(today.n_alerts, today.n, [(day.n_alerts, day.n) for day in before])
    if found is None:
        return not_assessed(f"fewer than {LEAST_PAST} days before it", today.n, where)
    note = f"{today.n_alerts / today.n:.4f}, usually {found.usual:.4f}"
    return Reading(found.times, today.n, where, within_chance=found.within_chance, note=note)


def _expected(where: str, today: Day, before: list[Day]) -> Reading:
    """Mean calibrated probability: the share of fraud or default that the model expects, before any label."""
    n = today.n_scores
    if n < LEAST:
        return not_assessed(f"{n} scores; at least {LEAST} are needed", n, where, Kind.ESTIMATED)
    noise = today.std_score / np.sqrt(n) / today.mean_score
    usual = [day.mean_score if day.n_scores >= LEAST else float("nan") for day in before]
    found = against_past(today.mean_score, usual, noise=float(noise))
    if found is None:
        return not_assessed(f"fewer than {LEAST_PAST} days before it", n, where, Kind.ESTIMATED)
    note = f"{today.mean_score:.4f}, usually {found.usual:.4f}"
    return Reading(found.times, n, where, within_chance=found.within_chance, kind=Kind.ESTIMATED, note=note)


def _alerts(sight: Sight) -> Iterator[Reading]:
    return _each(sight, _alert)


def _estimated(sight: Sight) -> Iterator[Reading]:
    return _each(sight, _expected)


def _degraded(sight: Sight) -> Iterator[Reading]:
    """The share itself: a service promise is absolute."""
    for product in Product:
        where = f"product={product.value}"
        today = days(sight, product).get(where, _NOTHING)
        if today.n >= LEAST:
            low, high = wilson(today.n_degraded, today.n, 0.95)
            yield Reading(today.n_degraded / today.n, today.n, where, low, high)


def _slow(sight: Sight) -> Iterator[Reading]:
    """The 95th percentile of the time to the commit, in ms."""
    for product in Product:
        took = decided(sight, product)["total_us"].dropna().to_numpy()
        if len(took) >= LEAST:
            yield Reading(float(np.quantile(took, 0.95)) / 1000, len(took), f"product={product.value}")


INDICATORS = (
    Indicator("alert_rate", say("early_warning.alert_rate"), _alerts, form=".2f"),
    Indicator("estimated_events", say("early_warning.estimated_events"), _estimated, form=".2f"),
    Indicator("degraded_share", say("early_warning.degraded_share"), _degraded, form=".2%"),
    Indicator("latency_p95", say("early_warning.latency_p95"), _slow, form=".1f"),
)
