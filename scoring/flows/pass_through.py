"""Pass-through: money that comes in and goes out again within a window, first in first out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from scoring.flows.graph import Flows


@dataclass(frozen=True)
class Passed:
    """Of each account: what came in, what of it went out again within the window, float64[n]; receipts passed on."""

    received: np.ndarray
    passed: np.ndarray
    n_passed: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """Passed on out of received, 0 where nothing came in."""
        share: np.ndarray = np.divide(
            self.passed, self.received, out=np.zeros(len(self.passed)), where=self.received > 0
        )
        return share

    @property
    def score(self) -> np.ndarray:
        """The share, less where it rests on few receipts: ``share × k / (k + 1)`` with k receipts passed on."""
        score: np.ndarray = self.share * self.n_passed / (self.n_passed + 1)
        return score


def pass_through(flows: Flows, window: int) -> Passed:
    """What each account passes on of what it received within ``window`` before.

    Examples
    --------
    >>> made = pass_through(Flows.of(3, [0, 1, 1], [1, 2, 2], [1, 2, 9], [100.0, 80.0, 20.0]), 5)
    >>> made.share.tolist(), made.n_passed.tolist()
    ([0.0, 0.8, 0.0], [0, 1, 0])
    """
    received, passed, n_passed = np.zeros(flows.n), np.zeros(flows.n), np.zeros(flows.n, np.int64)
    waiting: dict[int, deque[list[float]]] = {}  # account -> receipts: time, what is left, 1.0 once touched
    columns = (flows.source.tolist(), flows.target.tolist(), flows.time.tolist(), flows.amount.tolist())
    for source, target, time, amount in zip(*columns, strict=True):
        queue = waiting.get(source)
        left = amount
        while queue and left > 0:
            if queue[0][0] < time - window:
                queue.popleft()
                continue
            taken = min(queue[0][1], left)
            passed[source] += taken
            n_passed[source] += queue[0][2] == 0.0
            left -= taken
            queue[0][1] -= taken
            queue[0][2] = 1.0
            if queue[0][1] <= 0:
                queue.popleft()
        received[target] += amount
        waiting.setdefault(target, deque()).append([time, amount, 0.0])
    return Passed(received, passed, n_passed)
