"""Two versions side by side: the same statistics, and paired differences where both were tested on one sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Final

import numpy as np

from domain.decision import Product
from domain.errors import InputError, expected_got
from scoring.metrics import Ranking, brier, log_loss
from scoring.pages.page import Cell, Facts, Page, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic, Status
from scoring.pages.words import Words, minus, say
from training.intervals import paired_difference
from training.report.evidence import Evidence, Rows
from training.report.front import DECISION, LIMITS
from training.report.settings import ReportSettings

FEWEST: Final = 30
"""Events in common from which a paired difference is worth an interval."""

Measure = Callable[[np.ndarray], float]


def side_by_side(first: tuple[Evidence, Page], second: tuple[Evidence, Page], settings: ReportSettings) -> Page:
    """A page that compares two reports of one product.

    Raises
    ------
    InputError
        When they are of two products.
    """
    (a, page_a), (b, page_b) = first, second
    if a.product is not b.product:
        raise InputError(expected_got(f"two models of {a.product.value}", b.product.value, "report --compare"))
    facts = Facts(
        "versions",
        (
            (say("versions.first"), page_a.subject), (say("versions.first_bundle"), a.bundle.hash),
            (say("versions.second"), page_b.subject), (say("versions.second_bundle"), b.bundle.hash),
        ),
    )  # fmt: skip
    return Page(
        say("versions.kind"), say("versions.subject", first=page_a.subject, second=page_b.subject), facts,
        (_paired(a, b, settings), _all(page_a, page_b)),
    )  # fmt: skip


def _paired(a: Evidence, b: Evidence, settings: ReportSettings) -> Section:
    """Differences, second less first, on the test rows that both have with the same label."""
    title = say("versions.paired")
    rows_a, rows_b, why = common_rows(a.test, b.test)
    if why is not None:
        return Section("paired", title, (Prose(why),), (why,))
    y = rows_a.y
    cluster = rows_a.day if a.product is Product.PAYMENT else None
    n_draws = 60 if settings.light else 300
    measures = zip(_measures(rows_a).items(), _measures(rows_b).values(), strict=True)
    made = []
    for (name, one), two in measures:
        value, interval = paired_difference(two, one, len(y), cluster, n_draws, a.settings.seed)
        made.append(
            Statistic(
                name, say(f"versions.{name}"), value, interval.low, interval.high, n=len(y), n_events=int(y.sum()),
                form="+.4f", note=say("versions.difference_only"),
            )
        )  # fmt: skip
    said = say("versions.common", n=len(y), first=int(a.test.labelled.sum()), second=int(b.test.labelled.sum()))
    return Section("paired", title, (Prose(said), Statistics(tuple(made))))


def common_rows(a: Rows, b: Rows) -> tuple[Rows, Rows, Words | None]:
    """Rows of both with one place in the journal and one settled label; or why there are too few."""
    a, b = a.only(a.labelled), b.only(b.labelled)
    _, in_a, in_b = np.intersect1d(a.seq, b.seq, return_indices=True)
    same = a.y[in_a] == b.y[in_b]
    a, b = _taken(a, in_a[same]), _taken(b, in_b[same])
    n_events = int(a.y.sum())
    if min(n_events, len(a.y) - n_events) < FEWEST:
        return a, b, say("versions.unpaired", n=len(a.y), n_events=n_events, fewest=FEWEST)
    return a, b, None


def _taken(rows: Rows, places: np.ndarray) -> Rows:
    """Rows at these places, in the order of the journal: both sides must stand in one order, and times tie."""
    order = places[np.argsort(rows.seq[places], kind="stable")]
    arrays = {each.name: getattr(rows, each.name) for each in fields(rows)}
    changed = {name: array[order] for name, array in arrays.items() if isinstance(array, np.ndarray)}
    return replace(rows, table=rows.table.take(order), **changed)


def _measures(rows: Rows) -> Mapping[str, Measure]:
    ranking = Ranking.of(rows.y, rows.raw)
    return {
        "auc": ranking.auc,
        "average_precision": ranking.average_precision,
        "brier": partial(_weighted, brier, rows.y, rows.probability),
        "log_loss": partial(_weighted, log_loss, rows.y, rows.probability),
    }


def _weighted(
    measure: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float],
    y: np.ndarray,
    probability: np.ndarray,
    weight: np.ndarray,
) -> float:
    return measure(y, probability, weight)


def _all(a: Page, b: Page) -> Section:
    """Every statistic that both reports have, each report's own interval beside it."""
    told_a, told_b = _statistics(a), _statistics(b)
    rows: list[tuple[Cell, ...]] = []
    statuses: list[Status] = []
    for key in [*told_a, *(key for key in told_b if key not in told_a)]:
        one, two = told_a.get(key), told_b.get(key)
        known = two or one
        if known is None:
            continue
        value_a, value_b = (None if each is None else each.value for each in (one, two))
        change = None if value_a is None or value_b is None else value_b - value_a
        rows.append((key, known.name, value_a, _span(one), value_b, _span(two), change))
        statuses.append(Status.NOT_ASSESSED if two is None else two.status)
    names = ("key", "statistic", "first_value", "interval", "second_value", "interval", "change")
    columns = [say(f"versions.{name}") for name in names]
    table = table_of("all", say("versions.all"), columns, rows, statuses=tuple(statuses))
    moved = table_of(
        "status_moved", say("versions.moved"), [say("versions.key"), say("versions.first"), say("versions.second")],
        [
            (key, say(f"page.{one.status.name.lower()}"), say(f"page.{told_b[key].status.name.lower()}"))
            for key, one in told_a.items()
            if key in told_b and told_b[key].status is not one.status
        ],
    )  # fmt: skip
    return Section("all", say("versions.all"), (Prose(say("versions.unpaired_all"), quiet=True), moved, table))


def _span(each: Statistic | None) -> Cell:
    if each is None or each.low is None or each.high is None or not np.isfinite([each.low, each.high]).all():
        return None
    return minus(f"{each.low:.4g} – {each.high:.4g}")


def _statistics(page: Page) -> dict[str, Statistic]:
    return {
        f"{section.key}.{each.key}": each
        for section in page.sections
        if section.key not in (DECISION, LIMITS)
        for each in section.statistics
    }
