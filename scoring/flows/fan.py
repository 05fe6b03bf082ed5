"""Fan-in and fan-out: how many different accounts paid one, or were paid by one, within a window."""

from __future__ import annotations

import numpy as np

from scoring.flows.graph import Flows


def fan_in(flows: Flows, window: int) -> np.ndarray:
    """Most different payers of each account within any ``t < times <= t + window``, int64[n].

    Examples
    --------
    >>> fan_in(Flows.of(4, [0, 1, 2, 0], [3, 3, 3, 3], [1, 2, 9, 9], [1.0] * 4), 3).tolist()
    [0, 0, 0, 2]
    """
    most = np.zeros(flows.n, np.int64)
    order = np.argsort(flows.target, kind="stable")
    target, source, time = flows.target[order].tolist(), flows.source[order].tolist(), flows.time[order].tolist()
    here, first = -1, 0
    inside: dict[int, int] = {}
    for place, account in enumerate(target):
        if account != here:
            here, first, inside = account, place, {}
        inside[source[place]] = inside.get(source[place], 0) + 1
        while time[first] <= time[place] - window:
            left = inside[source[first]] - 1
            if left:
                inside[source[first]] = left
            else:
                del inside[source[first]]
            first += 1
        most[account] = max(most[account], len(inside))
    return most


def fan_out(flows: Flows, window: int) -> np.ndarray:
    """Most different payees of each account within any window of that length, int64[n]."""
    return fan_in(flows.reversed(), window)
