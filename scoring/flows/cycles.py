"""Cycles: money that comes back to where it began, each payment no earlier than the one before.

A cycle is counted once, from its earliest payment on. Sums along it stay alike: each between ``kept`` and ``1 / kept``
of the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scoring.flows.graph import Flows

_MOST_STEPS = 2_000
"""Payments looked at from one beginning; a hub in a dense window would otherwise never end."""


@dataclass(frozen=True)
class Cycles:
    """``found``: payments of each cycle, as rows of the flows. ``n_cut``: beginnings not looked at to the end."""

    found: tuple[tuple[int, ...], ...]
    n_cut: int

    def count(self, flows: Flows) -> np.ndarray:
        """On how many cycles each account lies, int64[n]."""
        counts = np.zeros(flows.n, np.int64)
        for cycle in self.found:
            counts[flows.source[list(cycle)]] += 1
        return counts


def cycles(flows: Flows, window: int, *, longest: int, kept: float) -> Cycles:
    """Every cycle of 2 to ``longest`` accounts that closes within ``window``.

    Examples
    --------
    >>> ring = Flows.of(4, [0, 1, 2, 2], [1, 2, 0, 3], [1, 2, 3, 3], [100.0, 95.0, 90.0, 5.0])
    >>> cycles(ring, 5, longest=4, kept=0.5).found
    ((0, 1, 2),)
    """
    source, target, time, amount = (each.tolist() for each in (flows.source, flows.target, flows.time, flows.amount))
    paid: dict[int, list[int]] = {}
    for row, account in enumerate(source):
        paid.setdefault(account, []).append(row)
    # Where in an account's own payments a time begins: found by halving.
    times = {account: np.array([time[row] for row in rows]) for account, rows in paid.items()}

    def following(row: int, until: int) -> Iterator[int]:
        rows = paid.get(target[row])
        if rows is None:
            return
        begin = int(np.searchsorted(times[target[row]], time[row]))
        for each in rows[begin:]:
            if time[each] > until:
                return
            # Of one instant, the rows' own order decides, so that a cycle has one earliest payment.
            if each != row and kept * amount[row] <= amount[each] <= amount[row] / kept:
                yield each

    found: set[tuple[int, ...]] = set()
    n_cut = 0
    for first, home in enumerate(source):
        until, n_steps = time[first] + window, 0
        path = [first]
        walks = [following(first, until)]
        while walks:
            row = next(walks[-1], -1)
            n_steps += 1
            if row < 0 or n_steps > _MOST_STEPS:
                walks.pop()
                path.pop()
                n_cut += n_steps == _MOST_STEPS + 1
                continue
            if target[row] == home:
                if row > first and all(each > first for each in path[1:]):
                    found.add((*path, row))
            elif len(path) + 1 < longest and row > first and target[row] not in {target[each] for each in path}:
                path.append(row)
                walks.append(following(row, until))
    return Cycles(tuple(sorted(found)), n_cut)
