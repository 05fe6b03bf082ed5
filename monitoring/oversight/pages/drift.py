"""Drift: what moved against the bundle's reference, whether it can be told apart, by which features and segments."""

from __future__ import annotations

from domain.decision import Product
from monitoring.explained import LEAST, segments, told_apart
from monitoring.labelled import labelled
from monitoring.limits import LEVELS
from monitoring.monitor import judged, reference_of
from monitoring.oversight.deployed import deployed
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from monitoring.report import SEVERITY, Line
from monitoring.settings import MonitoringSettings
from monitoring.traffic import Traffic
from scoring.pages.meanings import meaning
from scoring.pages.page import Block, Cell, Percent, Prose, Section, Statistics, Table, percent_of, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.values import column_named, place_named, value_named
from scoring.pages.words import Words, say, worded
from stores.settings_files import load_settings

_STATUS = dict(zip(SEVERITY, (Status.NOT_ASSESSED, Status.PASS, Status.AMBER, Status.RED, Status.RED), strict=True))
_ALWAYS = ("score", "distance", "rate", "service")
_SHARES = ("missing", "rate", "grade", "action", "data", "service")
_MOST_DRIVERS = 10


def build(look: Look) -> tuple[Section, ...]:
    """A section for each product."""
    settings = load_settings(look.configs / "monitoring.yaml", MonitoringSettings)
    return tuple(_product(look, product, settings) for product in Product)


def _product(look: Look, product: Product, settings: MonitoringSettings) -> Section:
    title = say(f"drift.{product.value}")
    serving = deployed(look, product)
    if serving is None:
        none = not_assessed(product.value, title, say("drift.none"))
        return Section(product.value, title, (Statistics((none,)),))
    reference = reference_of(serving.bundle, serving.policy)
    rows = labelled(look, product, serving.bundle)
    lines = list(judged(reference, rows, settings))
    shown = [line for line in lines if line.group in _ALWAYS or line.status in ("attention", "warning", "high")]
    meanings = {each.name: meaning(each.doc) for each in serving.bundle.feature_set.features}
    table: list[tuple[Cell, ...]] = [
        (say(f"drift.{line.group}"), _name(line), *_numbers(line), line.threshold, line.n_current,
         line.note or meanings.get(line.name.rpartition(" ")[2], ""))
        for line in shown
    ]  # fmt: skip
    names = ("group", "name", "value", "from", "to", "expected", "next", "n", "note")
    heads = [say(f"drift.{name}") for name in names]
    statuses = tuple(_STATUS[line.status] for line in shown)
    blocks: list[Block] = [table_of("lines", say("drift.lines"), heads, table, statuses=statuses)]
    if len(lines) > len(shown):
        blocks.append(Prose(say("drift.hidden", n=len(lines) - len(shown)), quiet=True))
    blocks.append(_limits(settings, {line.group for line in shown}))
    found = told_apart(reference, rows)
    told = say("drift.told_apart")
    if found is None:
        blocks.append(Statistics((not_assessed("told_apart", told, say("drift.few", least=LEAST)),)))
    else:
        apart = Statistic(
            "told_apart", told, found.auc, found.low, found.high, n=found.n_reference + found.n_current,
            threshold="≤ 0.60 (0.55)", source=say("drift.ours"),
            status=Status.RED if found.low > 0.60 else Status.AMBER if found.low > 0.55 else Status.PASS,
        )  # fmt: skip
        blocks.append(Statistics((apart,)))
        drivers: list[tuple[Cell, ...]] = [
            (name, meanings.get(name, ""), Percent(share))
            for name, share in list(found.drivers.items())[:_MOST_DRIVERS]
        ]
        told_by = [say(f"drift.{each}") for each in ("name", "note", "gain")]
        blocks.append(table_of("drivers", say("drift.drivers"), told_by, drivers))
    halves = _halves(look, rows)
    if halves:
        blocks.append(table_of("segments", say("drift.segments"), [
            say(f"drift.{name}") for name in ("segment", "share_then", "share_now", "score_then", "score_now")
        ], halves))  # fmt: skip
    return Section(product.value, title, tuple(blocks))


def _numbers(line: Line) -> tuple[Cell, ...]:
    told = (line.value, line.low, line.high, line.expected)
    return tuple(map(percent_of, told)) if line.group in _SHARES else told


def _name(line: Line) -> Words:
    """What was looked at; a feature is a code."""
    if line.group in ("grade", "action"):
        return value_named(line.group, line.name, coded=False)
    what, _, of = line.name.partition(" ")
    if line.group == "data" and of:
        return say(f"drift.{what}", of=column_named(of))
    if line.group in ("feature", "missing", "latency"):
        return line.name
    return say(f"drift.{line.name.replace(' ', '_')}")


def _limits(settings: MonitoringSettings, groups: set[str]) -> Table:
    """From where on a line of each group is a matter of attention, a warning, high, and who says so."""
    held = [(group, settings.limits_of(group)) for group in settings.groups if group in groups]
    rows: list[tuple[Cell, ...]] = [
        (say(f"drift.{group}"), each.attention, each.warning, each.high, worded(each.source)) for group, each in held
    ]
    heads: list[Words] = [say("drift.group"), *(value_named("level", each, coded=False) for each in LEVELS)]
    return table_of("limits", say("drift.limits"), [*heads, say("drift.source")], rows, folded=True)


def _halves(look: Look, rows: Traffic) -> list[tuple[Cell, ...]]:
    """Segments of the second half of the period against the first: the reference of a bundle has none."""
    middle = (look.since + look.until) // 2
    times = rows.frame["time"].to_numpy()
    first, second = rows.take(times < middle), rows.take(times >= middle)
    if min(len(first), len(second)) < LEAST:
        return []
    found = [each for each in segments(first, second) if each.moved]
    return [
        (
            place_named(f"{each.column}={each.value}"),
            Percent(each.share_then),
            Percent(each.share_now),
            each.score_then,
            each.score_now,
        )
        for each in found
    ]


PAGE = PagePlan(25, "drift", say("drift.title"), build)
