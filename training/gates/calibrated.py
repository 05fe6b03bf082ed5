"""The gate on probabilities: slope, intercept and expected error of the calibration on later data.

A figure fails when it is beyond its limit and chance does not explain it: the interval of the slope leaves out 1,
that of the intercept leaves out 0, the expected error is above what a perfect model of this size shows.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from scoring.metrics import calibration_intervals, calibration_line
from training.gates.gate import Gate, Verdict, verdict_of
from training.gates.settings import Calibration

_BINS = 10
_DRAWS = 400
_SEED = 20_261
_TINY = 1e-9


def calibrated(test_scores: Path, by_day: bool, limits: Calibration) -> Gate:
    """Probabilities on the test agree with what happened.

    Parameters
    ----------
    test_scores : rows with y, score and day. by_day : whether rows of a day stand or fall together.
    """
    table = pq.read_table(test_scores, columns=["y", "score", "day"])
    y, p, day = (table[name].to_numpy() for name in ("y", "score", "day"))
    low, high = limits.slope
    limit = f"slope {low:g} to {high:g}, intercept ±{limits.intercept:g}, ECE {limits.ece:.0%} of the prevalence"
    n_events = int(min(y.sum(), len(y) - y.sum()))
    if n_events < limits.least_events:
        said = f"{n_events} events of the rarer class, at least {limits.least_events} are needed"
        required = limits.unassessed == "refuse"
        return Gate("calibration", Verdict.NOT_ASSESSED, False, said, limit, limits.source, required)
    cluster = day if by_day else None
    line = calibration_line(y, p)
    (slope_low, slope_high), _ = calibration_intervals(y, p, line, cluster)
    shift, (shift_low, shift_high) = calibration_in_the_large(y, p, cluster)
    ece, chance = expected_error(y, p), expected_error_by_chance(p)
    prevalence = float(y.mean())
    faults = [
        name
        for name, bad in (
            ("slope", not low <= line[0] <= high and not slope_low <= 1 <= slope_high),
            ("intercept", abs(shift) > limits.intercept and not shift_low <= 0 <= shift_high),
            ("ECE", ece > max(limits.ece * prevalence, chance)),
        )
        if bad
    ]
    said = (
        f"slope {line[0]:.2f} [{slope_low:.2f}, {slope_high:.2f}], "
        f"intercept {shift:+.2f} [{shift_low:+.2f}, {shift_high:+.2f}] at slope 1, "
        f"ECE {ece / prevalence:.0%} of the prevalence {prevalence:.2%} (by chance up to {chance / prevalence:.0%})"
    )
    said += f"; beyond its limit: {', '.join(faults)}" if faults else ""
    return Gate("calibration", verdict_of(not faults), False, said, limit, limits.source)


def calibration_in_the_large(
    y: np.ndarray, p: np.ndarray, cluster: np.ndarray | None
) -> tuple[float, tuple[float, float]]:
    """The shift of all log-odds that makes their mean right, with its 95 % interval robust to clusters.

    References
    ----------
    Van Calster et al., A calibration hierarchy for risk models was defined, J. Clinical Epidemiology 2016.

    Examples
    --------
    >>> y = np.array([0, 0, 0, 1] * 100)
    >>> shift, (low, high) = calibration_in_the_large(y, np.full(400, 0.5), None)
    >>> round(shift, 4), low < shift < high < 0
    (-1.0986, True)
    """
    p = np.clip(p, _TINY, 1 - _TINY)
    logit = np.log(p / (1 - p))
    shift = 0.0
    for _ in range(100):
        fitted = 1 / (1 + np.exp(-(logit + shift)))
        step = float((y - fitted).sum() / (fitted * (1 - fitted)).sum())
        # A step of at most 1 keeps Newton from overshooting where hardly any row is undecided.
        shift += max(-1.0, min(1.0, step))
        if abs(step) < 1e-12:
            break
    fitted = 1 / (1 + np.exp(-(logit + shift)))
    pulls = y - fitted
    if cluster is not None:
        _, member = np.unique(cluster, return_inverse=True)
        pulls = np.bincount(member, weights=pulls)
    spread = float((pulls**2).sum()) * len(pulls) / max(1, len(pulls) - 1)
    reach = 1.959964 * math.sqrt(spread) / float((fitted * (1 - fitted)).sum())
    return shift, (shift - reach, shift + reach)


def expected_error(y: np.ndarray, p: np.ndarray) -> float:
    """Expected calibration error over ten bins of equal size.

    References
    ----------
    Naeini, Cooper & Hauskrecht, AAAI 2015.

    Examples
    --------
    >>> expected_error(np.array([0, 1] * 50), np.full(100, 0.5))
    0.0
    """
    order = np.argsort(p, kind="stable")
    return _binned_error(y[order], p[order])


def expected_error_by_chance(p: np.ndarray) -> float:
    """The 95 % quantile of `expected_error` where every probability is right and rows are independent.

    Examples
    --------
    >>> bool(0.05 < expected_error_by_chance(np.full(200, 0.5)) < 0.2)
    True
    """
    rng = np.random.default_rng(_SEED)
    rising = np.sort(p)
    drawn = [_binned_error(rng.random(len(p)) < rising, rising) for _ in range(_DRAWS)]
    return float(np.quantile(drawn, 0.95))


def _binned_error(y: np.ndarray, p: np.ndarray) -> float:
    """Of rows that are sorted by probability already."""
    gaps = [abs(float(part.sum())) for part in np.array_split(y - p, _BINS)]
    return sum(gaps) / len(p)
