"""Pictures of a model, drawn on figures of their own: no global state, no window.

A warning, such as that of a random split, stands above the title of every one.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

_INK, _RISK, _CALM, _FAINT = "#1f2933", "#b4442f", "#2f6690", "#c5cbd3"


def draw_precision_recall(
    y: np.ndarray, score: np.ndarray, path: Path | None, warning: str | None = None, on: Any = None
) -> None:
    """Precision over recall, with the prevalence as the line of no skill."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(y[order])
    precision, recall = hits / np.arange(1, len(y) + 1), hits / max(1, hits[-1])
    # A curve of a hundred thousand points is a large file and the same picture.
    kept = np.unique(np.geomspace(1, len(y), 1_500).astype(np.int64)) - 1
    figure, axes = _canvas("Precision and recall", "recall", "precision", warning=warning, on=on)
    axes.plot(recall[kept], precision[kept], color=_RISK, linewidth=1.6)
    axes.axhline(float(y.mean()), color=_FAINT, linewidth=1)
    # At the right end every curve comes down to this line and would cross its name.
    axes.annotate(f"prevalence {y.mean():.2%}", (0.3, float(y.mean())), ha="center", va="bottom", fontsize=8)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    if path is not None:
        figure.savefig(path)


def draw_reliability(
    y: np.ndarray,
    probability: np.ndarray,
    path: Path | None,
    n_bins: int = 12,
    warning: str | None = None,
    on: Any = None,
) -> None:
    """Observed rate over predicted probability in equal steps of its logarithm, with 95 % Wilson intervals."""
    p = np.clip(probability, 1e-6, 1.0)
    edges = np.geomspace(float(p.min()), float(p.max()) * (1 + 1e-9), n_bins + 1)
    place = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, n_bins - 1)
    figure, axes = _canvas("Reliability", "mean predicted probability", "observed rate", warning=warning, on=on)
    means, rates, lows, highs = [], [], [], []
    for number in np.unique(place):
        mine = place == number
        n, rate = int(mine.sum()), float(y[mine].mean())
        centre = (rate + 1.92 / n) / (1 + 3.84 / n)
        reach = 1.96 * np.sqrt(rate * (1 - rate) / n + 0.96 / n**2) / (1 + 3.84 / n)
        means.append(float(probability[mine].mean()))
        rates.append(rate)
        lows.append(max(0.0, centre - reach))
        highs.append(centre + reach)
    floor = max(1e-5, min([value for value in (*means, *highs) if value > 0], default=1e-5) / 2)
    shown = np.maximum(rates, floor)
    axes.errorbar(
        means, shown, yerr=[shown - np.minimum(shown, np.maximum(lows, floor)), np.maximum(highs, shown) - shown],
        fmt="none", ecolor=_FAINT, linewidth=1,
    )  # fmt: skip
    seen = np.asarray(rates) > 0
    centres = np.asarray(means)
    axes.plot(centres[seen], shown[seen], "o", color=_RISK, markersize=4)
    if not seen.all():
        # A rate of 0 has no place on a logarithmic axis.
        axes.plot(centres[~seen], shown[~seen], "o", color=_RISK, markersize=4, markerfacecolor="white", clip_on=False,
                  label="none observed")  # fmt: skip
        axes.legend(frameon=False, loc="upper left")
    axes.plot([floor, 1], [floor, 1], color=_INK, linewidth=0.8, linestyle="--")
    axes.set(xscale="log", yscale="log", xlim=(floor, 1), ylim=(floor, 1))
    if path is not None:
        figure.savefig(path)


def draw_scores(y: np.ndarray, raw: np.ndarray, path: Path | None, warning: str | None = None, on: Any = None) -> None:
    """Histogram of raw scores per class, in steps that the smaller class can fill."""
    figure, axes = _canvas("Raw scores", "raw score (log-odds)", "share of the class", warning=warning, on=on)
    n_bins = int(np.clip(2 * np.sqrt(min(y.sum(), len(y) - y.sum())), 12, 60))
    edges = np.linspace(float(raw.min()), float(raw.max()) + 1e-9, n_bins + 1)
    for value, colour, name in ((0, _CALM, "negative"), (1, _RISK, "positive")):
        mine = raw[y == value]
        weights = np.full(len(mine), 1 / max(1, len(mine)))
        axes.hist(mine, bins=edges, weights=weights, histtype="step", color=colour, linewidth=1.4, label=name)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.legend(frameon=False)
    if path is not None:
        figure.savefig(path)


def draw_contributions(
    values: np.ndarray,
    features: np.ndarray,
    names: tuple[str, ...],
    path: Path,
    at_most: int = 20,
    warning: str | None = None,
) -> None:
    """SHAP summary: one line a feature, a dot a row, placed by its contribution and shaded by the feature's rank.

    Parameters
    ----------
    values : float64[n, m], contributions in raw log-odds. features : float64[n, m].
    """
    mean = np.abs(values).mean(axis=0)
    chosen = np.argsort(-mean, kind="stable")[:at_most][::-1]
    height = 0.27 * len(chosen) + 1.2
    legend = "blue: low value, red: high, grey: middle or missing\nbeside each name: mean size of its contribution"
    figure, axes = _canvas(
        "What moves the score (SHAP)",
        f"contribution (raw log-odds)\n{legend}",
        "",
        height,
        left=0.45,
        bottom=0.85,
        warning=warning,
    )
    axes.xaxis.label.set_fontsize(8)
    for line, column in enumerate(chosen):
        shade = _rank(features[:, column])
        spread = line + _swarm(values[:, column])
        axes.scatter(values[:, column], spread, c=shade, cmap="coolwarm", vmin=0, vmax=1, s=5, linewidths=0,
                     rasterized=True)  # fmt: skip
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.set_yticks(range(len(chosen)), [f"{names[column]}  {mean[column]:.3f}" for column in chosen], fontsize=7)
    axes.set_ylim(-0.7, len(chosen) - 0.3)
    figure.savefig(path)


def _canvas(
    title: str,
    x: str,
    y: str,
    height: float = 4.2,
    left: float = 0.12,
    bottom: float = 0.55,
    warning: str | None = None,
    on: Any = None,
) -> tuple[Any, Any]:
    """A figure with one pair of axes, or the given axes, in the house style."""
    if on is not None:
        return on.figure, _dressed(on, title, x, y)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.8, height), dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    # Margins in inches: a layout engine draws everything twice.
    figure.subplots_adjust(left=left, right=0.97, bottom=bottom / height, top=1 - 0.4 / height)
    if warning:
        figure.text(0.01, 1 - 0.03 / height, warning, fontsize=6.5, color=_RISK, va="top")
    return figure, _dressed(axes, title, x, y)


def _dressed(axes: Any, title: str, x: str, y: str) -> Any:
    axes.set_title(title, loc="left", fontsize=11, color=_INK)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return axes


def panel(y: np.ndarray, raw: np.ndarray, probability: np.ndarray, title: str, warning: str | None = None) -> Any:
    """Three pictures side by side on one matplotlib figure, for a notebook: ranking, reliability, raw scores.

    Parameters
    ----------
    y : int8[n]. raw, probability : float64[n].
    """
    figure = _shown(figsize=(12.6, 4.0), dpi=110)
    left, middle, right = figure.subplots(1, 3)
    draw_precision_recall(y, raw, None, on=left)
    draw_reliability(y, probability, None, on=middle)
    draw_scores(y, raw, None, on=right)
    figure.subplots_adjust(left=0.05, right=0.99, bottom=0.14, top=0.8, wspace=0.24)
    figure.text(0.05, 0.97, title, fontsize=10, color=_INK, va="top")
    if warning:
        figure.text(0.05, 0.915, warning, fontsize=8, color=_RISK, va="top")
    return figure


def _shown(**form: Any) -> Any:
    """A figure that a notebook shows by itself, whether or not anybody imported pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    class Picture(Figure):
        def _repr_png_(self) -> bytes:
            buffer = BytesIO()
            self.savefig(buffer, format="png")
            return buffer.getvalue()

    figure = Picture(**form)
    FigureCanvasAgg(figure)
    return figure


def _rank(column: np.ndarray) -> np.ndarray:
    """Ranks in 0…1; a missing value lies in the middle."""
    rank = np.full(len(column), 0.5)
    known = np.flatnonzero(~np.isnan(column))
    if len(known) > 1:
        rank[known] = np.searchsorted(np.sort(column[known]), column[known]) / (len(known) - 1)
    return rank


def _swarm(values: np.ndarray) -> np.ndarray:
    """Vertical places, within ±0.35, of dots that would lie on one another."""
    edges = np.linspace(float(values.min()), float(values.max()) + 1e-12, 80)
    cell = np.searchsorted(edges, values)
    place = np.zeros(len(values))
    largest = max(1, int(np.bincount(cell).max()))
    for number in np.unique(cell):
        mine = np.flatnonzero(cell == number)
        step = np.arange(len(mine)) - (len(mine) - 1) / 2
        place[mine] = 0.7 * step / largest
    return place


def draw_contenders(
    names: list[str], values: list[tuple[float, float, float]], differences: list[tuple[float, float, float] | None],
    figure_name: str, title: str,
) -> Any:  # fmt: skip
    """Families from top to bottom: the figure with its interval at left, its paired difference at right.

    Parameters
    ----------
    values, differences : value, low, high of each family; None for the one that the others are paired with.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height = 0.4 * len(names) + 1.4
    figure = Figure(figsize=(9.0, height), dpi=130)
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.16, right=0.97, bottom=0.55 / height, top=1 - 0.6 / height, wspace=0.08)
    for place, (value, difference) in enumerate(zip(values, differences, strict=True)):
        left.plot([value[1], value[2]], [place, place], color=_FAINT, linewidth=3)
        left.plot(value[0], place, "o", color=_RISK, markersize=5)
        if difference is not None:
            right.plot([difference[1], difference[2]], [place, place], color=_FAINT, linewidth=3)
            right.plot(difference[0], place, "o", color=_CALM, markersize=5)
    right.axvline(0, color=_INK, linewidth=0.8)
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    left.set_xlabel(figure_name.replace("_", " "))
    right.set_xlabel("less LightGBM's, paired")
    for axes in (left, right):
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=7, color=_INK)
    return figure


def draw_search(
    number: np.ndarray,
    value: np.ndarray,
    best: np.ndarray,
    chosen: int,
    name: str,
    path: Path,
    warning: str | None = None,
) -> None:
    """Trials in their order: each figure, the best so far, and the one that was chosen.

    Parameters
    ----------
    number : int64[n]. value : float64[n], NaN for a trial that was given up. best : float64[n].
    """
    figure, axes = _canvas("Search", "trial", f"{name.replace('_', ' ')}, mean over folds", warning=warning)
    ended = np.isfinite(value)
    axes.plot(number[ended], value[ended], "o", color=_CALM, markersize=4, label="ended")
    if ended.any():
        floor = np.full(int((~ended).sum()), float(value[ended].min()))
        axes.plot(number[~ended], floor, "x", color=_FAINT, markersize=4, label="given up")
    axes.step(number, best, where="post", color=_INK, linewidth=1, label="best so far")
    axes.plot(number[number == chosen], value[number == chosen], "o", color=_RISK, markersize=7, label="chosen")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path)
