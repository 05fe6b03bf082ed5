"""The picture of an intake report, on a figure of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from training.intake.report import IntakeReport

_INK, _RISK, _CALM, _FAINT = "#1f2933", "#b4442f", "#2f6690", "#c5cbd3"
_SHOWN = 15


def draw(report: IntakeReport) -> Figure:
    """AUC of single columns on the left, of telling test from training on the right; chance and limits as lines."""
    from matplotlib.figure import Figure

    n = max(3, min(_SHOWN, max(len(report.alone), len(report.drivers))))
    figure = Figure(figsize=(11, 1.2 + 0.28 * n), layout="constrained")
    left, right = figure.subplots(1, 2)
    limits = report.about["limits"]
    _bars(left, report.alone, limits["leaked_auc"], "one column alone ranks the target", "AUC")
    _bars(right, report.drivers, limits["moved_auc"], "one column alone tells test from training", "AUC")
    return figure


def _bars(axes: Any, values: Mapping[str, float], limit: float, title: str, label: str) -> None:
    shown = sorted(values.items(), key=lambda each: -each[1])[:_SHOWN][::-1]
    colours = [_RISK if value > limit else _CALM for _, value in shown]
    axes.barh([name for name, _ in shown], [value for _, value in shown], color=colours, height=0.7)
    axes.axvline(limit, color=_RISK, linewidth=1, linestyle="--")
    axes.axvline(0.5, color=_FAINT, linewidth=1)
    axes.set(xlim=(0.45, 1.0), xlabel=label)
    axes.set_title(title, fontsize=10, loc="left", color=_INK)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
