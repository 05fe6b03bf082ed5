"""Each channel's rates with intervals, its score and level, its trend against the period before, and what to do.

1. payments of the period and of one as long before it     -> channel, amount, fraud, dispute, failure, maturity
2. each channel and measure, mature payments only          -> rate, interval, points
3. the same before                                         -> difference, its interval: rising, falling, steady
4. each channel                                            -> score, level, recommended measures

Every interval of a report is at a confidence that leaves all of them together the configured one (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from domain.events import CHANNELS
from domain.money import FxTable
from monitoring.channels.intervals import Interval, difference_of, loss_interval
from monitoring.channels.payments import Payments, read_payments
from monitoring.channels.settings import Advice, Bounds, ChannelSettings, Level, Measure
from monitoring.seen import Reader
from scoring.interval import wilson

Trend = Literal["rising", "falling", "steady", "not assessed"]


@dataclass(frozen=True, slots=True)
class Rate:
    """One measure of one channel.

    Parameters
    ----------
    value : None where too few payments are mature. low, high : simultaneous interval.
    n, n_events : mature payments, and those that were hit. n_immature : payments too young to be judged.
    points : 0 to 100. level : of this measure alone; ``certain`` when its whole interval lies on it.
    before, n_before : the period before. change_low, change_high : interval of the difference.
    n_early : hits among the immature, so far. early_low : lower edge of their share, which can but grow.
    already : the level of that edge: what young payments are at least.
    """

    measure: Measure
    value: float | None
    low: float | None
    high: float | None
    n: int
    n_events: int
    n_immature: int
    points: float | None
    level: Level | None
    certain: bool
    before: float | None
    n_before: int
    change_low: float | None
    change_high: float | None
    trend: Trend
    n_early: int = 0
    early_low: float | None = None
    already: Level | None = None

    @property
    def surely_high(self) -> bool:
        """Whether it is high beyond chance, by mature payments or already by young ones."""
        return self.already is Level.HIGH or (self.certain and self.level is Level.HIGH)


@dataclass(frozen=True, slots=True)
class ChannelRisk:
    """One channel in a period.

    Parameters
    ----------
    n, amount : payments and minor units of the base currency; ``_before``: in the period before.
    score : weighted mean of the points of its measures, 0 to 100; None where nothing could be assessed.
    because : the measure that made it high whatever the score; None otherwise.
    """

    channel: str
    n: int
    amount: int
    n_before: int
    amount_before: int
    rates: tuple[Rate, ...]
    score: float | None
    level: Level | None
    because: Measure | None
    advice: tuple[Advice, ...]

    def rate(self, measure: Measure) -> Rate:
        """The rate of one measure."""
        return next(rate for rate in self.rates if rate.measure is measure)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Payments whose channel is none of ours, under the name they came with; empty where they had none."""

    name: str
    n: int
    amount: int


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """All channels in a period."""

    since: int
    until: int
    currency: str
    confidence: float
    channels: tuple[ChannelRisk, ...]
    unknown: tuple[Unknown, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        told = asdict(self)
        for channel, risk in zip(told["channels"], self.channels, strict=True):
            channel["advice"] = [advice.model_dump() for advice in risk.advice]
        return told


def assess_channels(read: Reader, settings: ChannelSettings, fx: FxTable, *, since: int, until: int) -> ChannelReport:
    """Judge every channel in ``since <= t < until`` (µs UTC).

    Parameters
    ----------
    read : all events of a kind known before ``until``.
    """
    length = until - since
    payments = read_payments(read, settings, fx, since - length, until)
    now, before = payments.within(since, until), payments.within(since - length, since)
    active = [place for place in range(len(CHANNELS)) if (now.channel == place).any()]
    # Each interval leaves 1/m of what all of them together may miss.
    each = 1 - (1 - settings.confidence) / max(1, len(active) * len(Measure))
    channels = [
        _channel(CHANNELS[place], now.of(place), before.of(place), settings, each) for place in range(len(CHANNELS))
    ]
    return ChannelReport(since, until, fx.base, settings.confidence, tuple(channels), tuple(_unknown(now)))


def _channel(name: str, now: Payments, before: Payments, settings: ChannelSettings, confidence: float) -> ChannelRisk:
    rates = tuple(_rate(each, now, before, settings, confidence) for each in Measure)
    judged = [(rate, settings.measures[rate.measure]) for rate in rates if rate.points is not None]
    score = level = because = None
    if judged:
        weight = sum(bounds.weight for _, bounds in judged)
        score = sum(bounds.weight * (rate.points or 0.0) for rate, bounds in judged) / weight
        level = settings.levels.level(score)
    # One measure that is high beyond chance is enough: neither a mean nor the wait for maturity must hide it.
    beyond = [rate for rate in rates if rate.surely_high]
    if beyond and level is not Level.HIGH:
        level, because = Level.HIGH, beyond[0].measure
    return ChannelRisk(
        name, len(now.time), int(now.amount.sum()), len(before.time), int(before.amount.sum()), rates, score, level,
        because, tuple(_advice(rates, settings)),
    )  # fmt: skip


def _advice(rates: tuple[Rate, ...], settings: ChannelSettings) -> Iterator[Advice]:
    """What is advised on each measure that is not low, worst first."""
    told = [rate for rate in rates if rate.points is not None or rate.already is Level.HIGH]
    for rate in sorted(told, key=lambda rate: (not rate.surely_high, -(rate.points or 0.0))):
        level = Level.HIGH if rate.surely_high else rate.level
        if level is not None and level in settings.advice[rate.measure]:
            yield settings.advice[rate.measure][level]


def _rate(measure: Measure, now: Payments, before: Payments, settings: ChannelSettings, confidence: float) -> Rate:
    value, interval, n, n_events = _observed(measure, now, settings.least_rows, confidence)
    old, old_interval, n_old, _ = _observed(measure, before, settings.least_rows, confidence)
    young = now.settled if measure is Measure.FAILURE else now.mature
    n_immature = int((~young).sum())
    low: float | None = None
    high: float | None = None
    trend: Trend = "not assessed"
    if value is not None and old is not None:
        low, high = difference_of(value, interval, old, old_interval)
        trend = "rising" if low > 0 else "falling" if high < 0 else "steady"
    bounds = settings.measures[measure]
    n_early, early_low = _early(measure, now, settings.least_rows, confidence)
    already = None if early_low is None else _level(bounds, early_low)
    if early_low is not None and old is not None and early_low > old_interval[1]:
        trend = "rising"
    if value is None:
        return Rate(
            measure,
            None,
            None,
            None,
            n,
            n_events,
            n_immature,
            None,
            None,
            False,
            old,
            n_old,
            low,
            high,
            trend,
            n_early,
            early_low,
            already,
        )
    level = _level(bounds, value)
    certain = _level(bounds, interval[0]) is level is _level(bounds, interval[1])
    return Rate(
        measure, value, *interval, n, n_events, n_immature, bounds.points(value), level, certain, old, n_old, low, high,
        trend, n_early, early_low, already,
    )  # fmt: skip


def _early(measure: Measure, now: Payments, least: int, confidence: float) -> tuple[int, float | None]:
    """Hits among the payments that are still immature, and the lower edge of their share."""
    if measure not in (Measure.FRAUD, Measure.DISPUTE):
        return 0, None
    young = ~now.mature & ~now.censored
    hit = now.disputed if measure is Measure.DISPUTE else now.fraud
    n, n_events = int(young.sum()), int((young & hit).sum())
    return n_events, wilson(n_events, n, confidence)[0] if n >= least else None


def _level(bounds: Bounds, rate: float) -> Level:
    return Level.HIGH if rate >= bounds.high else Level.MEDIUM if rate >= bounds.medium else Level.LOW


def _observed(
    measure: Measure, payments: Payments, least: int, confidence: float
) -> tuple[float | None, Interval, int, int]:
    """Rate, interval, mature payments, and those that were hit."""
    if measure is Measure.FAILURE:
        judged, hit = payments.settled, payments.failed
    else:
        # What was refused never had the chance to be found a fraud.
        judged = payments.mature & ~payments.censored
        hit = payments.disputed if measure is Measure.DISPUTE else payments.fraud
    n, n_events = int(judged.sum()), int((judged & hit).sum())
    if n < least:
        return None, (0.0, 1.0), n, n_events
    if measure is not Measure.LOSS:
        return n_events / n, wilson(n_events, n, confidence), n, n_events
    amounts = payments.amount[judged]
    paid = float(amounts.sum())
    if paid <= 0:
        return None, (0.0, 1.0), n, n_events
    losses = payments.amount[judged & hit]
    low, high = loss_interval(losses, float(amounts.max()), confidence)
    return float(losses.sum()) / paid, (low / paid, high / paid), n, n_events


def _unknown(now: Payments) -> Iterator[Unknown]:
    lost = now.channel < 0
    names, places = np.unique(now.raw[lost].astype(str), return_inverse=True)
    for place, name in enumerate(names.tolist()):
        mine = places == place
        yield Unknown(name, int(mine.sum()), int(now.amount[lost][mine].sum()))
