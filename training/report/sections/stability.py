"""Stability: has what the model meets moved from what it was calibrated on, and did scores and events follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scoring.drift import psi
from scoring.pages.page import Block, Finding, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import say
from training.intervals import Interval
from training.missing import Missing, missing_changes, unseen_categories
from training.over_time import Period, Traffic, over_time
from training.psi_interval import psi_interval
from training.report.estimates import estimate
from training.report.evidence import CALIBRATION, TEST, TRAIN, Evidence, Rows
from training.report.plan import Plan
from training.report.sections.stability_picture import course_picture
from training.report.settings import ReportSettings
from training.stability import Moved, stability

LEAST_ROWS = 100
"""On either side; with fewer an index is mostly chance."""

_LEAST_OF_PERIOD = 50
_SHOWN = 20
_ROWS_OF_FEATURES = {True: 5_000, False: 40_000}


@dataclass(frozen=True)
class _Features:
    """Features beside their reference; ``known`` is whether the run told what each contributes."""

    moved: tuple[Moved, ...]
    missing: Mapping[str, Missing]
    known: bool


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Indices with what chance gives, the course of the model, and what it no longer gets."""
    before, now = evidence.calibration, evidence.test
    title = say("stability.title")
    if min(len(before.raw), len(now.raw)) < LEAST_ROWS:
        why = say("stability.few", before=len(before.raw), now=len(now.raw), least=LEAST_ROWS)
        return Section("stability", title, (Statistics((not_assessed("psi", say("stability.psi"), why),)),), (why,))
    features = _features(evidence, settings)
    parts = {TRAIN: evidence.train, CALIBRATION: before, TEST: now}
    unit, periods = over_time({name: _traffic(rows) for name, rows in parts.items() if len(rows.raw)}, before.raw)
    statistics = (
        _score(evidence, settings),
        _worst_period(evidence, settings, periods),
        _moved_share(evidence, settings, features),
        _rate(evidence, settings),
        _missing(evidence, settings, features),
        _unseen(evidence, settings),
    )
    told = features.moved[1:]
    blocks: list[Block] = [
        Prose(say("stability.intro", before=len(before.raw), now=len(now.raw))),
        Statistics(statistics),
        course_picture(unit, periods),
        Prose(say("stability.flagged", n=sum(each.psi > each.by_chance for each in told), features=len(told))),
        _table(evidence, settings, features),
        Prose(say("stability.how"), quiet=True),
    ]
    if statistics[2].status is Status.RED:
        names = ", ".join(each.name for each in _by_weight(features)[:3])
        blocks.insert(0, Finding("moved", Status.RED, say("stability.moved", share=statistics[2].value, names=names)))
    not_run = () if features.known else (say("stability.no_shares"),)
    if settings.light:
        not_run = (*not_run, say("stability.sampled", n=_ROWS_OF_FEATURES[True]))
    return Section("stability", title, tuple(blocks), not_run)


def _traffic(rows: Rows) -> Traffic:
    return Traffic(rows.day, rows.y, rows.raw, rows.probability)


def _features(evidence: Evidence, settings: ReportSettings) -> _Features:
    table = evidence.frame("shap.csv")
    shares = {} if table is None else dict(zip(table["feature"].astype(str), table["share"].astype(float), strict=True))
    rng = np.random.default_rng(evidence.settings.seed)
    most = _ROWS_OF_FEATURES[settings.light]
    before, now = (_some(rows.X, most, rng) for rows in (evidence.calibration, evidence.test))
    encoder = evidence.bundle.encoder
    moved = stability(
        before, now, evidence.calibration.raw, evidence.test.raw, encoder.names, encoder.categories, shares
    )
    changes = {each.name: each for each in missing_changes(before, now, encoder.names)}
    return _Features(moved, changes, table is not None)


def _some(X: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return X if len(X) <= most else X[np.sort(rng.permutation(len(X))[:most])]


def _score(evidence: Evidence, settings: ReportSettings) -> Statistic:
    found = psi(evidence.calibration.raw, evidence.test.raw)
    return estimate(
        "psi", say("stability.psi"), found.value, psi_interval(found),
        settings.limit(evidence.product, "stability.psi"), why=say("stability.no_value"), n=len(evidence.test.raw),
        n_events=int((evidence.test.y == 1).sum()),
        note=say("stability.psi_note", expected=found.expected, by_chance=found.by_chance),
    )  # fmt: skip


def _worst_period(evidence: Evidence, settings: ReportSettings, periods: tuple[Period, ...]) -> Statistic:
    key, name = "psi_worst_period", say("stability.psi_worst_period")
    known = [each for each in periods if each.part == TEST and each.n >= _LEAST_OF_PERIOD]
    if not known:
        return not_assessed(key, name, say("stability.few_in_periods", least=_LEAST_OF_PERIOD))
    worst = max(known, key=lambda each: each.psi.value)
    note = say("stability.period_note", period=worst.name, expected=worst.psi.expected, by_chance=worst.psi.by_chance)
    return estimate(
        key, name, worst.psi.value, psi_interval(worst.psi), settings.limit(evidence.product, f"stability.{key}"),
        why=say("stability.no_value"), n=worst.n, n_events=worst.n_events, note=note,
    )  # fmt: skip


def _moved_share(evidence: Evidence, settings: ReportSettings, features: _Features) -> Statistic:
    """Share of the contributions borne by features beyond the limit of a feature and beyond chance."""
    key, name = "moved_share", say("stability.moved_share")
    limit = settings.limit(evidence.product, "stability.feature")
    if not features.known or limit is None or limit.most is None:
        return not_assessed(key, name, say("stability.no_shares"))
    moved = [each for each in features.moved[1:] if each.beyond(limit.most)]
    note = say("stability.moved_note", n=len(moved), features=len(features.moved) - 1, limit=limit.most)
    return estimate(
        key, name, float(sum(each.share for each in moved)), None,
        settings.limit(evidence.product, f"stability.{key}"), why=say("stability.no_value"),
        n=features.moved[-1].n_current, n_events=int((evidence.test.y == 1).sum()), form=".1%", note=note,
    )  # fmt: skip


def _rate(evidence: Evidence, settings: ReportSettings) -> Statistic:
    """Event rate of the test over that of calibration, with Katz' interval of a ratio of two shares."""
    before, now = evidence.calibration.scored().y, evidence.test.scored().y
    b, a = int(before.sum()), int(now.sum())
    key, name = "rate_ratio", say("stability.rate_ratio")
    if not (a and b):
        return not_assessed(key, name, say("stability.no_events"), n=len(now), n_events=a)
    ratio = (a / len(now)) / (b / len(before))
    reach = 1.959964 * float(np.sqrt(1 / a - 1 / len(now) + 1 / b - 1 / len(before)))
    between = Interval(ratio * float(np.exp(-reach)), ratio * float(np.exp(reach)))
    return estimate(
        key, name, ratio, between, settings.limit(evidence.product, f"stability.{key}"),
        why=say("stability.no_value"), n=len(now), n_events=a, form=".2f",
        note=say("stability.rate_note", before=b / len(before), now=a / len(now)),
    )  # fmt: skip


def _missing(evidence: Evidence, settings: ReportSettings, features: _Features) -> Statistic:
    worst = max(features.missing.values(), key=lambda each: abs(each.change))
    sign = -1.0 if worst.change < 0 else 1.0
    low, high = sorted((sign * worst.between.low, sign * worst.between.high))
    note = say("stability.missing_note", name=worst.name, before=worst.before, now=worst.now)
    return estimate(
        "missing_change", say("stability.missing_change"), abs(worst.change), Interval(max(0.0, low), high),
        settings.limit(evidence.product, "stability.missing_change"), why=say("stability.no_value"),
        n=features.moved[-1].n_current, n_events=int((evidence.test.y == 1).sum()), form=".1%", note=note,
    )  # fmt: skip


def _unseen(evidence: Evidence, settings: ReportSettings) -> Statistic:
    key, name = "unseen", say("stability.unseen")
    found = unseen_categories(evidence.test.table, evidence.bundle.encoder.categories)
    if not found:
        return not_assessed(key, name, say("stability.no_categories"))
    worst = max(found, key=lambda each: each.share)
    note = (
        say("stability.unseen_note", name=worst.name, values=", ".join(worst.examples))
        if worst.n
        else say("stability.none_unseen", n=len(found))
    )
    return estimate(
        key, name, worst.share, worst.between, settings.limit(evidence.product, f"stability.{key}"),
        why=say("stability.no_value"), n=len(evidence.test.y), n_events=int((evidence.test.y == 1).sum()),
        form=".2%", note=note,
    )  # fmt: skip


def _by_weight(features: _Features) -> list[Moved]:
    """Features by falling index times share of the contributions, or by the index alone."""
    return sorted(features.moved[1:], key=lambda each: -each.psi * (each.share if features.known else 1.0))


def _table(evidence: Evidence, settings: ReportSettings, features: _Features) -> Table:
    limit = settings.limit(evidence.product, "stability.feature")
    rows, statuses = [], []
    for each in _by_weight(features)[:_SHOWN]:
        gone = features.missing[each.name]
        share = each.share if features.known else None
        flag = say("stability.beyond") if each.psi > each.by_chance else say("stability.chance")
        rows.append((each.name, each.psi, each.by_chance, flag, share, gone.before, gone.now))
        statuses.append(_status(each, limit.most if limit else None, limit.amber_most if limit else None))
    names = ("feature", "index", "by_chance", "flag", "share", "missing_before", "missing_now")
    columns = [say(f"stability.{name}") for name in names]
    return table_of("features", say("stability.features"), columns, rows, statuses=tuple(statuses))


def _status(each: Moved, most: float | None, near: float | None) -> Status:
    """Amber at most: one feature that moved is not yet a model that fails; their joint share is judged above."""
    if most is None:
        return Status.NOT_ASSESSED
    return Status.AMBER if each.beyond(most if near is None else near) else Status.PASS


SECTION = Plan(120, "stability", build)
