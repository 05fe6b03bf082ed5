"""Figures of performance from labels, or from probabilities where labels are not there yet.

A label may be a fraction: where it is the calibrated probability itself, the figures are those that are expected.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scoring.metrics import Ranking, brier

Floats = NDArray[np.float64]

FIGURES = ("event rate", "average precision", "auc", "brier", "expected over observed", "value caught")


def figures(
    y: Floats, score: Floats, alert: NDArray[np.bool_], amount: Floats, weight: Floats | None = None
) -> dict[str, float]:
    """Figures of some rows; NaN where they have none, as without events.

    Parameters
    ----------
    y : labels in [0, 1]. score : calibrated probabilities, also ranked by. alert : not approved.
    amount : at stake, any unit; NaN counts as nothing. weight : of each row.

    Examples
    --------
    >>> y, score = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.9, 0.2, 0.6])
    >>> found = figures(y, score, score > 0.5, np.array([5.0, 30.0, 5.0, 10.0]))
    >>> found["auc"], found["event rate"], found["value caught"], round(found["expected over observed"], 2)
    (1.0, 0.5, 1.0, 0.9)
    """
    w = np.ones(len(y)) if weight is None else weight
    ranking = Ranking.of(y, score)
    events = float((w * y).sum())
    lost = w * y * np.nan_to_num(amount)
    rows = float(w.sum())
    return {
        "event rate": events / rows if rows else float("nan"),
        "average precision": ranking.average_precision(w),
        "auc": ranking.auc(w),
        "brier": brier(y, score, w) if rows else float("nan"),
        "expected over observed": float((w * score).sum()) / events if events else float("nan"),
        "value caught": float(lost[alert].sum() / lost.sum()) if lost.sum() > 0 else float("nan"),
    }


def possible(name: str, low: float, high: float) -> tuple[float, float]:
    """An interval cut to what a figure can be: none lies below 0, and shares and areas not above 1.

    Examples
    --------
    >>> possible("auc", 0.96, 1.01), possible("expected over observed", -0.1, 1.4)
    ((0.96, 1.0), (0.0, 1.4))
    """
    return max(low, 0.0), high if name == "expected over observed" else min(high, 1.0)


def spread_of(draws: list[Mapping[str, float]]) -> dict[str, float]:
    """Standard deviation of each figure over draws; NaN draws are left out, and fewer than half known give NaN."""
    found = {}
    for name in FIGURES:
        known = np.array([each[name] for each in draws if np.isfinite(each[name])])
        found[name] = float(known.std(ddof=1)) if len(known) * 2 > len(draws) else float("nan")
    return found
