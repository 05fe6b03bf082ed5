"""Figures of pages' pictures: sizes and colours of the house, no global state, no window."""

from __future__ import annotations

from typing import Any

import numpy as np

from scoring.pages.words import minus

INK, RISK, CALM, FAINT = "#1f2933", "#b4442f", "#2f6690", "#c5cbd3"
WIDTH = 7.2
"""Inches, as wide as a page takes."""


def canvas(height: float, n_axes: int = 1) -> tuple[Any, Any]:
    """A figure of the page's width, ``height`` inches, and its axes side by side (an array where there are several)."""
    return sheet(height, 1, n_axes)


def sheet(height: float, n_rows: int, n_columns: int, **more: Any) -> tuple[Any, Any]:
    """A figure of the page's width, ``height`` inches, with rows of axes; ``more`` as matplotlib's subplots take it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(n_rows, n_columns, **more)


def percent(axis: Any) -> None:
    """Write the ticks of an axis as percentages, with as many digits as they need."""
    axis.set_major_formatter(lambda share, _: f"{100 * share:.3g}%")


def legend_above(axes: Any) -> None:
    """The legend in one line over the picture, where it covers nothing."""
    n = len(axes.get_legend_handles_labels()[0])
    axes.legend(frameon=False, fontsize=8, ncols=n, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)


def compact(axis: Any) -> None:
    """Few ticks, great numbers in thousands and millions: for small pictures side by side."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(4))
    axis.set_major_formatter(lambda value, _: short(value))


def short(value: float) -> str:
    """A number of at most about five characters.

    Examples
    --------
    >>> [short(value) for value in (2_500_000, -40_000, 0.05, 0)]
    ['2.5M', '−40k', '0.05', '0']
    """
    for least, size, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return minus(f"{value / size:.4g}") + letter
    return minus(f"{value:.4g}")


def whiskers(axes: Any, x: np.ndarray, low: np.ndarray, high: np.ndarray, **more: Any) -> None:
    """Vertical intervals; those that are not known (NaN) are left out."""
    known = np.isfinite(low) & np.isfinite(high)
    axes.vlines(x[known], low[known], high[known], **{"color": FAINT, "linewidth": 2.0, "zorder": 1, **more})
