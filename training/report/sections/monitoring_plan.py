"""What is watched once the model decides, when its performance can first be known, and when it must be trained anew."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from domain.errors import DefinitionError
from domain.time import DAY, format_instant, parse_instant
from scoring.pages.page import Block, Cell, Facts, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic, not_assessed
from scoring.pages.words import Words, say, worded
from stores.settings_files import read_yaml
from training.label_clock import ENOUGH_EVENTS, LabelClock, label_clock
from training.report.evidence import Evidence
from training.report.plan import Plan
from training.report.settings import ReportSettings

_GRADES = ("attention", "warning", "high")
_KNOWN = ("psi", "distance", "missing", "rate", "degraded", "data", "latency")
_TRIGGERS = ("drift", "calibration", "rank", "population", "features", "expiry")


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Limits of monitoring, the label clock, triggers of a new training, expiry."""
    limits = _limits(settings)
    rows = evidence.test.only(evidence.test.labelled)
    clock = label_clock(rows.event_time, rows.y, evidence.settings.maturity.after)
    made = (_reference(evidence), *_clock(evidence, clock))
    blocks: list[Block] = [Prose(say("monitoring_plan.how"))]
    left_out: tuple[Words, ...] = ()
    if limits is None:
        left_out = (say("monitoring_plan.no_limits_file"),)
    else:
        blocks += _watched(limits)
    blocks += [
        Statistics(
            tuple(each.held(settings.limit(evidence.product, f"monitoring_plan.{each.key}")) for each in made),
            say("monitoring_plan.statistics"),
        ),
        Prose(say(f"monitoring_plan.until_then_{evidence.product.value}")),
        _triggers(),
        Facts("dates", _dates(evidence), say("monitoring_plan.dates")),
        Prose(say("monitoring_plan.nobody_starts_it"), quiet=True),
    ]
    return Section("monitoring_plan", say("monitoring_plan.title"), tuple(blocks), left_out)


def _limits(settings: ReportSettings) -> Mapping[str, Any] | None:
    """The monitoring settings as they are written; they are another station's, so only shown here."""
    path = settings.monitoring
    if path is None or not path.is_file():
        return None
    try:
        content = read_yaml(path)
    except DefinitionError:
        return None
    return content if isinstance(content, dict) else None


def _watched(limits: Mapping[str, Any]) -> list[Block]:
    rows: list[list[Cell]] = []
    for name, each in limits.items():
        if isinstance(each, dict) and all(grade in each for grade in _GRADES):
            shown: Words = say(f"monitoring_plan.{name}") if name in _KNOWN else str(name)
            rows.append([shown, *(float(each[grade]) for grade in _GRADES), worded(each.get("source", ""))])
    heads = [say(f"monitoring_plan.{name}") for name in ("watched", *_GRADES, "source")]
    facts = tuple(
        (say(f"monitoring_plan.{name}"), limits[name])
        for name in ("least_rows", "bins", "confidence")
        if isinstance(limits.get(name), (int, float))
    )
    return [table_of("watched", say("monitoring_plan.limits"), heads, rows), Facts("watching", facts)]


def _reference(evidence: Evidence) -> Statistic:
    n = evidence.bundle.reference().num_rows
    return Statistic("reference_rows", say("monitoring_plan.reference_rows"), float(n), n=n, form=",.0f")


def _clock(evidence: Evidence, clock: LabelClock) -> tuple[Statistic, ...]:
    days = say("monitoring_plan.unit_days")
    n, n_events = int(evidence.test.labelled.sum()), int((evidence.test.y == 1).sum())
    name = say("monitoring_plan.enough", events=ENOUGH_EVENTS)
    first = Statistic("first_matured", say("monitoring_plan.first_matured"), clock.first, form=",.0f", unit=days)
    if math.isinf(clock.enough):
        return first, not_assessed("enough", name, say("monitoring_plan.no_events"), n=n, n_events=n_events)
    note = say("monitoring_plan.rate_of_events", per_day=clock.events_per_day)
    return first, Statistic("enough", name, clock.enough, n=n, n_events=n_events, form=",.0f", unit=days, note=note)


def _triggers() -> Block:
    rows: list[list[Cell]] = [
        [say(f"monitoring_plan.if_{name}"), say(f"monitoring_plan.then_{name}")] for name in _TRIGGERS
    ]
    return table_of(
        "triggers", say("monitoring_plan.triggers"), (say("monitoring_plan.if"), say("monitoring_plan.then")), rows
    )


def _dates(evidence: Evidence) -> tuple[tuple[Words, Cell], ...]:
    about, maturity = evidence.about, evidence.settings.maturity.after
    rows: list[tuple[Words, Cell]] = []
    if about.get("labels_as_of"):
        rows.append((say("monitoring_plan.as_of"), str(about["labels_as_of"])))
    if len(evidence.test.event_time):
        rows.append((say("monitoring_plan.last_test_row"), format_instant(int(evidence.test.event_time.max()))))
    if about.get("finished_at"):
        finished = parse_instant(str(about["finished_at"]))
        rows.append((say("monitoring_plan.trained"), str(about["finished_at"])))
        rows.append((say("monitoring_plan.first_known"), format_instant(finished + maturity)))
    rows += [
        (say("monitoring_plan.maturity"), maturity / DAY),
        (say("monitoring_plan.expires"), say("monitoring_plan.expires_as")),
    ]
    return tuple(rows)


SECTION = Plan(220, "monitoring_plan", build)
