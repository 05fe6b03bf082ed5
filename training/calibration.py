"""Fitting calibration on raw scores of rows later than the model's own."""

from __future__ import annotations

from typing import Literal

import numpy as np

from domain.errors import ModelError, expected_got
from scoring.calibrator import Calibrator, Isotonic, Platt
from training.metrics import logistic_line

ENOUGH_EVENTS = 1_000
"""Positives from which isotonic regression has fewer surprises than a straight line."""

_FLAT = "expected risk to rise with the raw score"


def fit_calibrator(raw: np.ndarray, y: np.ndarray, kind: Literal["auto", "platt", "isotonic"] = "auto") -> Calibrator:
    """Fit Platt, or isotonic where there are enough positives.

    Parameters
    ----------
    raw : float64[n], log-odds margins.
    y : int8[n], labels of all traffic of the period: the prevalence must be the natural one.

    Raises
    ------
    ModelError
        When isotonic is asked for with under 1,000 positives, or scores do not rise with risk.

    Examples
    --------
    >>> raw = np.repeat([-1.0, 1.0], 500)
    >>> y = np.concatenate([np.arange(500) < 50, np.arange(500) < 250]).astype(np.int8)
    >>> fit_calibrator(raw, y).probability(np.array([-1.0, 1.0])).round(2).tolist()
    [0.1, 0.5]
    """
    n_events = int(y.sum())
    where = f"calibration on {len(y):,} later rows with {n_events} positives"
    if kind == "isotonic" and n_events < ENOUGH_EVENTS:
        raise ModelError(expected_got(f"{ENOUGH_EVENTS} positives for isotonic calibration", n_events, "calibration"))
    if kind == "isotonic" or (kind == "auto" and n_events >= ENOUGH_EVENTS):
        return _isotonic(raw, y, where)
    # Platt's smoothed targets keep the slope finite when a few rows separate the classes.
    target = np.where(y == 1, (n_events + 1) / (n_events + 2), 1 / (len(y) - n_events + 2))
    slope, intercept = logistic_line(raw, target)
    if slope <= 0:
        raise ModelError(f"{where}: {_FLAT}, got slope {slope:.3g}; the model does not rank this period")
    return Platt(slope, intercept)


def _isotonic(raw: np.ndarray, y: np.ndarray, where: str) -> Isotonic:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(raw, y)
    x = np.asarray(fitted.X_thresholds_, np.float64)
    p = np.maximum.accumulate(np.clip(np.asarray(fitted.y_thresholds_, np.float64), 0.0, 1.0))
    if p[0] == p[-1]:
        raise ModelError(f"{where}: {_FLAT}, got one level; the model does not rank this period")
    # A probability of exactly 0 or 1 is a claim no sample supports: half an event at each end.
    floor = 0.5 / (len(y) + 1)
    return Isotonic(tuple(x.tolist()), tuple(np.clip(p, floor, 1 - floor).tolist()))
