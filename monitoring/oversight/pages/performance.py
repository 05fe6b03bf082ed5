"""Performance: realised where labels are mature, estimated before; two tables, never one column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from domain.decision import Product
from monitoring.oversight.deployed import deployed
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from monitoring.performance_course import Measured, course, is_compared
from monitoring.result import Result
from scoring.pages.drawing import CALM, FAINT, RISK, percent, sheet, whiskers
from scoring.pages.page import Block, Cell, Picture, Prose, Section, Statistics, Table, percent_of, table_of
from scoring.pages.status import Status, not_assessed
from scoring.pages.words import Tongue, say

_DRAWN = ("auc", "event rate")
_SHARES = ("event rate", "value caught")


def build(look: Look) -> tuple[Section, ...]:
    """A section for each product."""
    return tuple(_product(look, product) for product in Product)


def _product(look: Look, product: Product) -> Section:
    title = say(f"performance.{product.value}")
    serving = deployed(look, product)
    if serving is None:
        none = not_assessed(product.value, title, say("performance.none"))
        return Section(product.value, title, (Statistics((none,)),))
    weeks = list(course(look, product, serving.bundle))
    if not weeks:
        none = not_assessed(product.value, title, say("performance.no_week"))
        return Section(product.value, title, (Statistics((none,)),))
    realised, estimated = [week.realised for week in weeks], [week.estimated for week in weeks]
    # Estimates rest on the calibration: without realised figures to bear them out, calm ones are no good news.
    borne_out = any(is_compared(result) for results in realised for result in results)
    blocks: list[Block] = [
        Prose(say("performance.realised_said"), quiet=True),
        _table("realised", weeks, realised, calm=Status.PASS),
        Prose(say("performance.estimated_said"), quiet=True),
        _table("estimated", weeks, estimated, calm=Status.PASS if borne_out else Status.NOT_ASSESSED),
    ]
    if any(result.assessed for week in weeks for result in (*week.realised, *week.estimated)):
        blocks.append(_picture(weeks))
    return Section(product.value, title, tuple(blocks))


def _table(kind: str, weeks: Sequence[Measured], found: Sequence[tuple[Result, ...]], *, calm: Status) -> Table:
    """A row a week; ``calm`` is the status of a week that was compared and does not stand out."""
    names = list(dict.fromkeys(result.name for results in found for result in results))
    rows, statuses = [], []
    for week, results in zip(weeks, found, strict=True):
        by_name = {result.name: result for result in results}
        n = max((result.n_current for result in results), default=0)
        cells: list[Cell] = [week.chunk.name, n]
        cells += [_cell(by_name[name]) if name in by_name else None for name in names]
        rows.append(tuple(cells))
        compared = [result for result in results if is_compared(result)]
        alarming = any(result.alarming for result in compared)
        statuses.append(Status.AMBER if alarming else calm if compared else Status.NOT_ASSESSED)
    heads = [say("performance.week"), say("performance.n"), *(say(f"performance.{_key(name)}") for name in names)]
    return table_of(kind, say(f"performance.{kind}"), heads, rows, statuses=tuple(statuses))


def _cell(result: Result) -> Cell:
    return percent_of(result.value) if result.name in _SHARES else result.value


def _picture(weeks: Sequence[Measured]) -> Picture:
    places = np.arange(len(weeks), dtype=np.float64)

    def draw(tongue: Tongue) -> Any:
        figure, axes = sheet(2.4, 1, len(_DRAWN))
        sides = (("realised", RISK, "o", -0.1), ("estimated", CALM, "s", 0.1))
        for axis, name in zip(axes, _DRAWN, strict=True):
            for kind, colour, mark, shift in sides:
                told = [_of(getattr(week, kind), name) for week in weeks]
                low, value, high = (np.array([each[place] for each in told]) for place in range(3))
                whiskers(axis, places + shift, low, high, color=colour, linewidth=1.2)
                axis.plot(
                    places + shift, value, mark, color=colour, markersize=4, label=tongue(say(f"performance.{kind}"))
                )
            axis.set_title(tongue(say(f"performance.{_key(name)}")), fontsize=9)
            axis.set_xticks(places, [week.chunk.name[5:] for week in weeks])
            axis.tick_params(labelsize=7)
            if name in _SHARES:
                percent(axis.yaxis)
            axis.grid(axis="y", color=FAINT, linewidth=0.4, alpha=0.6)
        figure.legend(
            *axes[0].get_legend_handles_labels(), frameon=False, fontsize=7, ncols=2, loc="outside upper right"
        )
        return figure

    rows: list[tuple[Cell, ...]] = [
        (week.chunk.name, say(f"performance.{kind}"), say(f"performance.{_key(name)}"),
         *(None if not np.isfinite(each) else float(each) for each in _of(getattr(week, kind), name)))
        for week in weeks for kind in ("realised", "estimated") for name in _DRAWN
    ]  # fmt: skip
    heads = [say(f"performance.{name}") for name in ("week", "kind", "figure", "low", "value", "high")]
    table = table_of("course_numbers", say("performance.course"), heads, rows, folded=True)
    return Picture("course", say("performance.course"), say("performance.course_said"), draw, table)


def _of(results: Sequence[Result], name: str) -> tuple[float, float, float]:
    nan = float("nan")
    found = next((each for each in results if each.name == name and each.value is not None), None)
    if found is None or found.value is None:
        return nan, nan, nan
    low = found.value if found.low is None else found.low
    return low, found.value, found.value if found.high is None else found.high


def _key(name: str) -> str:
    return name.replace(" ", "_")


PAGE = PagePlan(20, "performance", say("performance.title"), build)
