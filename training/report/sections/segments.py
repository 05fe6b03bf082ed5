"""Segments and weak spots: where the model is worse than on the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from domain.decision import Product
from domain.money import exponent
from scoring.metrics import Ranking
from scoring.pages.drawing import CALM, FAINT, INK, RISK
from scoring.pages.page import Block, Cell, Finding, Picture, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.values import column_named, value_named
from scoring.pages.words import Tongue, Words, say
from training.cutoffs import grade_codes
from training.group_measures import observed_to_expected
from training.intervals import Interval
from training.report.evidence import Evidence, Rows
from training.report.plan import Plan
from training.report.settings import ReportSettings
from training.segments import (
    LEAST_EVENTS,
    WORDED,
    Dimension,
    Segment,
    history_feature,
    measure_segments,
    of_category,
    of_history,
    of_hour,
    of_number,
)
from training.stakes import grade_costs
from training.weak_spots import Spot, Term, weak_spots

LEAST_EXPECTED = 10
"""Events, observed or expected, below which calibration of a segment says nothing."""

_BANDED = ("amount", "term_months")
_DRAWS, _LIGHT_DRAWS = 150, 40
_TREE_ROWS, _LIGHT_TREE_ROWS = 60_000, 12_000


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """The section on segments and weak spots of the test."""
    rows = evidence.test.only(evidence.test.labelled)
    title, not_run = say("segments.title"), list[Words]()
    if not (rows.y == 1).any():
        missing = not_assessed("segments", title, say("segments.no_rows"), n=len(rows.y))
        return Section("segments", title, (Statistics((missing,)),))
    dimensions = _dimensions(evidence, rows)
    history = history_feature(evidence.bundle.encoder.names)
    if history is None:
        not_run.append(say("segments.not_split"))
    cost = _cost(evidence, rows)
    if cost is None and evidence.product is Product.PAYMENT:
        not_run.append(say("segments.no_cost"))
    days = rows.day if evidence.product is Product.PAYMENT and len(np.unique(rows.day)) > 1 else None
    segments = measure_segments(
        dimensions, rows.y, rows.raw, rows.probability, cluster=days, cost=cost,
        n_draws=_LIGHT_DRAWS if settings.light else _DRAWS, seed=evidence.settings.seed,
    )  # fmt: skip
    worst = [each for dimension in dimensions for each in _worst(dimension.key, segments, evidence, settings)]
    blocks: list[Block] = [
        Prose(say("segments.intro")),
        Statistics(tuple(worst), say("segments.worst")),
        Prose(say("segments.how_rows" if days is None else "segments.how_days"), quiet=True),
        Prose(say("segments.few", least=LEAST_EVENTS, expected=LEAST_EXPECTED), quiet=True),
        *([] if history is None else [Prose(say("segments.counted", feature=history), quiet=True)]),
        _picture(segments, Ranking.of(rows.y, rows.raw).auc(), evidence),
    ]
    blocks += _spots(evidence, rows, days, settings)
    return Section("segments", title, tuple(blocks), tuple(not_run))


def _dimensions(evidence: Evidence, rows: Rows) -> list[Dimension]:
    """Categories, bands of amount and term, length of history, and for payments the time of day."""
    encoder = evidence.bundle.encoder
    column = {name: rows.X[:, place] for place, name in enumerate(encoder.names)}
    found = [of_category(name, column[name], values) for name, values in encoder.categories.items() if values]
    found += [of_number(name, column[name]) for name in _BANDED if name in column and not np.isnan(column[name]).all()]
    history = history_feature(encoder.names)
    if history is not None:
        found.append(of_history("history", column[history]))
    if evidence.product is Product.PAYMENT:
        times = pd.DatetimeIndex(pd.to_datetime(rows.event_time, unit="us", utc=True))
        found.append(of_hour("hour", times.tz_convert(evidence.bundle.platform.time_zone).hour.to_numpy()))
    return [each for each in found if len(each.labels) > 1]


def _cost(evidence: Evidence, rows: Rows) -> np.ndarray | None:
    """Cost of each row under the frozen cut-offs, float64[n], in units of the base currency; None without prices."""
    costs = evidence.settings.costs
    if rows.amount is None or costs is None or costs.actions is None:
        return None
    codes = grade_codes(rows.probability, evidence.bundle.cutoffs)
    made = grade_costs(rows.y, rows.amount, costs)[np.arange(len(codes)), codes]
    return np.asarray(made / 10 ** exponent(evidence.bundle.platform.base_currency))


def _worst(
    key: str, segments: Sequence[Segment], evidence: Evidence, settings: ReportSettings
) -> tuple[Statistic, Statistic]:
    """The segment of a dimension with the least AUC, and the one furthest from its expectation."""
    mine = [each for each in segments if each.dimension == key]
    dimension = _dimension(key)
    names = {each: say(f"segments.{each}", dimension=dimension) for each in ("auc", "calibration")}
    ranked = [each for each in mine if each.auc is not None]
    auc = not_assessed(f"auc.{key}", names["auc"], say("segments.no_ranking", least=LEAST_EVENTS))
    if ranked:
        low = min(ranked, key=lambda each: each.auc or 0.0)
        wide = _widened(low.auc or 0.0, low.auc_interval, len(ranked))
        auc = _statistic(f"auc.{key}", names["auc"], low, low.auc, wide)
    counted = [each for each in mine if _counts(each)]
    off = not_assessed(f"calibration.{key}", names["calibration"], say("segments.no_calibration", least=LEAST_EXPECTED))
    if counted:
        far = max(counted, key=lambda each: abs(np.log(max(each.ratio, 1e-6))))
        made = observed_to_expected(far.n_events, far.n, far.predicted * far.n, 1 - 0.05 / len(counted))
        off = _statistic(
            f"calibration.{key}", names["calibration"], far, far.ratio,
            Interval(min(made.low, far.low), max(made.high, far.high)),
        )  # fmt: skip
    limits = {each: settings.limit(evidence.product, f"segments.{each}") for each in names}
    return auc.held(limits["auc"]), off.held(limits["calibration"])


def _counts(segment: Segment) -> bool:
    """Whether there are events enough, observed or expected, to speak of calibration."""
    return max(segment.n_events, segment.predicted * segment.n) >= LEAST_EXPECTED


def _statistic(key: str, name: Words, segment: Segment, value: float | None, spread: Interval) -> Statistic:
    label = _label(segment)
    return Statistic(key, name, value, spread.low, spread.high, segment.n, segment.n_events, note=label, form=".2f")


def _widened(value: float, interval: Interval | None, n: int) -> Interval:
    """An interval for the worst of n segments, from that of one: a normal quantile further out."""
    if interval is None or not np.isfinite(interval.low):
        return Interval(float("nan"), float("nan"))
    from scipy.stats import norm

    times = float(norm.ppf(1 - 0.025 / n) / norm.ppf(0.975))
    return Interval(value - times * (value - interval.low), value + times * (interval.high - value))


def _picture(segments: Sequence[Segment], auc: float, evidence: Evidence) -> Picture | Table:
    """All segments; where none has enough rows or events for a mark, their table alone."""
    currency = evidence.bundle.platform.base_currency
    columns = ["of_dimension", "of_segment", "rows", "events", "rate", "predicted", "ratio", "interval", "plain_auc",
               "interval", "ap", "interval"]  # fmt: skip
    heads: list[Words] = [say(f"segments.{each}") for each in columns]
    priced = any(each.cost is not None for each in segments)
    rows: list[tuple[Cell, ...]] = []
    for each in segments:
        row: tuple[Cell, ...] = (
            _dimension(each.dimension), _label(each), each.n, each.n_events, each.rate, each.predicted,
            each.ratio, f"{each.low:.2f} – {each.high:.2f}", each.auc, _written(each.auc_interval),
            each.average_precision, _written(each.average_precision_interval),
        )  # fmt: skip
        rows.append((*row, None if each.cost is None else 1000 * each.cost) if priced else row)
    heads += [say("segments.cost", currency=currency)] if priced else []
    table = table_of("segments", say("segments.all"), heads, rows, folded=True)
    shown = [each for each in segments if each.auc is not None or _counts(each)]
    if not shown:
        return table
    return Picture(
        "segments", say("segments.all"), say("segments.seen"), lambda tongue: _draw(tongue, shown, auc), table
    )


def _written(interval: Interval | None) -> str | None:
    return None if interval is None else f"{interval.low:.3f} – {interval.high:.3f}"


def _draw(tongue: Tongue, segments: Sequence[Segment], auc: float) -> Any:
    """Dots with intervals, a line a segment."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 1.0 + 0.17 * len(segments)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    names = [
        tongue(
            say("segments.segment", dimension=_dimension(each.dimension, coded=False), label=_label(each, coded=False))
        )
        for each in segments
    ]
    for place, each in enumerate(segments):
        if each.auc is not None and each.auc_interval is not None:
            left.plot([each.auc_interval.low, each.auc_interval.high], [place] * 2, "-", color=CALM, linewidth=1)
            left.plot(each.auc, place, "o", color=CALM, markersize=3.5)
        if _counts(each):
            right.plot([max(each.low, 0.05), min(each.high, 20)], [place] * 2, "-", color=RISK, linewidth=1)
            right.plot(np.clip(each.ratio, 0.05, 20), place, "s", color=RISK, markersize=3.5)
        if place and segments[place - 1].dimension != each.dimension:
            for axes in (left, right):
                axes.axhline(place - 0.5, color=FAINT, linewidth=0.6)
    if not any(each.auc is not None for each in segments):
        left.text(0.5, 0.5, tongue(say("segments.no_auc", least=LEAST_EVENTS)), transform=left.transAxes, ha="center",
                  va="center", fontsize=8, bbox={"facecolor": "white", "edgecolor": FAINT})  # fmt: skip
    left.axvline(auc, color=INK, linewidth=0.8, linestyle="--")
    right.axvline(1, color=INK, linewidth=0.8, linestyle="--")
    left.set_yticks(range(len(names)), names, fontsize=7)
    left.set(xlabel=tongue(say("segments.plain_auc")), ylim=(len(names) - 0.5, -0.5))
    right.set(xlabel=tongue(say("segments.ratio")), xscale="log")
    right.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    right.xaxis.set_minor_formatter(lambda value, _: f"{value:g}" if value in (0.5, 2, 5) else "")
    return figure


def _spots(evidence: Evidence, rows: Rows, days: np.ndarray | None, settings: ReportSettings) -> list[Block]:
    most = _LIGHT_TREE_ROWS if settings.light else _TREE_ROWS
    kept = np.sort(np.random.default_rng(evidence.settings.seed).permutation(len(rows.y))[:most])
    encoder = evidence.bundle.encoder
    found = weak_spots(
        rows.X[kept], encoder.names, encoder.categories, rows.y[kept], rows.probability[kept],
        cluster=None if days is None else days[kept], seed=evidence.settings.seed,
    )  # fmt: skip
    name, limit = say("segments.n_spots"), settings.limit(evidence.product, "segments.weak_spot")
    how = say("segments.spots_seen", days=say("segments.by_lot" if days is None else "segments.by_days"))
    if not found:
        missing = not_assessed("n_weak_spots", name, say("segments.no_tree"), n=len(kept))
        return [Prose(how), Statistics((missing,), say("segments.spots"))]
    held = [_held(spot, settings, evidence) for spot in found]
    count = Statistic(
        "n_weak_spots", name, float(held.count(Status.RED)), n=sum(spot.n for spot in found),
        n_events=sum(spot.n_events for spot in found), form=".0f",
    )  # fmt: skip
    if limit is not None:
        count = count.held(settings.limit(evidence.product, "segments.n_weak_spots"))
    findings = [
        Finding(
            f"weak_spot.{place + 1}", status,
            say("segments.found", rule=_rule(spot.terms), ratio=spot.ratio, n=spot.n, p=spot.adjusted),
        )
        for place, (spot, status) in enumerate(zip(found, held, strict=True))
        if spot.verified
    ]  # fmt: skip
    return [Prose(how), Statistics((count,), say("segments.spots")), *findings, _leaves(found, held)]


def _held(spot: Spot, settings: ReportSettings, evidence: Evidence) -> Status:
    """Pass where chance explains the leaf; else amber at least, red beyond the limit."""
    if not spot.verified:
        return Status.PASS
    made = Statistic("weak_spot", "", spot.ratio, spot.low, spot.high)
    judged = made.held(settings.limit(evidence.product, "segments.weak_spot")).status
    return Status.RED if judged is Status.RED else Status.AMBER


def _leaves(found: Sequence[Spot], held: Sequence[Status]) -> Table:
    columns = ("rule", "rows", "events", "expected", "ratio", "interval", "adjusted")
    rows = [
        (_rule(each.terms), each.n, each.n_events, each.expected, each.ratio, f"{each.low:.2f} – {each.high:.2f}",
         each.adjusted)
        for each in found
    ]  # fmt: skip
    made = table_of("leaves", say("segments.leaves"), [say(f"segments.{each}") for each in columns], rows)
    return replace(made, statuses=tuple(held))


def _rule(terms: Sequence[Term]) -> Words:
    said = [_term(each) for each in terms]
    return reduce(lambda first, second: say("segments.and", first=first, second=second), said)


def _term(term: Term) -> Words:
    text = f"{term.feature} {term.sign} {term.value}"
    return say("segments.or_missing", term=text) if term.or_missing else text


def _dimension(key: str, *, coded: bool = True) -> Words:
    return say(f"segments.{key}") if key in ("history", "hour") else column_named(key, coded=coded)


def _label(segment: Segment, *, coded: bool = True) -> Words:
    if segment.label in WORDED:
        return say(f"segments.{segment.label}")
    return value_named(segment.dimension, segment.label, coded=coded)


SECTION = Plan(170, "segments", build)
