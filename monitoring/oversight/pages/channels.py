"""Channels: rates of loss, fraud, dispute and failure with intervals, level, trend and what is advised."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from domain.bilingual import Both
from domain.time import DAY
from monitoring.channels.assess import ChannelReport, ChannelRisk, Rate, assess_channels
from monitoring.channels.settings import ChannelSettings, Level, Measure
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from monitoring.seen import seen
from scoring.pages.drawing import CALM, FAINT, INK, RISK, percent, sheet
from scoring.pages.page import Block, Cell, Finding, Picture, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Limit, Statistic, Status, not_assessed
from scoring.pages.words import Tongue, Words, say, worded
from stores.settings_files import load_settings

_STATUS = {None: Status.NOT_ASSESSED, Level.LOW: Status.PASS, Level.MEDIUM: Status.AMBER, Level.HIGH: Status.RED}
_COLOUR = {None: FAINT, Level.LOW: CALM, Level.MEDIUM: INK, Level.HIGH: RISK}
_PER_UNIT = 100


def build(look: Look) -> tuple[Section, ...]:
    """Level of each channel, its rates, and payments of no known channel."""
    settings = load_settings(look.configs / "channels.yaml", ChannelSettings)
    read = partial(seen, look.journal, until=look.until)
    report = assess_channels(read, settings, look.platform.fx_table(), since=look.since, until=look.until)
    if not any(channel.n for channel in report.channels) and not report.unknown:
        none = not_assessed("channels", say("channels.title"), say("channels.none"), n=0)
        return (Section("levels", say("channels.levels"), (Statistics((none,)),)),)
    blocks = (*_levels(report), *_rates(report, settings))
    return Section("levels", say("channels.levels"), blocks), _unknown(report)


def _rising(channel: ChannelRisk, rate: Rate) -> Words:
    """What rose: the rate of what is mature, or what is known already of what is not."""
    mature = rate.value is not None and rate.change_low is not None and rate.change_low > 0
    now = rate.value if mature else rate.early_low
    return say(
        "channels.rising" if mature else "channels.rising_early", channel=_name(channel),
        measure=say(f"channels.{rate.measure.value}"), before=f"{rate.before:.2%}", now=f"{now:.2%}",
    )  # fmt: skip


def _levels(report: ChannelReport) -> list[Block]:
    blocks: list[Block] = [Prose(say("channels.intro", confidence=f"{report.confidence:.0%}"), quiet=True)]
    blocks += [
        Finding(f"rising_{channel.channel}_{rate.measure.value}", Status.AMBER, _rising(channel, rate))
        for channel in report.channels
        for rate in channel.rates
        if rate.trend == "rising"
    ]  # fmt: skip
    heads = ["channel", "n", "n_before", "amount", "amount_before", "score", "level", "because"]
    rows: list[tuple[Cell, ...]] = [
        (
            _name(each), each.n, each.n_before, each.amount / _PER_UNIT, each.amount_before / _PER_UNIT, each.score,
            _level(each.level), None if each.because is None else say(f"channels.{each.because.value}"),
        )
        for each in report.channels
    ]  # fmt: skip
    statuses = tuple(_STATUS[each.level] for each in report.channels)
    blocks.append(_table("summary", heads, rows, statuses=statuses, currency=report.currency))
    advised: list[tuple[Cell, ...]] = [
        (_name(each), _level(each.level), Both(advice.zh, advice.en))
        for each in report.channels
        for advice in each.advice
    ]
    if advised:
        blocks.append(_table("advised", ["channel", "level", "measure_advised"], advised))
    return blocks


def _rates(report: ChannelReport, settings: ChannelSettings) -> list[Block]:
    heads = ["channel", "measure", "value", "from", "to", "n", "n_events", "n_immature", "n_early", "before",
             "change_low", "change_high", "trend"]  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (
            _name(channel), say(f"channels.{rate.measure.value}"), rate.value, rate.low, rate.high, rate.n,
            rate.n_events, rate.n_immature, rate.n_early, rate.before, rate.change_low, rate.change_high,
            say(f"channels.trend_{rate.trend.replace(' ', '_')}"),
        )
        for channel in report.channels
        for rate in channel.rates
    ]  # fmt: skip
    statuses = tuple(_STATUS[rate.level] for channel in report.channels for rate in channel.rates)
    table = _table("rates", heads, rows, statuses=statuses)
    young = say("channels.young", days=f"{settings.maturity.after / DAY:g}", least=settings.least_rows)
    picture = Picture("rates", say("channels.picture"), say("channels.picture_said"), _draw(report, settings), table)
    bounds: list[tuple[Cell, ...]] = [
        (say(f"channels.{each.value}"), bound.weight, bound.medium, bound.high, worded(bound.source))
        for each, bound in settings.measures.items()
    ]
    limits = _table("bounds", ["measure", "weight", "medium_from", "high_from", "source"], bounds, folded=True)
    return [Prose(young, quiet=True), picture, limits]


def _draw(report: ChannelReport, settings: ChannelSettings) -> Any:
    channels = [channel for channel in report.channels if channel.n]

    def draw(tongue: Tongue) -> Any:
        figure, axes = sheet(1.1 + 0.34 * max(2, len(channels)), 1, len(Measure), sharey=True)
        place = np.arange(len(channels))[::-1]
        for each, measure in zip(axes, Measure, strict=True):
            high = settings.measures[measure].high
            tops = [high, *(rate.high for channel in channels if (rate := channel.rate(measure)).high is not None)]
            edge = 1.15 * min(max(tops), 3 * high)
            for at, channel in zip(place.tolist(), channels, strict=True):
                rate = channel.rate(measure)
                if rate.before is not None:
                    each.plot(rate.before, at, marker="|", markersize=9, color=INK, linestyle="none")
                if rate.value is None or rate.low is None or rate.high is None:
                    continue
                beyond = rate.value > edge
                each.hlines(at, min(rate.low, edge), rate.high, color=FAINT, linewidth=2.5, zorder=1)
                mark, size = (">", 7) if beyond else ("o", 6)
                each.plot(min(rate.value, 0.97 * edge), at, mark, markersize=size, color=_COLOUR[rate.level])
                if beyond:
                    each.text(0.92 * edge, at, f"{rate.value:.0%}", fontsize=7, ha="right", va="center")
            each.axvline(high, color=RISK, linewidth=0.8, linestyle="--", zorder=1)
            each.set(xlim=(0, edge), title=tongue(say(f"channels.{measure.value}")))
            each.set_yticks(place, [tongue(_name(channel)) for channel in channels])
            each.set_ylim(-0.6, len(channels) - 0.4)
            each.locator_params(axis="x", nbins=3)
            percent(each.xaxis)
        return figure

    return draw


def _unknown(report: ChannelReport) -> Section:
    n_unknown = sum(each.n for each in report.unknown)
    n = n_unknown + sum(channel.n for channel in report.channels)
    limit = Limit(most=0.0, firm=True, source="configs/channels.yaml")
    share = Statistic(
        "unknown_share", say("channels.unknown_share"), n_unknown / n, n=n, n_events=n_unknown, form=".2%"
    )
    blocks: list[Block] = [Statistics((share.held(limit),))]
    if report.unknown:
        rows: list[tuple[Cell, ...]] = [
            (each.name or say("channels.unnamed"), each.n, each.amount / _PER_UNIT) for each in report.unknown
        ]
        blocks.append(_table("unknown", ["name", "n", "amount"], rows, currency=report.currency))
        blocks.append(Prose(say("channels.unknown_found", n=n_unknown)))
    return Section("unknown", say("channels.unknown"), tuple(blocks))


def _name(channel: ChannelRisk) -> Words:
    return say(f"channels.{channel.channel}")


def _level(level: Level | None) -> Words:
    return say("channels.not_assessed" if level is None else f"channels.{level.value}")


def _table(key: str, heads: list[str], rows: list[tuple[Cell, ...]], *, currency: str = "", **more: Any) -> Table:
    names: list[Words] = [
        say(f"channels.{head}", currency=currency) if head.startswith("amount") else say(f"channels.{head}")
        for head in heads
    ]
    return table_of(key, say(f"channels.table_{key}"), names, rows, **more)


PAGE = PagePlan(40, "channels", say("channels.title"), build)
