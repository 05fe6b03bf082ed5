"""Curves over all cut-offs, thinned to what a picture can show, and the scores of the two classes."""

from __future__ import annotations

import numpy as np

from scoring.metrics import Ranking


def roc(y: np.ndarray, score: np.ndarray, at_most: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Shares of negatives and of positives at or above each distinct score, float64[k] each, from 0 to 1.

    Examples
    --------
    >>> false, true = roc(np.array([0, 1, 0, 1]), np.array([.1, .9, .8, .8]))
    >>> false.tolist(), true.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    hit, miss = _cumulated(y, score)
    kept = _spread(len(hit), at_most)
    return miss[kept] / max(1, miss[-1]), hit[kept] / max(1, hit[-1])


def precision_recall(y: np.ndarray, score: np.ndarray, at_most: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision among the rows at or above each distinct score, float64[k] each, by rising recall.

    Examples
    --------
    >>> recall, precision = precision_recall(np.array([0, 1, 0, 1]), np.array([.1, .9, .8, .8]))
    >>> recall.tolist(), precision.round(3).tolist()
    ([0.5, 1.0, 1.0], [1.0, 0.667, 0.5])
    """
    hit, miss = (sums[1:] for sums in _cumulated(y, score))
    # The first rows decide the curve: by equal steps of the logarithm.
    kept = np.unique(np.geomspace(1, len(hit), at_most).round().astype(np.int64)) - 1
    return hit[kept] / max(1, hit[-1]), hit[kept] / (hit[kept] + miss[kept])


def class_shares(y: np.ndarray, score: np.ndarray, at_most: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges float64[k + 1] of equal steps of the score, and the shares of negatives and of positives in each.

    As many steps as the smaller class can fill; beyond the outer thousandths of the scores they end.

    Examples
    --------
    >>> edges, negative, positive = class_shares(np.repeat([0, 1], 50), np.arange(100.0))
    >>> len(edges), float(negative.sum().round(9)), float(positive.sum().round(9))
    (15, 1.0, 1.0)
    """
    smaller = min(int(y.sum()), len(y) - int(y.sum()))
    n_bins = int(np.clip(2 * np.sqrt(max(1, smaller)), 12, at_most))
    low, high = np.quantile(score, [0.001, 0.999])
    edges = np.linspace(low, high if high > low else low + 1.0, n_bins + 1)
    inside = np.clip(score, edges[0], edges[-1])
    counts = [np.histogram(inside[y == each], edges)[0] for each in (0, 1)]
    negative, positive = (each / max(1, each.sum()) for each in counts)
    return edges, negative, positive


def _cumulated(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ranking = Ranking.of(y, score)
    hit = np.cumsum(ranking.y, dtype=np.float64)[ranking.last]
    return np.append(0.0, hit), np.append(0.0, ranking.last + 1 - hit)


def _spread(n: int, at_most: int) -> np.ndarray:
    """Places of both ends and of what lies evenly between, closer together at the beginning."""
    if n <= at_most:
        return np.arange(n)
    return np.unique((np.linspace(0, 1, at_most) ** 2 * (n - 1)).round().astype(np.int64))
