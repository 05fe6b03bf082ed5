"""Drift: what moved against the bundle's reference, whether it can be told apart, by which features and segments."""

from __future__ import annotations

from domain.decision import Product
from monitoring.explained import LEAST, segments, told_apart
from monitoring.labelled import labelled
from monitoring.monitor import judged, reference_of
from monitoring.oversight.deployed import deployed
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from monitoring.report import SEVERITY
from monitoring.settings import MonitoringSettings
from monitoring.traffic import Traffic
from scoring.pages.page import Block, Cell, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import say
from stores.settings_files import load_settings

_STATUS = dict(zip(SEVERITY, (Status.NOT_ASSESSED, Status.PASS, Status.AMBER, Status.RED, Status.RED), strict=True))
_ALWAYS = ("score", "distance", "rate", "service")
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
    table: list[tuple[Cell, ...]] = [
        (say(f"drift.{line.group}"), line.name, line.value, line.expected, line.threshold, line.n_current, line.note)
        for line in shown
    ]
    heads = [say(f"drift.{name}") for name in ("group", "name", "value", "expected", "next", "n", "note")]
    statuses = tuple(_STATUS[line.status] for line in shown)
    blocks: list[Block] = [table_of("lines", say("drift.lines"), heads, table, statuses=statuses)]
    if len(lines) > len(shown):
        blocks.append(Prose(say("drift.hidden", n=len(lines) - len(shown)), quiet=True))
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
        drivers: list[tuple[Cell, ...]] = [(name, share) for name, share in list(found.drivers.items())[:_MOST_DRIVERS]]
        blocks.append(table_of("drivers", say("drift.drivers"), [say("drift.name"), say("drift.gain")], drivers))
    halves = _halves(look, rows)
    if halves:
        blocks.append(table_of("segments", say("drift.segments"), [
            say(f"drift.{name}") for name in ("segment", "share_then", "share_now", "score_then", "score_now")
        ], halves))  # fmt: skip
    return Section(product.value, title, tuple(blocks))


def _halves(look: Look, rows: Traffic) -> list[tuple[Cell, ...]]:
    """Segments of the second half of the period against the first: the reference of a bundle has none."""
    middle = (look.since + look.until) // 2
    times = rows.frame["time"].to_numpy()
    first, second = rows.take(times < middle), rows.take(times >= middle)
    if min(len(first), len(second)) < LEAST:
        return []
    found = [each for each in segments(first, second) if each.moved]
    return [
        (f"{each.column}={each.value}", each.share_then, each.share_now, each.score_then, each.score_now)
        for each in found
    ]


PAGE = PagePlan(25, "drift", say("drift.title"), build)
