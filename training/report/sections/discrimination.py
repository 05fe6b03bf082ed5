"""Discrimination: does the score tell the classes apart, on rows it never saw, in each period, as well as it learnt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scoring.metrics import Ranking
from scoring.pages.page import Block, Finding, Picture, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import Say, say
from training.delong import Auc, auc_of, heterogeneity
from training.evaluation import Scored
from training.intervals import Interval, interval_of, resamples
from training.report.estimates import at_most_amber, clusters, estimate, n_draws
from training.report.evidence import CALIBRATION, TEST, TRAIN, Evidence
from training.report.plan import Plan
from training.report.sections.discrimination_pictures import curves_picture, periods_picture, scores_picture
from training.report.settings import ReportSettings
from training.spans import Spans, spans_of

LEAST_EVENTS = 10
"""Of either class; with fewer the interval of an AUC says nothing."""

_PARTS = (TRAIN, CALIBRATION, TEST)
_FORMS = {"ap_lift": ".2f", "prevalence": ".2%"}

Draws = Mapping[str, np.ndarray]


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Figures with intervals, their course over time, and the distance between what it learnt and what it meets."""
    parts = {TRAIN: evidence.train, CALIBRATION: evidence.calibration, TEST: evidence.test}
    scored = {name: rows.scored() for name, rows in parts.items()}
    test = scored[TEST]
    title = say("discrimination.title")
    if few(test):
        why = say("discrimination.few", n=len(test.y), events=int(test.y.sum()), least=LEAST_EVENTS)
        names = ("auc", "gini", "ks", "average_precision", "ap_lift")
        statistics = tuple(not_assessed(name, say(f"discrimination.{name}"), why) for name in names)
        return Section("discrimination", title, (Statistics(statistics),), (why,))
    drawn = {name: _draws(evidence, settings, each) for name, each in scored.items() if not few(each)}
    spans = spans_of(test.day)
    periods = [auc_of(test.y[spans.code == code], test.raw[spans.code == code]) for code in range(len(spans.names))]
    statistics = _ranking(evidence, settings, test, drawn[TEST])
    course = (*_gaps(evidence, settings, scored, drawn), *_over_time(evidence, settings, periods))
    blocks: list[Block] = [
        Prose(say(f"discrimination.intro_{evidence.product.value}", n=len(test.y), events=int(test.y.sum()))),
        Statistics(statistics, say("discrimination.on_test")),
        curves_picture(scored),
        scores_picture(test),
        Statistics(course, say("discrimination.elsewhere")),
        _parts_table(scored, drawn),
        _periods_picture(spans, periods, statistics[0]),
        Prose(say("discrimination.how"), quiet=True),
    ]
    if statistics[0].status is Status.RED:
        blocks.insert(0, Finding("no_skill", Status.RED, say("discrimination.no_skill", auc=statistics[0].value)))
    return Section("discrimination", title, tuple(blocks))


def few(scored: Scored) -> bool:
    """Whether a class has too few rows."""
    events = int(scored.y.sum())
    return min(events, len(scored.y) - events) < LEAST_EVENTS


def _draws(evidence: Evidence, settings: ReportSettings, scored: Scored) -> Draws:
    """Figures of each resample; the first entry is that of the rows themselves."""
    ranking = Ranking.of(scored.y, scored.raw)
    counts = resamples(len(scored.y), clusters(evidence.product, scored.day), n_draws(settings), evidence.settings.seed)
    y = scored.y.astype(np.float64)
    found = [_figures(ranking, y, np.ones(len(y)))]
    found += [_figures(ranking, y, each.astype(np.float64)) for each in counts]
    return {name: np.array([each[name] for each in found]) for name in found[0]}


def _figures(ranking: Ranking, y: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    made = ranking.figures(weight)
    prevalence = float((weight * y).sum()) / float(weight.sum())
    lift = made["average_precision"] / prevalence if prevalence else float("nan")
    return {**made, "gini": 2 * made["auc"] - 1, "prevalence": prevalence, "ap_lift": lift}


def _ranking(evidence: Evidence, settings: ReportSettings, test: Scored, drawn: Draws) -> tuple[Statistic, ...]:
    n, n_events = len(test.y), int(test.y.sum())
    notes = {"prevalence": say("discrimination.prevalence_note"), "average_precision": say("discrimination.ap_note")}
    return tuple(
        estimate(
            name, say(f"discrimination.{name}"), drawn[name][0], interval_of(drawn[name][1:]),
            settings.limit(evidence.product, f"discrimination.{name}"), why=say("discrimination.no_value"),
            n=n, n_events=n_events, form=_FORMS.get(name, ".3f"), note=notes.get(name, ""),
        )
        for name in ("auc", "gini", "ks", "prevalence", "average_precision", "ap_lift")
    )  # fmt: skip


def _gaps(
    evidence: Evidence, settings: ReportSettings, scored: Mapping[str, Scored], drawn: Mapping[str, Draws]
) -> tuple[Statistic, ...]:
    """AUC on rows it learnt from, or was calibrated on, less that of the test: the resamples are independent."""
    found, test = [], drawn[TEST]["auc"]
    for part in (TRAIN, CALIBRATION):
        key, name = f"gap_{part}", say(f"discrimination.gap_{part}")
        if part not in drawn:
            found.append(not_assessed(key, name, say("discrimination.few_there", least=LEAST_EVENTS)))
            continue
        gap = drawn[part]["auc"] - test
        found.append(
            estimate(
                key, name, gap[0], interval_of(gap[1:]),
                settings.limit(evidence.product, f"discrimination.{key}"), why=say("discrimination.no_value"),
                n=len(scored[TEST].y), n_events=int(scored[TEST].y.sum()), form="+.3f",
                note=say(f"discrimination.gap_{part}_note"),
            )
        )  # fmt: skip
    return tuple(found)


def _over_time(evidence: Evidence, settings: ReportSettings, periods: list[Auc]) -> tuple[Statistic, ...]:
    """The worst period, and whether chance explains that periods differ."""
    known = [each for each in periods if min(each.n_events, each.n - each.n_events) >= LEAST_EVENTS]
    keys = ("auc_worst_period", "auc_periods_p")
    if len(known) < 2:
        why = say("discrimination.few_periods", least=LEAST_EVENTS)
        return tuple(not_assessed(key, say(f"discrimination.{key}"), why) for key in keys)
    worst = min(known, key=lambda each: each.value)
    n, n_events = sum(each.n for each in known), sum(each.n_events for each in known)
    least, same = (settings.limit(evidence.product, f"discrimination.{key}") for key in keys)
    nothing, names = say("discrimination.no_value"), [say(f"discrimination.{key}") for key in keys]
    return (
        estimate(keys[0], names[0], worst.value, Interval(worst.low, worst.high), least, why=nothing, n=worst.n,
                 n_events=worst.n_events, note=say("discrimination.delong")),
        at_most_amber(
            estimate(keys[1], names[1], heterogeneity(known), None, same, why=nothing, n=n, n_events=n_events,
                     form=".2g", note=say("discrimination.cochran", n=len(known)))
        ),
    )  # fmt: skip


def _parts_table(scored: Mapping[str, Scored], drawn: Mapping[str, Draws]) -> Table:
    columns = [say(f"discrimination.{name}") for name in
               ("part", "rows", "events", "prevalence", "auc", "low", "high", "ks", "average_precision")]  # fmt: skip
    rows = []
    for part in _PARTS:
        each, told = scored[part], drawn.get(part)
        figures: tuple[float | None, ...] = (None,) * 5
        if told is not None:
            between = interval_of(told["auc"][1:])
            figures = (float(told["auc"][0]), between.low, between.high, float(told["ks"][0]),
                       float(told["average_precision"][0]))  # fmt: skip
        prevalence = float(each.y.mean()) if len(each.y) else None
        rows.append((say(f"discrimination.part_{part}"), len(each.y), int(each.y.sum()), prevalence, *figures))
    return table_of("parts", say("discrimination.parts"), columns, rows)


def _periods_picture(spans: Spans, periods: list[Auc], whole: Statistic) -> Picture:
    unit: Say = say(f"discrimination.{spans.unit}")
    told = [each if min(each.n_events, each.n - each.n_events) >= 2 else None for each in periods]
    return periods_picture(spans.names, told, whole, unit)


SECTION = Plan(90, "discrimination", build)
