"""Scores given again beside the scores that were kept."""

from __future__ import annotations

import numpy as np


def greatest_difference(again: np.ndarray, kept: np.ndarray) -> float:
    """Greatest absolute difference of two score vectors float64[n]; infinite where only one of them is a number.

    Examples
    --------
    >>> greatest_difference(np.array([0.5, np.nan]), np.array([0.5, np.nan]))
    0.0
    >>> greatest_difference(np.array([0.5, np.nan]), np.array([0.25, 1.0]))
    inf
    """
    if len(again) == 0:
        return 0.0
    alike = (again == kept) | (np.isnan(again) & np.isnan(kept))
    if alike.all():
        return 0.0
    apart = np.abs(again[~alike] - kept[~alike])
    return float(np.where(np.isnan(apart), np.inf, apart).max())


def n_unlike(again: np.ndarray, kept: np.ndarray) -> int:
    """Rows whose scores are not the same bits, of two float64[n].

    Examples
    --------
    >>> n_unlike(np.array([0.0, 1.0]), np.array([-0.0, 1.0]))
    1
    """
    as_bits = (np.ascontiguousarray(each, np.float64).view(np.uint64) for each in (again, kept))
    first, second = as_bits
    return int((first != second).sum())
