"""How much rows that come in clusters, such as the payments of one customer, tell less than as many independent ones.

1. rows in bins, by cluster   -> counts, float64[clusters, bins]
2. counts less what the cluster's size makes expected   -> residuals
3. residuals, squared and summed   -> covariance of the bins' shares (linearised ratio, Cochran 1977, ch. 10)
4. against that of independent rows   -> design effects, whose mean and spread correct a χ² (Rao & Scott, 1984)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Ints = NDArray[np.int64] | NDArray[np.intp]
_FEWEST = 2


def covariance(bins: _Ints, n_bins: int, clusters: _Ints | None) -> NDArray[np.float64]:
    """Covariance of the shares of each bin, float64[n_bins, n_bins].

    Parameters
    ----------
    bins : int[n], the bin of each row. clusters : int[n], of each row; None where rows are independent.

    Examples
    --------
    >>> rows, pairs = np.array([0, 0, 1, 1]), np.array([7, 7, 9, 9])
    >>> float(covariance(rows, 2, None)[0, 0]), float(covariance(rows, 2, pairs)[0, 0])
    (0.0625, 0.25)
    """
    n = len(bins)
    share = np.bincount(bins, minlength=n_bins) / n
    if clusters is None:
        return np.asarray((np.diag(share) - np.outer(share, share)) / n)
    _, code = np.unique(clusters, return_inverse=True)
    n_clusters = int(code.max()) + 1
    counts = np.bincount(code * n_bins + bins, minlength=n_clusters * n_bins).reshape(n_clusters, n_bins)
    left = counts - np.outer(counts.sum(axis=1), share)
    return np.asarray(left.T @ left / n**2 * (n_clusters / max(1, n_clusters - 1)))


def n_clusters(clusters: _Ints | None, n: int) -> float:
    """How many clusters of one size some rows are worth: beside a few large ones many small ones tell little.

    Examples
    --------
    >>> n_clusters(None, 7), n_clusters(np.array([1, 1, 2, 2]), 4), n_clusters(np.array([1, 1, 1, 2]), 4)
    (7.0, 2.0, 1.6)
    """
    if clusters is None:
        return float(n)
    _, sizes = np.unique(clusters, return_counts=True)
    return float(n**2 / (sizes.astype(np.float64) ** 2).sum()) if n else 0.0


def effective(hits: NDArray[np.bool_], clusters: _Ints | None) -> tuple[float, float]:
    """Hits and rows that are worth as much when they are independent; never more than there are.

    Examples
    --------
    >>> effective(np.array([True, True, False, False]), np.array([1, 1, 2, 2]))
    (0.5, 1.0)
    """
    n, share = len(hits), float(hits.mean()) if len(hits) else 0.0
    if clusters is None or not 0 < share < 1 or n_clusters(clusters, n) < _FEWEST:
        return float(hits.sum()), float(n)
    spread = float(covariance(hits.astype(np.int64), 2, clusters)[1, 1])
    rows = n / max(1.0, spread * n / (share * (1 - share)))
    return share * rows, rows
