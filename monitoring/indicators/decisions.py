"""Decisions: alerts, degradation, time taken, and the fraud that their probabilities make expected, also by channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.decision import Product
from monitoring.baseline import LEAST_PAST, share_against_past, within_counts
from monitoring.decided import decided
from monitoring.indicator import Indicator
from monitoring.reading import Kind, Reading, not_assessed
from monitoring.sight import Sight
from scoring.interval import wilson
from scoring.pages.words import say

PAST = 28
LEAST = 20
_CONFIDENCE = 0.9999
"""Of one place; there are dozens of them every day."""
_BY = ("channel", "region")


@dataclass(frozen=True, slots=True)
class Day:
    """The decisions of a day in one place.

    Parameters
    ----------
    n : all. n_alerts : independent alerts. n_degraded : degraded ones.
    expected : events that the calibrated probabilities make expected, independent ones.
    n_scores : decisions with a probability.
    """

    n: int
    n_alerts: int
    n_degraded: int
    n_scores: int
    expected: float

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Day:
        """Of some decisions."""
        alerts = round(independent(frame, frame["alert"].astype(float)))
        known = frame["score"].notna()
        expected = independent(frame[known], frame["score"][known])
        return cls(len(frame), alerts, int(frame["degraded"].sum()), int(known.sum()), expected)


_NOTHING = Day(0, 0, 0, 0, 0.0)


def independent(frame: pd.DataFrame, weight: pd.Series) -> float:
    """Sum of the weights that counts each customer, borrower or payee once, with the largest of its weights.

    One customer who pays ten times, or one payee paid by ten, is one incident and not ten: of customers and payees the
    fewer count.

    Examples
    --------
    >>> frame = pd.DataFrame({"customer_id": ["a", "b", "c"], "payee_id": ["x", "x", "y"]})
    >>> independent(frame, pd.Series([1.0, 0.5, 1.0]))
    2.0
    """
    keys = [name for name in ("customer_id", "payee_id", "borrower_id") if name in frame and frame[name].notna().any()]
    each = weight.to_numpy(np.float64)
    return min((_largest(pd.factorize(frame[name])[0], each) for name in keys), default=float(each.sum()))


def _largest(code: np.ndarray, weight: np.ndarray) -> float:
    """Sum over the codes of the largest weight of each; rows without one (-1) count alone."""
    known = code >= 0
    largest = np.full(int(code.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(largest, code[known], weight[known])
    return float(largest.sum() + weight[~known].sum())


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
    past = [(day.n_alerts, day.n) for day in before]
    found = share_against_past(today.n_alerts, today.n, past, confidence=_CONFIDENCE)
    if found is None:
        return not_assessed(f"fewer than {LEAST_PAST} days before it", today.n, where)
    note = f"{today.n_alerts / today.n:.4f}, usually {found.usual:.4f}"
    return Reading(found.times, today.n, where, within_chance=found.within_chance, note=note)


def _expected(where: str, today: Day, before: list[Day]) -> Reading:
    """Mean calibrated probability: the share of fraud or default that the model expects, before any label."""
    n = today.n_scores
    known = [day for day in before if day.n_scores]
    if n < LEAST or len(known) < LEAST_PAST:
        why = f"{n} scores on {len(known)} days before it; at least {LEAST} on {LEAST_PAST} are needed"
        return not_assessed(why, n, where, Kind.ESTIMATED)
    # What earlier days would have had with as many decisions as today.
    past = np.array([day.expected * n / day.n_scores for day in known])
    usual = max(float(np.median(past)), float(past.mean()) / 2, 0.5 / len(past))
    within = within_counts(today.expected, past, confidence=_CONFIDENCE)
    note = f"{today.expected:.1f} expected, usually {usual:.1f}"
    return Reading(today.expected / usual, n, where, within_chance=within, kind=Kind.ESTIMATED, note=note)


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
