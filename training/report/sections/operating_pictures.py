"""Pictures of the operating point: catch over alerts, cost over cut-offs, bad rate over approvals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scoring.pages.drawing import CALM, FAINT, INK, RISK, canvas, legend_above, percent
from scoring.pages.page import Picture, table_of
from scoring.pages.words import Tongue, say
from training.alert_curve import AlertCurve
from training.approval import ApprovalCurve
from training.cutoffs import GRADES

_LINES = {"recall": (RISK, "-"), "value_detection_rate": (CALM, "--"), "precision": (INK, ":")}
_OF_GRADE = {"attention": (CALM, ":", "s"), "warning": (INK, "--", "^"), "high": (RISK, "-", "o")}


def alerts_picture(
    curve: AlertCurve,
    found: Mapping[str, np.ndarray],
    bands: Mapping[str, tuple[np.ndarray, np.ndarray]],
    budget: int | None,
) -> Picture:
    """Recall, value detection and precision over alerts a day, with bands over days and the budget marked."""
    shown = {name: look for name, look in _LINES.items() if name in found}

    def draw(tongue: Tongue) -> Any:
        figure, axes = canvas(3.4)
        for name, (colour, line) in shown.items():
            axes.fill_between(curve.per_day, *bands[name], color=colour, alpha=0.12, linewidth=0)
            axes.plot(curve.per_day, found[name], color=colour, linestyle=line, linewidth=1.6,
                      label=tongue(say(f"operating_point.{name}")))  # fmt: skip
        if budget is not None:
            axes.axvline(budget, color=INK, linewidth=0.8)
            axes.annotate(tongue(say("operating_point.budget", per_day=budget)), (budget, 1.0), xytext=(3, -2),
                          textcoords="offset points", va="top", fontsize=8)  # fmt: skip
        axes.set(
            xscale="log",
            ylim=(0, 1.03),
            xlim=(curve.per_day[0], curve.per_day[-1]),
            xlabel=tongue(say("operating_point.alerts_a_day")),
            ylabel=tongue(say("operating_point.share")),
        )
        axes.xaxis.set_major_formatter(lambda alerts, _: f"{alerts:g}")
        axes.grid(axis="y", color=FAINT, linewidth=0.4, alpha=0.6)
        percent(axes.yaxis)
        legend_above(axes)
        return figure

    names = [
        name for name in ("precision", "recall", "value_detection_rate", "false_per_fraud", "lift") if name in found
    ]
    heads = [say("operating_point.alerts_a_day")]
    for name in names:
        heads += [say(f"operating_point.{name}"), say("operating_point.low"), say("operating_point.high")]
    rows = [
        (
            int(k),
            *(_cell(value) for name in names for value in (found[name][at], bands[name][0][at], bands[name][1][at])),
        )
        for at, k in enumerate(curve.per_day)
    ]
    table = table_of("alerts", say("operating_point.alerts_table"), heads, rows, folded=True)
    said = say("operating_point.alerts_said")
    return Picture("alerts", say("operating_point.alerts"), said, draw, table)


def _cell(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def cost_picture(priced: Mapping[str, Any]) -> Picture:
    """Total cost as each cut-off moves between its neighbours; marks stand at the frozen ones."""
    cost, best, currency = priced["values"]["cost"], priced["values"]["cost_in_hindsight"], priced["currency"]
    curves = {grade: np.array(points, np.float64) for grade, points in priced["curves"].items() if points}
    rows_at = _rows_at(priced)
    highest = max([cost, *(min(float(points[:, 1].max()), 2.2 * cost) for points in curves.values())])
    lowest = min([best, *(float(points[:, 1].min()) for points in curves.values())])

    def draw(tongue: Tongue) -> Any:
        figure, axes = canvas(3.2)
        for grade, points in curves.items():
            colour, line, mark = _OF_GRADE[grade]
            shown = points[points[:, 0] > 0]
            axes.plot(
                shown[:, 0],
                shown[:, 1],
                color=colour,
                linestyle=line,
                linewidth=1.4,
                label=tongue(say("operating_point.moves", grade=say(f"operating_point.grade_{grade}"))),
            )
            if rows_at[grade] > 0:
                axes.plot(rows_at[grade], cost, mark, color=colour, markersize=6, markeredgecolor="white", zorder=4)
        axes.axhline(best, color=FAINT, linewidth=1.4, label=tongue(say("operating_point.hindsight")))
        # Cut-offs that nothing moves all cost the same.
        room = 0.08 * max(highest - lowest, 0.1 * abs(highest), 1.0)
        axes.set(xscale="log", ylim=(lowest - room, highest + room), xlabel=tongue(say("operating_point.rows_above")),
                 ylabel=tongue(say("operating_point.cost_in", currency=currency)))  # fmt: skip
        axes.xaxis.set_major_formatter(lambda rows, _: f"{rows:g}")
        axes.yaxis.set_major_formatter(lambda money, _: f"{money:,.0f}")
        legend_above(axes)
        return figure

    heads = [say(f"operating_point.{name}") for name in ("grade", "rows_above")]
    heads.append(say("operating_point.cost_in", currency=currency))
    rows = [
        (say(f"operating_point.grade_{grade}"), float(each[0]), float(each[1]))
        for grade, points in curves.items()
        for each in points[np.unique(np.linspace(0, len(points) - 1, 8).astype(np.int64))]
    ]
    table = table_of("cost", say("operating_point.cost_table"), heads, rows, folded=True)
    said = say("operating_point.cost_said", cost=cost, best=best, currency=currency)
    return Picture("cost", say("operating_point.cost"), said, draw, table)


def _rows_at(priced: Mapping[str, Any]) -> dict[str, float]:
    """Rows a day at or above each frozen cut-off."""
    per_day = [float(line["per_day"]) for line in priced["grades"]]
    return {grade: sum(per_day[place:]) for place, grade in enumerate(GRADES, start=1)}


def approval_picture(curve: ApprovalCurve, marks: Mapping[str, tuple[float, float]], base: float) -> Picture:
    """Bad rate of the approved over the share approved, with the cut-offs marked.

    Parameters
    ----------
    marks : grade → (share approved below its cut-off, their bad rate). base : bad rate of all.
    """

    def draw(tongue: Tongue) -> Any:
        figure, axes = canvas(3.2)
        axes.fill_between(curve.share, curve.low, curve.high, color=FAINT, alpha=0.5, linewidth=0)
        axes.plot(curve.share, curve.rate, color=RISK, linewidth=1.6, label=tongue(say("operating_point.bad_rate")))
        axes.axhline(base, color=INK, linewidth=0.8, linestyle="--", label=tongue(say("operating_point.all_approved")))
        for grade, (share, rate) in marks.items():
            colour, _, mark = _OF_GRADE[grade]
            label = tongue(say("operating_point.below", grade=say(f"operating_point.grade_{grade}")))
            axes.plot(share, rate, mark, color=colour, markersize=6, markeredgecolor="white", zorder=4, label=label)
        axes.set(xlim=(0, 1.01), ylim=(0, None), xlabel=tongue(say("operating_point.approval_share")),
                 ylabel=tongue(say("operating_point.bad_rate")))  # fmt: skip
        for axis in (axes.xaxis, axes.yaxis):
            percent(axis)
        axes.grid(axis="y", color=FAINT, linewidth=0.4, alpha=0.6)
        legend_above(axes)
        return figure

    heads = [say(f"operating_point.{name}") for name in ("approval_share", "bad_rate", "low", "high")]
    at = np.unique(np.linspace(0, len(curve.share) - 1, 20).astype(np.int64))
    columns = (curve.share, curve.rate, curve.low, curve.high)
    rows = [tuple(float(each[place]) for each in columns) for place in at]
    table = table_of("approval", say("operating_point.approval_table"), heads, rows, folded=True)
    return Picture("approval", say("operating_point.approval"), say("operating_point.approval_said"), draw, table)
