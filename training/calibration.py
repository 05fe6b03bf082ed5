"""Fitting calibration on raw scores of rows later than the model's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import pandas as pd

from domain.errors import ModelError, expected_got
from scoring.calibrator import Beta, Calibrator, Isotonic, Platt
from scoring.logistic import softplus_many
from scoring.metrics import logistic_line
from training.likeliest import likeliest

Kind = Literal["auto", "platt", "isotonic", "beta"]

ENOUGH_EVENTS = 1_000
"""Positives from which isotonic regression has fewer surprises than a curve."""

ENOUGH_TO_CHOOSE = 100
"""Positives from which a held-out comparison of curves says anything; with fewer it is Platt's."""

N_BLOCKS = 5
"""Blocks of time of that comparison: each but the first is forecast from all before it."""

_FLAT = "expected risk to rise with the raw score"
_TINY = 1e-15


@dataclass(frozen=True, slots=True)
class Tried:
    """One kind of calibrator, forecast forward in time inside the calibration rows.

    Parameters
    ----------
    log_loss : mean over the blocks that were forecast, nats; NaN where it was not fitted.
    gain : mean of Platt's loss less its own, row by row. gain_error : standard error of that mean.
    note : why it was not fitted.
    """

    kind: str
    log_loss: float
    gain: float
    gain_error: float
    chosen: bool
    note: str = ""


@dataclass(frozen=True)
class Calibrated:
    """A calibrator, and what it was chosen from; ``tried`` is empty where the kind was given."""

    calibrator: Calibrator
    tried: tuple[Tried, ...] = ()

    def table(self) -> pd.DataFrame:
        """One row a kind."""
        columns = list(Tried.__dataclass_fields__)
        return pd.DataFrame([asdict(each) for each in self.tried], columns=columns).set_index("kind")


def fit_calibrator(raw: np.ndarray, y: np.ndarray, kind: Kind = "auto", weight: np.ndarray | None = None) -> Calibrator:
    """Fit the calibrator asked for, or the one that forecasts best; see `calibrate`.

    Examples
    --------
    >>> raw = np.repeat([-1.0, 1.0], 500)
    >>> y = np.concatenate([np.arange(500) < 50, np.arange(500) < 250]).astype(np.int8)
    >>> fit_calibrator(raw, y, "platt").probability(np.array([-1.0, 1.0])).round(2).tolist()
    [0.1, 0.5]
    """
    return calibrate(raw, y, kind, weight).calibrator


def calibrate(raw: np.ndarray, y: np.ndarray, kind: Kind = "auto", weight: np.ndarray | None = None) -> Calibrated:
    """Fit a calibrator on later rows.

    ``auto`` fits Platt's line unless beta, or isotonic with at least 1,000 positives, forecasts the later blocks of
    these very rows with a log loss that is lower by more than its standard error; the test is not asked.

    Parameters
    ----------
    raw : float64[n], log-odds margins, rows oldest first.
    y : int8[n], labels of all traffic of the period: the prevalence must be the natural one.
    weight : float64[n], of the rows, such as the inverse of the chance that a row was let through; only their
        ratios matter.

    Raises
    ------
    ModelError
        When isotonic is asked for with under 1,000 positives, or scores do not rise with risk.
    """
    where = f"calibration on {len(y):,} later rows with {int(y.sum())} positives"
    if kind == "isotonic" and y.sum() < ENOUGH_EVENTS:
        raise ModelError(
            expected_got(f"{ENOUGH_EVENTS} positives for isotonic calibration", int(y.sum()), "calibration")
        )
    if kind != "auto":
        return Calibrated(_FITS[kind](raw, y, weight, where))
    if y.sum() < ENOUGH_TO_CHOOSE:
        return Calibrated(_platt(raw, y, weight, where))
    tried = _forecast(raw, y, weight)
    chosen = next(each.kind for each in tried if each.chosen)
    return Calibrated(_FITS[chosen](raw, y, weight, where), tried)


def _forecast(raw: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> tuple[Tried, ...]:
    """Each kind on blocks of time that it has not seen, beside Platt on the same rows."""
    # Blocks hold equally many positives: a block without any would say nothing.
    risen = np.cumsum(y)
    block = np.minimum((risen - y) * N_BLOCKS // risen[-1], N_BLOCKS - 1)
    losses: dict[str, np.ndarray] = {}
    notes: dict[str, str] = {}
    for kind in _FITS:
        if kind == "isotonic" and y.sum() < ENOUGH_EVENTS:
            notes[kind] = f"fewer than {ENOUGH_EVENTS} positives"
            continue
        try:
            losses[kind] = np.concatenate(
                [_loss_of_block(_FITS[kind], raw, y, weight, block == n, block < n) for n in range(1, N_BLOCKS)]
            )
        except ModelError as error:
            notes[kind] = str(error)
    if "platt" not in losses:  # the fit on all rows tells the author what is wrong
        return (Tried("platt", np.nan, np.nan, np.nan, chosen=True, note=notes["platt"]),)
    ahead = np.concatenate([np.flatnonzero(block == n) for n in range(1, N_BLOCKS)])
    w = np.ones(len(ahead)) if weight is None else weight[ahead].astype(np.float64)
    gains = {kind: _mean_and_error(losses["platt"] - loss, w) for kind, loss in losses.items()}
    convincing = {kind: gain for kind, (gain, error) in gains.items() if kind != "platt" and gain > error}
    best = max(convincing, key=convincing.__getitem__, default="platt")
    return tuple(
        Tried(
            kind,
            float(np.average(losses[kind], weights=w)) if kind in losses else np.nan,
            *gains.get(kind, (np.nan, np.nan)),
            chosen=kind == best,
            note=notes.get(kind, ""),
        )
        for kind in _FITS
    )


def _loss_of_block(
    fit: _Fit, raw: np.ndarray, y: np.ndarray, weight: np.ndarray | None, later: np.ndarray, earlier: np.ndarray
) -> np.ndarray:
    fitted = fit(raw[earlier], y[earlier], None if weight is None else weight[earlier], "calibration, forecast")
    p = np.clip(fitted.probability(raw[later]), _TINY, 1 - _TINY)
    return np.asarray(-np.where(y[later] == 1, np.log(p), np.log1p(-p)))


def _mean_and_error(values: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    share = weight / weight.sum()
    mean = float(np.sum(share * values))
    return mean, float(np.sqrt(np.sum(share**2 * (values - mean) ** 2)))


def _smoothed(y: np.ndarray) -> np.ndarray:
    """Platt's targets keep the slope finite when a few rows separate the classes."""
    n_events = int(y.sum())
    return np.where(y == 1, (n_events + 1) / (n_events + 2), 1 / (len(y) - n_events + 2))


def _platt(raw: np.ndarray, y: np.ndarray, weight: np.ndarray | None, where: str) -> Calibrator:
    slope, intercept = logistic_line(raw, _smoothed(y), weight)
    if slope <= 0:
        raise ModelError(f"{where}: {_FLAT}, got slope {slope:.3g}; the model does not rank this period")
    return Platt(slope, intercept)


def _beta(raw: np.ndarray, y: np.ndarray, weight: np.ndarray | None, where: str) -> Calibrator:
    """The likeliest a, b ≥ 0 and c: inside, or else on the better of the two edges, for the loss is convex."""
    target = _smoothed(y)
    columns = {"a": -softplus_many(-raw), "b": softplus_many(raw)}
    inside = likeliest(np.column_stack(list(columns.values())), target, weight)
    if (inside.slopes > 0).all():
        a, b = inside.slopes.tolist()
        return Beta(a, b, inside.intercept)
    edges = {name: likeliest(column[:, None], target, weight) for name, column in columns.items()}
    rising = {name: edge for name, edge in edges.items() if edge.slopes[0] > 0}
    if not rising:
        raise ModelError(f"{where}: {_FLAT}, got a falling curve; the model does not rank this period")
    name, edge = min(rising.items(), key=lambda pair: pair[1].loss)
    slopes = {"a": 0.0, "b": 0.0, name: float(edge.slopes[0])}
    return Beta(slopes["a"], slopes["b"], edge.intercept)


def _isotonic(raw: np.ndarray, y: np.ndarray, weight: np.ndarray | None, where: str) -> Calibrator:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(raw, y, sample_weight=weight)
    x = np.asarray(fitted.X_thresholds_, np.float64)
    p = np.maximum.accumulate(np.clip(np.asarray(fitted.y_thresholds_, np.float64), 0.0, 1.0))
    if p[0] == p[-1]:
        raise ModelError(f"{where}: {_FLAT}, got one level; the model does not rank this period")
    # A probability of exactly 0 or 1 is a claim no sample supports: half an event at each end.
    floor = 0.5 / (len(y) + 1)
    return Isotonic(tuple(x.tolist()), tuple(np.clip(p, floor, 1 - floor).tolist()))


_Fit = Callable[[np.ndarray, np.ndarray, np.ndarray | None, str], Calibrator]
_FITS: Mapping[str, _Fit] = {"platt": _platt, "beta": _beta, "isotonic": _isotonic}
"""Simplest first."""
