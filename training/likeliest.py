"""Logistic regression on a few columns, with soft targets and weights: what calibration needs and no more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_RIDGE = 1e-10


@dataclass(frozen=True)
class Likeliest:
    """The maximum of the likelihood: ``P(1) = logistic(x · slopes + intercept)``; ``loss`` is the mean one, nats."""

    slopes: np.ndarray
    intercept: float
    loss: float


def likeliest(x: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> Likeliest:
    """Fit by Newton steps that are halved while they overshoot.

    Parameters
    ----------
    x : float64[n, k], few columns. target : float64[n], 0/1 or, for smoothed labels, probabilities.
    weight : float64[n]; only the ratios matter.

    Examples
    --------
    >>> fitted = likeliest(np.array([[-1.0], [-1], [-1], [1], [1], [1]]), np.array([0, 0, 1, 0, 1, 1]))
    >>> fitted.slopes.round(4).tolist(), abs(round(fitted.intercept, 4)), round(fitted.loss, 4)
    ([0.6931], 0.0, 0.6365)
    """
    w = np.full(len(x), 1 / len(x)) if weight is None else weight / weight.sum()
    centre = w @ x
    spread = np.sqrt(w @ (x - centre) ** 2)
    spread = np.where(spread > 0, spread, 1.0)
    z = np.column_stack([(x - centre) / spread, np.ones(len(x))])
    rate = float(np.clip(w @ target, 1e-12, 1 - 1e-12))
    line = np.append(np.zeros(x.shape[1]), np.log(rate / (1 - rate)))
    loss = _loss(z @ line, target, w)
    for _ in range(100):
        p = 0.5 + 0.5 * np.tanh(0.5 * (z @ line))  # the logistic function, without overflow
        gradient = z.T @ (w * (target - p))
        curvature = (z * (w * p * (1 - p))[:, None]).T @ z + _RIDGE * np.eye(len(line))
        step = np.linalg.solve(curvature, gradient)
        scale = 1.0
        while (tried := _loss(z @ (line + scale * step), target, w)) > loss and scale > 1e-6:
            scale /= 2
        if tried > loss:
            break
        line, loss = line + scale * step, tried
        if np.abs(scale * step).max() < 1e-10:
            break
    slopes = line[:-1] / spread
    return Likeliest(slopes, float(line[-1] - slopes @ centre), loss)


def _loss(margin: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    return float(weight @ (np.logaddexp(0.0, margin) - target * margin))
