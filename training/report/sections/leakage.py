"""How the rows were split, what the intake audit found, and whether one feature knows too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from domain.bilingual import Both
from domain.decision import Product
from domain.time import DAY, format_duration
from scoring.pages.meanings import counted, meaning
from scoring.pages.page import Block, Cell, Facts, Finding, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import Words, joined, say, worded
from training.alone import strongest
from training.intake.checks import CHECK_NAMES
from training.report.dates import business_days
from training.report.evidence import Evidence
from training.report.lighter import lighter
from training.report.plan import Plan
from training.report.settings import ReportSettings

_STATUS = {
    "red": Status.RED,
    "amber": Status.AMBER,
    "note": Status.PASS,
    "green": Status.PASS,
    "not assessed": Status.NOT_ASSESSED,
}
_NAMED = 6

LIGHT_ROWS = 10_000
"""Of the test, where the report is to be light."""


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Split, intake findings with their waivers, strongest single feature."""
    intake = evidence.json("intake.json")
    made = (_later(evidence), _red(intake), _alone(evidence, settings))
    blocks: list[Block] = [
        Facts("split", _split(evidence), say("leakage.split")),
        *_split_findings(evidence),
        *_parts(evidence),
        Statistics(
            tuple(each.held(settings.limit(evidence.product, f"leakage.{each.key}")) for each in made),
            say("leakage.statistics"),
        ),
    ]
    if intake is not None:
        blocks += [_findings(intake["findings"]), Prose(say("leakage.own_words"), quiet=True), *_waived(intake)]
    left_out = (say("leakage.sampled", most=LIGHT_ROWS),) if settings.light else ()
    return Section("leakage", say("leakage.title"), tuple(blocks), left_out)


def _split(evidence: Evidence) -> tuple[tuple[Words, Cell], ...]:
    settings = evidence.settings
    kind = str(evidence.about.get("split", settings.split))
    rows: list[tuple[Words, Cell]] = [(say("leakage.kind"), say(f"leakage.is_{kind}"))]
    if kind == "forward":
        rows.append((say("leakage.embargo"), meaning(format_duration(settings.gap))))
    rows += [
        (say("leakage.labels_known"), say(f"leakage.{settings.labels_known}")),
        (say("leakage.folds"), say(f"leakage.folds_{settings.folds.window}", n=settings.folds.n)),
        (say("leakage.drop"), joined(meaning(rule.name) for rule in settings.drop) or say("leakage.none")),
    ]
    return tuple(rows)


def _split_findings(evidence: Evidence) -> list[Finding]:
    warning = str(evidence.about.get("split_warning", ""))
    if warning:
        return [Finding("random_split", Status.RED, say("leakage.random_split", warning=meaning(warning)))]
    if str(evidence.about.get("split")) != "forward":
        return [Finding("no_time", Status.AMBER, say("leakage.no_time"))]
    return []


def _parts(evidence: Evidence) -> list[Table]:
    parts = evidence.frame("parts.csv")
    if parts is None:
        return []
    names = ("part", "period", "days", "rows", "events", "left out")
    heads = [say(f"leakage.{name.replace(' ', '_')}") for name in names]
    rows = [
        [_part_cell(name, line[name], evidence.bundle.platform.time_zone) for name in names]
        for _, line in parts.iterrows()
    ]
    return [table_of("parts", say("leakage.parts"), heads, rows)]


def _part_cell(name: str, value: Any, zone: str) -> Cell:
    if not isinstance(value, str):
        return _cell(value)
    if name == "period":
        return business_days(value, zone)
    return meaning(value) if name == "part" else counted(value)


def _cell(value: Any) -> Cell:
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    return int(value) if isinstance(value, (int, np.integer)) else str(value)


def _later(evidence: Evidence) -> Statistic:
    """Days from the last row that was learnt or calibrated on to the first row of the test."""
    name = say("leakage.gap")
    if str(evidence.about.get("split")) != "forward":
        return not_assessed("gap", name, say("leakage.gap_without_time"))
    earlier = [rows.event_time[rows.labelled] for rows in (evidence.train, evidence.calibration)]
    times, later = np.concatenate(earlier), evidence.test.event_time[evidence.test.labelled]
    if not len(times) or not len(later):
        return not_assessed("gap", name, say("leakage.no_rows"))
    days = float(later.min() - times.max()) / DAY
    return Statistic("gap", name, days, n=len(later), unit=say("leakage.unit_days"), form=".2f")


def _red(intake: Mapping[str, Any] | None) -> Statistic:
    name = say("leakage.intake_red")
    if intake is None:
        return not_assessed("intake_red", name, say("leakage.no_intake"))
    n = sum(each["counts_as"] == "red" for each in intake["findings"])
    return Statistic("intake_red", name, float(n), n=int(intake["about"]["rows"]), form=".0f")


def _alone(evidence: Evidence, settings: ReportSettings) -> Statistic:
    name = say("leakage.alone")
    test = lighter(evidence, LIGHT_ROWS).test if settings.light else evidence.test
    rows = test.only(test.labelled)
    features = evidence.bundle.feature_set
    by_day = evidence.product is Product.PAYMENT and len(np.unique(rows.day)) > 1
    found = strongest(
        rows.X, rows.y, features.names, features.categorical, cluster=rows.day if by_day else None,
        n_draws=60 if settings.light else 300, seed=evidence.settings.seed,
    )  # fmt: skip
    if not found.name:
        return not_assessed("alone", name, say("leakage.one_class"), n=found.n, n_events=found.n_events)
    low, high = found.interval.low, found.interval.high
    note = say("leakage.which", feature=found.name)
    return Statistic("alone", name, found.auc, low, high, n=found.n, n_events=found.n_events, note=note)


def _findings(found: list[Mapping[str, Any]]) -> Table:
    rows: list[list[Cell]] = []
    for each in found:
        columns = each["columns"]
        more = f" … (+{len(columns) - _NAMED})" if len(columns) > _NAMED else ""
        limit = each["limit"] or {}
        rows.append(
            [
                say(f"leakage.grade_{each['counts_as'].replace(' ', '_')}"), _check(each),
                ", ".join(columns[:_NAMED]) + more, _summary(each), limit.get("value"), worded(limit.get("source", "")),
            ]
        )  # fmt: skip
    heads = [say(f"leakage.{name}") for name in ("grade", "check", "columns", "summary", "limit", "source")]
    statuses = tuple(_STATUS[each["counts_as"]] for each in found)
    return table_of("intake", say("leakage.intake"), heads, rows, statuses=statuses)


def _summary(found: Mapping[str, Any]) -> Words:
    """In both languages; an audit of earlier versions told it in one."""
    return Both(found["summary_zh"], found["summary"]) if "summary_zh" in found else str(found["summary"])


def _check(found: Mapping[str, Any]) -> Words:
    """The check's name in the reader's language; one that this report does not know, as it is."""
    name = str(found["check"])
    return say(f"leakage.check_{name}") if name in CHECK_NAMES else name


def _waived(intake: Mapping[str, Any]) -> list[Finding]:
    return [
        Finding(
            f"waived.{place}", Status.AMBER,
            say("leakage.waived", check=_check(each), columns=", ".join(each["columns"]), by=each["waived"]["by"],
                until=str(each["waived"]["until"]), reason=each["waived"]["reason"]),
        )
        for place, each in enumerate(intake["findings"])
        if each["waived"]
    ]  # fmt: skip


SECTION = Plan(60, "leakage", build)
