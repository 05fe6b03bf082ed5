"""Metrics of ranking and of probabilities, each with optional row weights.

A resample is a vector of counts per row, so one sorted order serves a thousand of them: see `Ranking`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TINY = 1e-15


@dataclass(frozen=True)
class Ranking:
    """Rows sorted by falling score, with the ends of tied groups, ready for any weights.

    Parameters
    ----------
    order : int64[n], positions by falling score.
    last : int64[g], place in that order of the last row of each distinct score.
    y : int8[n], labels in that order.

    Examples
    --------
    >>> ranking = Ranking.of(np.array([0, 1, 1]), np.array([.1, .9, .9]))
    >>> ranking.auc(), ranking.average_precision(), ranking.ks()
    (1.0, 1.0, 1.0)
    """

    order: np.ndarray
    last: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, score: np.ndarray) -> Ranking:
        """Sort once."""
        order = np.argsort(-score, kind="stable")
        falling = score[order]
        last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
        return cls(order, last, y[order])

    def _cumulated(self, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        ones = np.ones(len(self.y)) if weight is None else weight[self.order].astype(np.float64)
        positive = ones * self.y
        return np.cumsum(positive)[self.last], np.cumsum(ones - positive)[self.last]

    def figures(self, weight: np.ndarray | None = None) -> dict[str, float]:
        """All three figures from one pass."""
        sums = self._cumulated(weight)
        return {"average_precision": _average_precision(*sums), "auc": _auc(*sums), "ks": _ks(*sums)}

    def auc(self, weight: np.ndarray | None = None) -> float:
        """Area under the ROC curve; a tie counts half; NaN without both classes."""
        return _auc(*self._cumulated(weight))

    def average_precision(self, weight: np.ndarray | None = None) -> float:
        """Mean precision over the recall gained at each distinct score; NaN without positives."""
        return _average_precision(*self._cumulated(weight))

    def ks(self, weight: np.ndarray | None = None) -> float:
        """Greatest distance between the score distributions of the classes; NaN without both."""
        return _ks(*self._cumulated(weight))


def _auc(hit: np.ndarray, miss: np.ndarray) -> float:
    if not (hit[-1] and miss[-1]):
        return float("nan")
    tpr = np.concatenate(([0.0], hit / hit[-1]))
    fpr = np.concatenate(([0.0], miss / miss[-1]))
    return float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2))


def _average_precision(hit: np.ndarray, miss: np.ndarray) -> float:
    if not hit[-1]:
        return float("nan")
    precision = hit / np.maximum(hit + miss, _TINY)
    return float(np.sum(np.diff(hit, prepend=0.0) * precision) / hit[-1])


def _ks(hit: np.ndarray, miss: np.ndarray) -> float:
    if not (hit[-1] and miss[-1]):
        return float("nan")
    return float(np.max(np.abs(hit / hit[-1] - miss / miss[-1])))


def brier(y: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Mean squared error of a probability.

    Examples
    --------
    >>> brier(np.array([0, 1]), np.array([0.0, 0.5]))
    0.125
    """
    return float(np.average((probability - y) ** 2, weights=weight))


def log_loss(y: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Mean negative log-likelihood, nats; probabilities are kept 1e-15 away from 0 and 1.

    Examples
    --------
    >>> round(log_loss(np.array([0, 1]), np.array([0.5, 0.5])), 4)
    0.6931
    """
    p = np.clip(probability, _TINY, 1 - _TINY)
    return float(np.average(-np.where(y == 1, np.log(p), np.log1p(-p)), weights=weight))


def logistic_line(x: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float]:
    """Slope and intercept of the likeliest ``P(1) = 1 / (1 + exp(-(slope·x + intercept)))``, by Newton steps.

    Parameters
    ----------
    target : 0/1 or, for smoothed labels, probabilities.

    Examples
    --------
    >>> x = np.array([-1.0, -1, -1, 1, 1, 1])
    >>> slope, intercept = logistic_line(x, np.array([0, 0, 1, 0, 1, 1]))
    >>> round(slope, 4), round(abs(intercept), 4)
    (0.6931, 0.0)
    """
    w = np.ones(len(x)) if weight is None else weight.astype(np.float64)
    centre, spread = float(np.average(x, weights=w)), float(np.std(x)) or 1.0
    z = (x - centre) / spread
    rate = float(np.clip(np.average(target, weights=w), _TINY, 1 - _TINY))
    line = np.array([0.0, np.log(rate / (1 - rate))])
    loss = _line_loss(line, z, target, w)
    for _ in range(100):
        p = 1 / (1 + np.exp(-(line[0] * z + line[1])))
        slack = w * (target - p)
        gradient = np.array([np.sum(slack * z), np.sum(slack)])
        h = np.maximum(w * p * (1 - p), _TINY)
        cross = np.sum(h * z)
        hessian = np.array([[np.sum(h * z * z), cross], [cross, np.sum(h)]]) + 1e-10 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        # Halve a step that overshoots: Newton diverges on nearly separable data.
        scale = 1.0
        while (tried := _line_loss(line + scale * step, z, target, w)) > loss and scale > 1e-8:
            scale /= 2
        line, gained, loss = line + scale * step, loss - tried, min(loss, tried)
        if gained < 1e-12 * max(1.0, abs(loss)):
            break
    slope = line[0] / spread
    return float(slope), float(line[1] - slope * centre)


def _line_loss(line: np.ndarray, z: np.ndarray, target: np.ndarray, w: np.ndarray) -> float:
    margin = line[0] * z + line[1]
    return float(np.sum(w * (np.logaddexp(0, margin) - target * margin)))


def calibration_line(y: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float]:
    """Slope and intercept of the outcome on the logit of the probability; 1 and 0 are perfect.

    Examples
    --------
    >>> p = np.repeat([0.25, 0.75], 400)
    >>> y = np.concatenate([np.arange(400) < 100, np.arange(400) < 300]).astype(int)
    >>> slope, intercept = calibration_line(y, p)
    >>> round(slope, 6), abs(round(intercept, 6))
    (1.0, 0.0)
    """
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    return logistic_line(np.log(p / (1 - p)), y, weight)


def calibration_intervals(
    y: np.ndarray, probability: np.ndarray, line: tuple[float, float], cluster: np.ndarray | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """95 % Wald intervals (low, high) of slope and intercept, robust to dependence within clusters.

    References
    ----------
    Liang & Zeger, Longitudinal data analysis using generalized linear models, Biometrika 1986.
    """
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    x = np.column_stack([np.log(p / (1 - p)), np.ones(len(p))])
    fitted = 1 / (1 + np.exp(-(x @ np.array(line))))
    bread = np.linalg.inv((x * (fitted * (1 - fitted))[:, None]).T @ x)
    pulls = x * (y - fitted)[:, None]
    if cluster is not None:
        _, member = np.unique(cluster, return_inverse=True)
        pulls = np.column_stack([np.bincount(member, weights=pulls[:, j]) for j in range(2)])
    n_clusters = len(pulls)
    covariance = bread @ (pulls.T @ pulls) @ bread * n_clusters / max(1, n_clusters - 1)
    reach = 1.959964 * np.sqrt(np.diag(covariance))
    (slope, intercept), (a, b) = line, reach.tolist()
    return (slope - a, slope + a), (intercept - b, intercept + b)


def precision_recall_at(y: np.ndarray, score: np.ndarray, k: int) -> tuple[float, float]:
    """Precision and recall among the k highest scores; ties are broken by position.

    Examples
    --------
    >>> precision_recall_at(np.array([1, 0, 1, 0]), np.array([.9, .8, .7, .1]), 2)
    (0.5, 0.5)
    """
    top = np.argsort(-score, kind="stable")[:k]
    hit = float(y[top].sum())
    return hit / max(1, len(top)), hit / max(1.0, float(y.sum()))
