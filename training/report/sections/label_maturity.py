"""Whether labels had the time they need before they were believed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from domain.time import DAY
from scoring.labels import STATUSES
from scoring.labels import Status as LabelStatus
from scoring.pages.page import Block, Cell, Finding, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import Words, say, worded
from training.maturity import ALL
from training.proportion import wilson
from training.report.evidence import CALIBRATION, TEST, TRAIN, Evidence
from training.report.plan import Plan
from training.report.settings import ReportSettings

_VERDICTS = frozenset(each.value for each in STATUSES)


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Declared maturity, measured delays, and what each part is made of."""
    sources = evidence.frame("label_sources.csv")
    blocks: list[Block] = [_declared(evidence)]
    if sources is not None and len(sources):
        blocks += [_measured(sources), Prose(say("label_maturity.lower_limits"), quiet=True)]
    blocks += [
        Statistics(_statistics(evidence, settings, sources), say("label_maturity.statistics")),
        _statuses(evidence),
    ]
    if evidence.settings.labels_known == "at_cut":
        blocks.append(Finding("at_cut", Status.AMBER, say("label_maturity.at_cut")))
    else:
        blocks.append(Prose(say("label_maturity.at_test_start"), quiet=True))
    return Section("label_maturity", say("label_maturity.title"), tuple(blocks))


def _declared(evidence: Evidence) -> Table:
    maturity = evidence.settings.maturity
    rows: list[tuple[Cell, ...]] = [
        (code, each.after / DAY, worded(each.source)) for code, each in sorted(maturity.by_code.items())
    ] or [(say("label_maturity.all_sources"), maturity.after / DAY, worded(maturity.source))]
    heads = (say("label_maturity.code"), say("label_maturity.days"), say("label_maturity.source"))
    return table_of("declared", say("label_maturity.declared"), heads, rows)


def _measured(sources: pd.DataFrame) -> Table:
    names = ("code", "verdict", "rows", "median_days", "days_95pct", "maturity_days", "late", "late_share", "waiting")
    heads = [say(f"label_maturity.{name}") for name in names]
    rows = [[_told(name, getattr(line, name)) for name in names] for line in sources.itertuples()]
    return table_of("measured", say("label_maturity.measured"), heads, rows)


def _told(name: str, value: object) -> Cell:
    if name == "verdict" and value in _VERDICTS:
        return say(f"label_maturity.{value}")
    return say("label_maturity.all_sources") if name == "code" and value == ALL else _cell(value)


def _cell(value: object) -> Cell:
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, (int, np.integer)) else str(value)


def _statuses(evidence: Evidence) -> Table:
    rows: list[list[Cell]] = []
    for part in (TRAIN, CALIBRATION, TEST):
        mine = getattr(evidence, part)
        counts = [int((mine.status == each.value).sum()) for each in STATUSES]
        rows.append([say(f"label_maturity.{part}"), mine.n_whole, len(mine.y), int(mine.labelled.sum()), *counts])
    whole = evidence.json("labels.json")
    if whole is not None:
        counts = [int(whole.get(each.value, 0)) for each in STATUSES]
        rows.append([say("label_maturity.everything"), sum(counts), None, None, *counts])
    heads: list[Words] = [say(f"label_maturity.{name}") for name in ("part", "rows", "kept", "settled")]
    heads += [say(f"label_maturity.{each.value}") for each in STATUSES]
    return table_of("statuses", say("label_maturity.statuses"), heads, rows)


def _statistics(evidence: Evidence, settings: ReportSettings, sources: pd.DataFrame | None) -> tuple[Statistic, ...]:
    return tuple(
        each.held(settings.limit(evidence.product, f"label_maturity.{each.key}"))
        for each in (
            _late(sources),
            _immature("immature_measured", evidence, (CALIBRATION, TEST)),
            _immature("immature_train", evidence, (TRAIN,)),
            *_counted(evidence),
        )
    )


def _late(sources: pd.DataFrame | None) -> Statistic:
    """Positives that were told only after their rows would have been taken as final."""
    name = say("label_maturity.late_positives")
    if sources is None:
        return not_assessed("late_positives", name, say("label_maturity.no_sources"))
    told = sources[sources["verdict"] == LabelStatus.POSITIVE.value]
    n, late = int(told["rows"].sum()), int(told["late"].sum())
    if n == 0:
        return not_assessed("late_positives", name, say("label_maturity.no_positives"), n=0)
    low, high = (float(each) for each in wilson(np.array(late), np.array(n)))
    return Statistic("late_positives", name, late / n, low, high, n=n, n_events=late, form=".1%")


def _immature(key: str, evidence: Evidence, parts: tuple[str, ...]) -> Statistic:
    """Share of immature rows. Where labels are read at the cut, calibration and test hold no such row."""
    status = np.concatenate([getattr(evidence, part).status for part in parts])
    y = np.concatenate([getattr(evidence, part).y for part in parts])
    young = status == LabelStatus.IMMATURE.value
    if key == "immature_measured":
        # What must not be: a row that was measured though its label was not final.
        young &= y >= 0
        n = int((y >= 0).sum())
    else:
        n = len(status)
    name = say(f"label_maturity.{key}")
    if n == 0:
        return not_assessed(key, name, say("label_maturity.no_rows"), n=0)
    low, high = (float(each) for each in wilson(np.array(young.sum()), np.array(n)))
    return Statistic(key, name, float(young.sum() / n), low, high, n=n, n_events=int(young.sum()), form=".1%")


def _counted(evidence: Evidence) -> list[Statistic]:
    labels = evidence.json("labels.json") or {}
    found = []
    for key in ("early_positives", "outcomes_without_row"):
        name = say(f"label_maturity.{key}")
        if key in labels:
            found.append(Statistic(key, name, float(labels[key]), form=",.0f", note=say(f"label_maturity.note_{key}")))
        else:
            found.append(not_assessed(key, name, say("label_maturity.no_counts")))
    return found


SECTION = Plan(40, "label_maturity", build)
