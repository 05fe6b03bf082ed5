"""The cheapest cut-offs in hindsight, under a policy's own rules and actions: what regret is measured against.

1. C      float64[n, 4]   cost of each decision had its score been of each grade
2. sort by score          ties stay together: no cut-off tells them apart
3. S      float64[k+1, 4] sums of the cost of each grade up to each place where a cut-off may stand
4. best   min over k1 <= k2 <= k3 of S0(k1) + S1(k2) - S1(k1) + S2(k3) - S2(k2) + S3(end) - S3(k3), by running minima
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.by_day import Floats


@dataclass(frozen=True)
class Hindsight:
    """Decisions sorted by score, ready for any weights.

    Parameters
    ----------
    order : int64[n], by rising score. ends : int64[k], number of rows up to each distinct score.
    costs : float64[n, 4], in that order, by grade from mildest.

    Examples
    --------
    >>> made = Hindsight.of(np.array([0.1, 0.2, 0.9]), np.array([[0., 1, 2, 3], [0., 1, 2, 3], [9., 4, 2, 0]]))
    >>> made.cheapest(np.ones(3)), made.cheapest(np.array([1.0, 1.0, 0.0]))
    (0.0, 0.0)
    """

    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    costs: Floats

    @classmethod
    def of(cls, score: Floats, costs: Floats) -> Hindsight:
        """Sort once."""
        order = np.argsort(score, kind="stable")
        rising = score[order]
        ends = np.flatnonzero(np.append(rising[1:] != rising[:-1], True)) + 1
        return cls(order, ends, costs[order])

    def cheapest(self, weight: Floats) -> float:
        """Cost under the best three cut-offs for these weights; 0 without rows."""
        if not len(self.order):
            return 0.0
        sums = np.cumsum(self.costs * weight[self.order][:, None], axis=0)[self.ends - 1]
        sums = np.vstack([np.zeros(sums.shape[1]), sums])
        best = np.zeros(len(sums))
        for grade in range(sums.shape[1] - 1):
            best = np.minimum.accumulate(best + sums[:, grade] - sums[:, grade + 1])
        return float(best[-1] + sums[-1, -1])
