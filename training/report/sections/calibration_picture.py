"""The picture of reliability: observed rates over mean probabilities, with the rows of each bin below."""

from __future__ import annotations

from typing import Any

import numpy as np

from scoring.pages.drawing import FAINT, INK, RISK, canvas, percent, whiskers
from scoring.pages.page import Picture, table_of
from scoring.pages.words import Tongue, say
from training.reliability import Reliability


def reliability_picture(made: Reliability) -> Picture:
    """Bins of equally many rows with Jeffreys' 95 % intervals; the diagonal is perfect."""
    predicted, observed, low, high = (
        np.array([getattr(each, name) for each in made.bins]) for name in ("predicted", "observed", "low", "high")
    )

    def draw(tongue: Tongue) -> Any:
        figure, axes = canvas(3.6)
        wide = bool(predicted.min() > 0 and predicted.max() > 20 * predicted.min())
        floor = float(min([*predicted, *high, *observed[observed > 0]])) / 1.6 if wide else 0.0
        top = float(max(predicted.max(), high.max())) * (1.4 if wide else 1.05)
        shown = np.maximum(observed, floor)
        axes.plot([floor, top], [floor, top], color=INK, linewidth=0.9, linestyle="--",
                  label=tongue(say("calibration.perfect")))  # fmt: skip
        whiskers(axes, predicted, np.maximum(low, floor), high)
        none = (observed == 0) & wide
        axes.plot(predicted[~none], shown[~none], "o", color=RISK, markersize=5, zorder=3,
                  label=tongue(say("calibration.bins_label")))  # fmt: skip
        if none.any():
            axes.plot(predicted[none], shown[none], "o", color=RISK, markerfacecolor="white", markersize=5, zorder=3,
                      clip_on=False, label=tongue(say("calibration.none_observed")))  # fmt: skip
        if wide:
            axes.set(xscale="log", yscale="log")
            for axis in (axes.xaxis, axes.yaxis):
                _few_ticks(axis)
        axes.set(xlim=(floor, top), ylim=(floor, top), xlabel=tongue(say("calibration.mean_probability")),
                 ylabel=tongue(say("calibration.observed")))  # fmt: skip
        for axis in (axes.xaxis, axes.yaxis):
            percent(axis)
        axes.grid(color=FAINT, linewidth=0.4, alpha=0.6)
        axes.legend(frameon=False, fontsize=8, loc="upper left")
        return figure

    names = ("from", "upto", "rows", "events", "mean_probability", "observed", "low", "high")
    rows = [
        (each.least, each.most, each.n, each.n_events, each.predicted, each.observed, each.low, each.high)
        for each in made.bins
    ]
    table = table_of(
        "reliability", say("calibration.bins"), [say(f"calibration.{name}") for name in names], rows, folded=True
    )
    return Picture("reliability", say("calibration.picture"), say("calibration.picture_said"), draw, table)


def _few_ticks(axis: Any) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0)))
    axis.set_minor_formatter(NullFormatter())
