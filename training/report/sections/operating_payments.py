"""Operating point of payments: alerts a day, frauds and money caught, cards, grades, and what the cut-offs cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from domain.bilingual import InBothLanguages
from domain.decision import RiskGrade
from scoring.pages.page import Block, Prose, Statistics, Table, table_of
from scoring.pages.status import Limit, Statistic, not_assessed
from scoring.pages.words import Words, say, worded
from training.alert_curve import AlertCurve, capacities
from training.alerts import CardPrecision, card_precision
from training.cutoffs import grade_codes
from training.evaluation import CARDS_A_DAY, Scored
from training.grade_reliability import grade_lines
from training.intervals import Interval, bootstrap
from training.report.estimates import estimate, n_draws
from training.report.evidence import Evidence
from training.report.sections.operating_pictures import alerts_picture, cost_picture
from training.report.settings import ReportSettings

_MOST_OF_ROWS = 0.2
"""Share of a day's payments up to which the curve goes: nobody looks at more."""

_FORMS = {"precision": ".1%", "recall": ".1%", "value_detection_rate": ".1%", "false_per_fraud": ".1f", "lift": ".1f"}
_MONEY = ("saved_share", "regret_share", "reviews_per_day")

Built = tuple[list[Block], list[Words]]


def payment_blocks(evidence: Evidence, settings: ReportSettings, test: Scored) -> Built:
    """Statistics at the budget, the curve over budgets, grades, and the cost of the frozen cut-offs."""
    blocks: list[Block] = []
    not_run: list[Words] = []
    budget = evidence.settings.alert_budget
    n_days = len(np.unique(test.day))
    most = max(2 * (budget.per_day if budget else 1), int(_MOST_OF_ROWS * len(test.y) / n_days), 2)
    curve = AlertCurve.of(
        test.y, test.raw, test.day, test.amount, capacities(budget.per_day if budget else most // 4, most)
    )
    bands = curve.bands(n_draws(settings), evidence.settings.seed)
    found = curve.figures()
    n, n_events = len(test.y), int(test.y.sum())
    statistics: list[Statistic] = []
    if budget is None:
        why = say("operating_point.no_budget")
        statistics += [
            not_assessed(f"{name}_at_budget", say(f"operating_point.{name}_at_budget"), why) for name in _FORMS
        ]
        not_run.append(why)
    else:
        blocks.append(Prose(say("operating_point.intro_payment", n=n, events=n_events, days=n_days,
                                per_day=budget.per_day, source=worded(budget.source))))  # fmt: skip
        at = int(np.searchsorted(curve.per_day, budget.per_day))
        for name, form in _FORMS.items():
            key = f"{name}_at_budget"
            if name not in found:
                statistics.append(not_assessed(key, say(f"operating_point.{key}"), say("operating_point.no_amounts")))
                continue
            low, high = bands[name]
            statistics.append(
                estimate(
                    key, say(f"operating_point.{key}"), float(found[name][at]),
                    Interval(float(low[at]), float(high[at])),
                    settings.limit(evidence.product, f"operating_point.{key}"),
                    why=say("operating_point.no_value"), n=n, n_events=n_events, form=form,
                )
            )  # fmt: skip
    statistics += _cards(evidence, settings, test)
    blocks += [
        Statistics(tuple(statistics), say("operating_point.at_capacity")),
        alerts_picture(curve, found, bands, budget.per_day if budget else None),
        _grades(evidence, test),
    ]
    priced = (evidence.json("thresholds.json") or {}).get("test")
    blocks.append(Statistics(_money(evidence, settings, priced, n, n_events), say("operating_point.frozen")))
    if priced is None:
        not_run.append(say("operating_point.no_costs"))
    else:
        blocks += [cost_picture(priced), _cutoffs(priced)]
    return [*blocks, Prose(say("operating_point.how_payment"), quiet=True)], not_run


def _cards(evidence: Evidence, settings: ReportSettings, test: Scored) -> list[Statistic]:
    """Card precision and what a perfect ranking of the same days would reach; resampled over days."""
    key, name = "card_precision_100", say("operating_point.card_precision_100")
    if test.card is None:
        return [not_assessed(key, name, say("operating_point.no_cards"))]
    found = card_precision(test.y, test.raw, test.day, test.card, CARDS_A_DAY)
    spread = bootstrap(
        lambda counts: {key: float(np.average(found.precision, weights=counts))},
        len(found.days), None, n_draws(settings), evidence.settings.seed,
    )  # fmt: skip
    return [
        estimate(
            key, name, found.mean, spread[key], settings.limit(evidence.product, f"operating_point.{key}"),
            why=say("operating_point.no_value"), n=len(test.y), n_events=int(test.y.sum()), form=".2%",
            note=_ceiling(found),
        )
    ]  # fmt: skip


def _ceiling(found: CardPrecision) -> Words:
    reached = found.mean / found.ceiling if found.ceiling else math.nan
    return say("operating_point.ceiling", ceiling=found.ceiling, reached=reached)


def _grades(evidence: Evidence, test: Scored) -> Table:
    """Rows, frauds and false alarms of each grade."""
    n_days = len(np.unique(test.day))
    codes = grade_codes(test.probability, evidence.bundle.cutoffs)
    lines = grade_lines([each.value for each in RiskGrade], codes, test.y, test.probability)
    events = max(1, int(test.y.sum()))
    rows = [
        (say(f"operating_point.grade_{line.grade}"), evidence.bundle.cutoffs.get(line.grade), line.n, line.n / n_days,
         line.n_events, line.observed, line.low, line.high, line.n_events / events,
         (line.n - line.n_events) / line.n_events if line.n_events else None)
        for line in lines
    ]  # fmt: skip
    heads = ("grade", "begins", "rows", "rows_a_day", "frauds", "fraud_rate", "low", "high", "of_all_frauds",
             "false_per_fraud")  # fmt: skip
    columns = [say(f"operating_point.{name}") for name in heads]
    return table_of("grades", say("operating_point.grades"), columns, rows)


def _money(
    evidence: Evidence, settings: ReportSettings, priced: Mapping[str, Any] | None, n: int, n_events: int
) -> tuple[Statistic, ...]:
    """What the cut-offs saved, what the best in hindsight would have saved more, and how many reviews they made."""
    names = {key: say(f"operating_point.{key}") for key in _MONEY}
    if priced is None:
        return tuple(not_assessed(key, name, say("operating_point.no_costs")) for key, name in names.items())
    values, spread = priced["values"], priced["spread"]
    saved, without = values["saved_share"], values["cost_without_model"]
    per_day, busiest = priced["n_reviewed"]
    limits = {key: settings.limit(evidence.product, f"operating_point.{key}") for key in _MONEY}
    limits["reviews_per_day"] = _of_budget(limits["reviews_per_day"], priced["per_day"], evidence)
    regret = say("operating_point.regret_note", regret=values["regret"], currency=priced["currency"])
    reviews = say("operating_point.busiest", busiest=int(busiest), per_day=int(priced["per_day"]))
    told: dict[str, tuple[float, Interval | None, str, Words]] = {
        "saved_share": (math.nan if saved is None else saved, _between(spread["saved_share"], 1.0), ".1%",
                        _prices(priced)),
        "regret_share": (values["regret"] / without if without else math.nan, _between(spread["regret"], without),
                         ".1%", regret),
        "reviews_per_day": (float(per_day), None, ".1f", reviews),
    }  # fmt: skip
    return tuple(
        estimate(
            key, names[key], value, between, limits[key], why=say("operating_point.no_value"), n=n, n_events=n_events,
            form=form, note=note,
        )
        for key, (value, between, form, note) in told.items()
    )  # fmt: skip


def _prices(priced: Mapping[str, Any]) -> Words:
    values = priced["values"]
    return say("operating_point.saved_note", cost=values["cost"], without=values["cost_without_model"],
               currency=priced["currency"])  # fmt: skip


def _between(limits: Mapping[str, float | None], unit: float) -> Interval | None:
    low, high = limits["low"], limits["high"]
    return None if low is None or high is None or not unit else Interval(low / unit, high / unit)


def _of_budget(limit: Limit | None, per_day: float, evidence: Evidence) -> Limit | None:
    """The limit, written in budgets, in alerts a day."""
    budget = evidence.settings.alert_budget
    if limit is None or limit.most is None or budget is None:
        return None
    near = None if limit.amber_most is None else limit.amber_most * per_day
    theirs = budget.source
    zh, en = (theirs, theirs) if isinstance(theirs, str) else (theirs.zh, theirs.en)
    told = InBothLanguages(zh=f"预算：{zh}", en=f"budget: {en}")
    source = limit.source.and_also(told) if isinstance(limit.source, InBothLanguages) else limit.source
    return limit.model_copy(update={"most": limit.most * per_day, "amber_most": near, "source": source})


def _cutoffs(priced: Mapping[str, Any]) -> Table:
    """Frozen cut-offs beside the best in hindsight, with what each grade met and cost."""
    lines = {line["grade"]: line for line in priced["grades"]}
    rows = [
        (say(f"operating_point.grade_{grade}"), priced["cutoffs"].get(grade), priced["hindsight"].get(grade),
         line["per_day"], line["n_events"], line["cost"])
        for grade, line in lines.items()
    ]  # fmt: skip
    columns = [
        say(f"operating_point.{name}") for name in ("grade", "frozen_at", "hindsight_at", "rows_a_day", "frauds")
    ]
    cost = say("operating_point.cost_in", currency=priced["currency"])
    return table_of("cutoffs", say("operating_point.cutoffs"), [*columns, cost], rows)
