"""Figures of reliability and of cost, each drawn on a canvas of its own and returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from training.master_scale import GradeTable
    from training.regret import CutoffCost
    from training.reliability import Reliability

_INK, _RISK, _CALM, _FAINT = "#1f2933", "#b4442f", "#2f6690", "#c5cbd3"
_GRADES = {"attention": "#c9a227", "warning": "#d9772b", "high": "#b4442f"}


def reliability_figure(made: Reliability) -> Any:
    """Observed rate over mean probability, with Jeffreys' 95 % intervals; the diagonal is perfect."""
    figure, axes = _canvas("Reliability", "mean predicted probability", "observed rate")
    said = np.array([each.predicted for each in made.bins])
    seen = np.array([each.observed for each in made.bins])
    low, high = (np.array([getattr(each, name) for each in made.bins]) for name in ("low", "high"))
    wide = said.min() > 0 and said.max() > 20 * said.min()
    floor = max(1e-6, float(min([*said, *high, *seen[seen > 0]])) / 1.5) if wide else 0.0
    top = min(1.0, 1.6 * float(max(said.max(), high.max()))) if wide else 1.04 * float(max(said.max(), high.max()))
    shown = np.maximum(seen, floor)
    axes.plot([floor, top], [floor, top], color=_INK, linewidth=0.8, linestyle="--", zorder=1)
    reach = [shown - np.maximum(low, floor).clip(max=shown), high - shown]
    axes.errorbar(said, shown, yerr=reach, fmt="none", ecolor=_FAINT, linewidth=1.4, zorder=2)
    # A rate of 0 has no place on a logarithmic axis: an open mark on its edge.
    hollow = (seen == 0) & wide
    axes.plot(said[~hollow], shown[~hollow], "o", color=_RISK, markersize=4.5, zorder=3)
    axes.plot(said[hollow], shown[hollow], "o", color=_RISK, markersize=4.5, markerfacecolor="white", clip_on=False,
              zorder=3)  # fmt: skip
    axes.set(xlim=(floor, top), ylim=(floor, top))
    if wide:
        axes.set(xscale="log", yscale="log")
        _plain_percent(axes)
    else:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
    said_of = f"calibration error {made.calibration_error:.2%}; by chance {made.chance[0]:.2%}, seldom over"
    _note(axes, f"{said_of} {made.chance[1]:.2%} (p = {made.p_value:.2g})")
    return figure


def cost_figure(made: CutoffCost) -> Any:
    """The cost as each cut-off moves between its neighbours, the frozen ones, and the best in hindsight."""
    figure, axes = _canvas("Cost of the cut-offs", "rows a day at or above the grade", f"cost, {made.currency}")
    cost, best = made.values["cost"], made.values["cost_in_hindsight"]
    for grade, colour in _GRADES.items():
        curve = np.array(made.curves[grade])
        # Zero rows have no place on a logarithmic axis.
        curve = curve[curve[:, 0] > 0]
        axes.plot(curve[:, 0], curve[:, 1], color=colour, linewidth=1.6, label=f"{grade} moves")
        chosen = curve[np.argmin(np.abs(curve[:, 1] - cost) + np.abs(curve[:, 0] - _rows(made, grade)))]
        axes.plot(chosen[0], chosen[1], "o", color=colour, markersize=6, markeredgecolor="white", zorder=4)
    axes.axhline(best, color=_CALM, linewidth=1, linestyle="--", label="best in hindsight within the budget")
    lowest = min(best, *(point[1] for curve in made.curves.values() for point in curve))
    # Far from the choice a curve climbs out of sight; what matters lies near it, and the legend above it.
    highest = min(2.2 * cost, max(point[1] for curve in made.curves.values() for point in curve))
    # Cut-offs that nothing moves all cost the same.
    room = 0.1 * max(highest - lowest, 0.1 * abs(highest), 1.0)
    axes.set(xscale="log", ylim=(lowest - room, highest + room))
    axes.xaxis.set_major_formatter(lambda rows, _: f"{rows:g}")
    axes.yaxis.set_major_formatter(lambda money, _: f"{money:,.0f}")
    figure.subplots_adjust(top=0.85)
    axes.set_title("Cost of the cut-offs", loc="left", fontsize=11, color=_INK, pad=20)
    axes.legend(
        frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=4, handlelength=1.4,
        borderaxespad=0.1, columnspacing=1.2,
    )  # fmt: skip
    limits = made.spread["regret"]
    text = f"frozen {cost:,.0f}; without model {made.values['cost_without_model']:,.0f}; regret"
    _note(axes, f"{text} {made.values['regret']:,.0f} ({limits.low:,.0f} to {limits.high:,.0f}) {made.currency}")
    return figure


def grades_figure(made: GradeTable) -> Any:
    """Observed default rate of each grade of the master scale with its interval, over the grade's band."""
    figure, axes = _canvas(f"Master scale, default within {made.horizon_months} months", "", "default rate")
    lines = [line for line in made.lines if line.observed is not None]
    floor = min([line.upto for line in lines] + [line.high or 1.0 for line in lines], default=0.01) / 4
    for place, line in enumerate(lines):
        assert line.observed is not None and line.low is not None and line.high is not None  # noqa: S101, PT018
        axes.bar(place, line.upto - max(line.above, floor), bottom=max(line.above, floor), width=0.72, color=_FAINT,
                 alpha=0.55, linewidth=0)  # fmt: skip
        shown = max(line.observed, floor)
        axes.plot([place, place], [max(line.low, floor), max(line.high, floor)], color=_INK, linewidth=1.2)
        colour = {"red": _RISK, "amber": _GRADES["attention"]}.get(line.light, _CALM)
        axes.plot(place, shown, "o", color=colour, markersize=6, markerfacecolor=colour if line.observed else "white")
    axes.set_xticks(range(len(lines)), [f"{line.grade}\nn {line.n:,}" for line in lines])
    axes.set(yscale="log", ylim=(floor, 1.0))
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.3g}" if share < 0.001 else f"{share:.1%}")
    _note(
        axes, "shaded: the grade's PD band; mark: observed rate with Jeffreys' 95 % interval, amber or red if too high"
    )
    return figure


def _rows(made: CutoffCost, grade: str) -> float:
    place = list(_GRADES).index(grade) + 1
    return float(sum(float(line["per_day"]) for line in made.grades[place:]))


def _canvas(title: str, x: str, y: str) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.8, 4.4), dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    figure.subplots_adjust(left=0.13, right=0.97, bottom=0.2, top=0.91)
    axes.set_title(title, loc="left", fontsize=11, color=_INK)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _plain_percent(axes: Any) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0)))
        axis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
        axis.set_minor_formatter(NullFormatter())


def _note(axes: Any, text: str) -> None:
    axes.figure.text(0.13, 0.035, text, fontsize=8, color=_INK)
