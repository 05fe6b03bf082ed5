"""The picture of stability: traffic, scores, events and ranking over the life of the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scoring.pages.drawing import CALM, FAINT, INK, RISK, percent, sheet, whiskers
from scoring.pages.page import Cell, Picture, table_of
from scoring.pages.words import Tongue, say
from training.intervals import Interval
from training.over_time import Period
from training.psi_interval import psi_interval

_MARKS = {"train": ("o", "white", INK), "calibration": ("s", CALM, CALM), "test": ("o", RISK, RISK)}

Told = tuple[float, Interval]

_LEAST_SHOWN = 30
"""Rows of a period whose index is drawn: the edges of a part may leave a month of two rows, which is all chance."""

_NONE: Told = (float("nan"), Interval(float("nan"), float("nan")))


def course_picture(unit: str, periods: tuple[Period, ...]) -> Picture:
    """Four panels over the periods: index, AUC, event rate, mean probability."""
    panels: tuple[tuple[str, Callable[[Period], Told]], ...] = (
        ("psi", lambda each: (each.psi.value, psi_interval(each.psi)) if each.n >= _LEAST_SHOWN else _NONE),
        ("auc", lambda each: (each.auc.value, Interval(each.auc.low, each.auc.high))),
        ("rate", lambda each: (each.rate, each.rate_between)),
        ("score", lambda each: (each.score, each.score_between)),
    )
    places = np.arange(len(periods), dtype=np.float64)

    def draw(tongue: Tongue) -> Any:
        figure, axes = sheet(4.8, 2, 2, sharex=True)
        for axis, (name, of) in zip(axes.ravel(), panels, strict=True):
            told = [of(each) for each in periods]
            low, high = (np.array([getattr(between, side) for _, between in told]) for side in ("low", "high"))
            whiskers(axis, places, low, high, linewidth=1.4)
            for part, (mark, fill, edge) in _MARKS.items():
                mine = [place for place, each in enumerate(periods) if each.part == part]
                axis.plot(places[mine], [told[place][0] for place in mine], mark, markersize=4.5, color=edge,
                          markerfacecolor=fill, zorder=3, label=tongue(say(f"stability.part_{part}")))  # fmt: skip
            if name == "psi":
                chance = [each.psi.by_chance if each.n >= _LEAST_SHOWN else np.nan for each in periods]
                axis.plot(places, chance, color=INK, linewidth=0.9, linestyle="--",
                          label=tongue(say("stability.by_chance")))  # fmt: skip
                handles, labels = axis.get_legend_handles_labels()
                figure.legend(handles, labels, frameon=False, fontsize=8, ncols=len(labels), loc="outside upper right")
            if name in ("rate", "score"):
                percent(axis.yaxis)
            axis.set_title(tongue(say(f"stability.panel_{name}")), fontsize=9)
            axis.grid(axis="y", color=FAINT, linewidth=0.4, alpha=0.6)
            step = max(1, len(periods) // 8)
            axis.set_xticks(places[::step], [each.name for each in periods][::step])
            axis.tick_params(axis="x", labelrotation=45, labelsize=7)
        return figure

    names = ("part", unit, "rows", "labelled", "events", "index", "by_chance", "auc", "auc_low", "auc_high", "rate",
             "rate_low", "rate_high", "score", "score_low", "score_high")  # fmt: skip
    rows = [_row(each) for each in periods]
    columns = [say(f"stability.{name}") for name in names]
    table = table_of("course", say("stability.course"), columns, rows, folded=True)
    return Picture("course", say("stability.course"), say("stability.course_said"), draw, table)


def _row(each: Period) -> tuple[Cell, ...]:
    numbers = (
        each.psi.value, each.psi.by_chance, each.auc.value, each.auc.low, each.auc.high, each.rate,
        each.rate_between.low, each.rate_between.high, each.score, each.score_between.low, each.score_between.high,
    )  # fmt: skip
    cells = tuple(number if np.isfinite(number) else None for number in numbers)
    return (say(f"stability.part_{each.part}"), each.name, each.n, each.n_labelled, each.n_events, *cells)
