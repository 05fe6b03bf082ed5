"""Figures of pages' pictures: sizes and colours of the house, no global state, no window."""

from __future__ import annotations

from typing import Any

import numpy as np

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


def whiskers(axes: Any, x: np.ndarray, low: np.ndarray, high: np.ndarray, **more: Any) -> None:
    """Vertical intervals; those that are not known (NaN) are left out."""
    known = np.isfinite(low) & np.isfinite(high)
    axes.vlines(x[known], low[known], high[known], **{"color": FAINT, "linewidth": 2.0, "zorder": 1, **more})
