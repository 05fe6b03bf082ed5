"""Channels: what fails today, channel by channel, and the risk score of each at the end of a month."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from domain.events import CHANNELS
from domain.time import DAY, EARLIEST
from monitoring.baseline import share_against_past
from monitoring.channels.assess import assess_channels
from monitoring.channels.payments import Payments, read_payments
from monitoring.channels.settings import ChannelSettings, Measure
from monitoring.indicator import Indicator
from monitoring.reading import Kind, Reading, not_assessed
from monitoring.seen import Reader
from monitoring.sight import Sight
from scoring.interval import wilson
from scoring.pages.words import say
from stores.settings_files import load_settings

_PAST = 28
_LEAST = 20
_SPAN = 60 * DAY


def _settings(sight: Sight) -> ChannelSettings:
    path = sight.look.configs / "channels.yaml"
    return sight.once("channel settings", lambda: load_settings(path, ChannelSettings))


def _reader(sight: Sight) -> Reader:
    return lambda kind: sight.events(kind, since=EARLIEST)


def _failing(sight: Sight) -> Iterator[Reading]:
    """Payments of the day that were refused, failed or reversed by its end, against the days of four weeks."""
    past = sight.chunks_before(_PAST)
    settings = _settings(sight)
    # Failures are told within seconds; what is told by the end of the day counts, for past days as for this one.
    found = read_payments(
        _reader(sight), settings, sight.look.platform.fx_table(), past[0].since, sight.until
    )  # fmt: skip
    if not len(found.time):
        yield not_assessed("no payment")
        return
    edges = np.array([chunk.since for chunk in past] + [sight.since, sight.until])
    for place, name in enumerate(CHANNELS):
        mine = found.of(place)
        n, hits = _by_day(mine, edges)
        where = f"channel={name}"
        if n[-1] < _LEAST:
            if n[-1]:
                yield not_assessed(f"{n[-1]} payments, fewer than {_LEAST}", int(n[-1]), where)
            continue
        before = list(zip(hits[:-1].tolist(), n[:-1].tolist(), strict=True))
        usual = share_against_past(int(hits[-1]), int(n[-1]), before)
        low, high = wilson(int(hits[-1]), int(n[-1]), settings.confidence)
        chance = usual is None or usual.within_chance
        yield Reading(hits[-1] / n[-1], int(n[-1]), where, low, high, chance)


def _by_day(payments: Payments, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.histogram(payments.time, edges)[0], np.histogram(payments.time[payments.failed], edges)[0]


def _scores(sight: Sight) -> Iterator[Reading]:
    """The risk score of each channel over the sixty days to the end of the month."""
    report = assess_channels(
        _reader(sight), _settings(sight), sight.look.platform.fx_table(), since=sight.until - _SPAN,
        until=sight.until,
    )  # fmt: skip
    if not any(channel.n for channel in report.channels):
        yield not_assessed("no payment", kind=Kind.REALISED)
        return
    for channel in report.channels:
        where, n = f"channel={channel.channel}", channel.rate(Measure.FRAUD).n
        if channel.score is not None:
            yield Reading(channel.score, n, where, kind=Kind.REALISED)
        elif channel.n:
            yield not_assessed("too few mature payments", n, where, Kind.REALISED)


INDICATORS = (
    Indicator("channel_failure", say("channels.failure"), _failing, form=".1%"),
    Indicator("channel_score", say("channels.score"), _scores, period="month", form=".0f"),
)
