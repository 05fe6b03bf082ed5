"""Pictures of the section on global explanation, each with the table of its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from scoring.pages.drawing import CALM, FAINT, INK, RISK, compact
from scoring.pages.meanings import group_named
from scoring.pages.page import Cell, Picture, table_of
from scoring.pages.words import Tongue, say
from training.effects import Ale, Raw, conditional_scores, grid_of


def panels(n: int, width: int = 3, height: float = 2.1) -> tuple[Any, list[Any]]:
    """A figure of n small pictures, and their axes."""
    from matplotlib.figure import Figure

    wide = min(n, width)
    deep = -(-n // wide)
    figure = Figure(figsize=(7.2, height * deep + 0.4), layout="constrained")
    axes = [figure.add_subplot(deep, wide, k + 1) for k in range(n)]
    return figure, axes


def beeswarm(values: np.ndarray, X: np.ndarray, names: tuple[str, ...], shown: np.ndarray) -> Picture:
    """A dot a row: where it is pushed, shaded by the rank of its value; hollow triangles where that is missing."""

    def draw(tongue: Tongue) -> Any:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.2, 0.26 * len(shown) + 1.0), layout="constrained")
        axes = figure.add_subplot()
        for line, column in enumerate(shown[::-1]):
            known = np.isfinite(X[:, column])
            height = line + spread(values[:, column])
            axes.scatter(
                values[known, column], height[known], c=_rank(X[known, column]), cmap="cividis", vmin=0, vmax=1, s=4,
                linewidths=0, rasterized=True,
            )  # fmt: skip
            axes.scatter(
                values[~known, column], height[~known], facecolors="none", edgecolors=FAINT, s=6, marker="^",
                linewidths=0.5, rasterized=True, zorder=0,
            )  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(range(len(shown)), [names[column] for column in shown[::-1]], fontsize=7)
        axes.set(xlabel=tongue(say("explanation.contribution")), ylim=(-0.7, len(shown) - 0.3))
        return figure

    quantiles = np.quantile(values[:, shown], [0.05, 0.5, 0.95], axis=0)
    rows: list[tuple[Cell, ...]] = [
        (names[column], *map(float, quantiles[:, k]), float(np.isnan(X[:, column]).mean()))
        for k, column in enumerate(shown)
    ]
    columns = [say(f"explanation.{head}") for head in ("feature", "q05", "q50", "q95", "missing")]
    table = table_of("beeswarm", say("explanation.beeswarm"), columns, rows, folded=True)
    return Picture("beeswarm", say("explanation.beeswarm"), say("explanation.beeswarm_says"), draw, table)


def importance(
    names: list[str], mean: np.ndarray, low: np.ndarray, high: np.ndarray, share: np.ndarray, groups: list[str]
) -> Picture:
    """Mean absolute contributions with their intervals."""

    def draw(tongue: Tongue) -> Any:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.2, 0.22 * len(names) + 1.0), layout="constrained")
        axes = figure.add_subplot()
        place = np.arange(len(names))
        axes.hlines(place, low, high, color=FAINT, linewidth=4)
        axes.plot(mean, place, "o", color=CALM, markersize=4)
        axes.set_yticks(place, names, fontsize=7)
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.set_xlabel(tongue(say("explanation.mean_abs")))
        return figure

    rows = [
        (name, group_named(group), float(mean[k]), float(low[k]), float(high[k]), float(share[k]))
        for k, (name, group) in enumerate(zip(names, groups, strict=True))
    ]
    columns = [say(f"explanation.{head}") for head in ("feature", "group", "mean_abs", "low", "high", "share")]
    title = say("explanation.importance", n=len(names))
    table = table_of("importance", title, columns, rows, folded=True)
    return Picture("importance", title, say("explanation.importance_says"), draw, table)


def effects(found: list[tuple[str, Ale]]) -> list[Picture]:
    """Accumulated local effects with their bands; none where no feature has an order."""
    if not found:
        return []

    def draw(tongue: Tongue) -> Any:
        figure, axes = panels(len(found))
        for on, (name, ale) in zip(axes, found, strict=True):
            on.fill_between(ale.edges, ale.low, ale.high, color=FAINT, linewidth=0)
            on.plot(ale.edges, ale.effect, color=RISK, linewidth=1.4, marker="o", markersize=2)
            on.axhline(0, color=INK, linewidth=0.6)
            on.set_title(name, fontsize=7, loc="left")
            on.tick_params(labelsize=6)
            compact(on.xaxis)
        figure.supylabel(tongue(say("explanation.effect")), fontsize=8)
        return figure

    rows: list[tuple[Cell, ...]] = [
        (name, *map(float, each))
        for name, ale in found
        for each in zip(ale.edges, ale.effect, ale.low, ale.high, strict=True)
    ]
    columns = [say(f"explanation.{head}") for head in ("feature", "value", "effect", "low", "high")]
    table = table_of("ale", say("explanation.ale"), columns, rows, folded=True)
    return [Picture("ale", say("explanation.ale"), say("explanation.ale_says"), draw, table)]


def conditional(raw: Raw, X: np.ndarray, found: list[tuple[str, int]]) -> list[Picture]:
    """Partial dependence over the lines of single rows, each from its own start."""
    grids = {name: grid_of(X[:, column]) for name, column in found}
    kept = [(name, column) for name, column in found if len(grids[name]) > 1]
    if not kept:
        return []
    lines = {name: conditional_scores(raw, X, column, grids[name]) for name, column in kept}

    def draw(tongue: Tongue) -> Any:
        figure, axes = panels(len(kept), height=2.4)
        for on, (name, _) in zip(axes, kept, strict=True):
            moved = lines[name] - lines[name][:, :1]
            on.plot(grids[name], moved.T, "-", color=FAINT, linewidth=0.4, rasterized=True)
            on.plot(grids[name], moved.mean(axis=0), color=INK, linewidth=1.6, linestyle="--")
            on.set_title(name, fontsize=7, loc="left")
            on.tick_params(labelsize=6)
            compact(on.xaxis)
        figure.supylabel(tongue(say("explanation.effect")), fontsize=8)
        return figure

    rows: list[tuple[Cell, ...]] = []
    for name, _ in kept:
        moved = lines[name] - lines[name][:, :1]
        low, high = np.quantile(moved, [0.025, 0.975], axis=0)
        rows += [(name, *map(float, each)) for each in zip(grids[name], moved.mean(axis=0), low, high, strict=True)]
    columns = [say(f"explanation.{head}") for head in ("feature", "value", "effect", "row_low", "row_high")]
    title = say("explanation.pdp", n=len(X))
    return [
        Picture("pdp", title, say("explanation.pdp_says"), draw, table_of("pdp", title, columns, rows, folded=True))
    ]


def spread(values: np.ndarray) -> np.ndarray:
    """Vertical places, within ±0.35, of dots that would lie on one another."""
    edges = np.linspace(float(values.min()), float(values.max()) + 1e-12, 80)
    cell = np.searchsorted(edges, values)
    order = np.argsort(cell, kind="stable")
    _, first, counts = np.unique(cell[order], return_index=True, return_counts=True)
    place = np.empty(len(values))
    within = np.arange(len(values)) - np.repeat(first, counts)
    place[order] = (within - np.repeat((counts - 1) / 2, counts)) * 0.7 / counts.max()
    return place


def _rank(column: np.ndarray) -> np.ndarray:
    """Ranks in 0…1."""
    return np.searchsorted(np.sort(column), column) / max(1, len(column) - 1)
