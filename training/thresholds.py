"""The cheapest cut-offs of four grades, exactly, by one sort and sums along it.

1. ladder    the distinct calibrated probabilities, falling: the only places where a cut-off can lie, for equal
             probabilities get equal grades                                                 float64[g]
2. sums      cost of all rows at or above each step, under each grade                       float64[g + 1, 4]
3. split     total = A[high] + B[warning] + D[attention] + const, each the difference of two neighbouring grades'
             sums at the step where the grade begins; high ≤ warning ≤ attention along the ladder
4. search    for every `warning`: the least D at or below it is a running minimum from the end; the least A above it,
             within the alert budget, is a minimum over a window that only moves down          O(g log g)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Places = tuple[int, int, int]
"""Steps of the ladder at or above attention, warning and high; 0 where nobody is."""


@dataclass(frozen=True)
class Ladder:
    """Distinct probabilities, falling, and the rows at each.

    Parameters
    ----------
    order : int64[n], rows by falling probability. last : int64[g], place in it of the last row of each step.
    step : float64[g].

    Examples
    --------
    >>> ladder = Ladder.of(np.array([.2, .9, .2]))
    >>> ladder.step.tolist(), ladder.above(np.array([.1, .5, .95])).tolist()
    ([0.9, 0.2], [0, 1, 2])
    """

    order: np.ndarray
    last: np.ndarray
    step: np.ndarray

    @classmethod
    def of(cls, probability: np.ndarray) -> Ladder:
        """Sort once; any weights and costs go along it."""
        order = np.argsort(-probability, kind="stable")
        falling = probability[order]
        last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
        return cls(order, last, falling[last])

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of values, float64[n] or [n, k], over the first 0, 1, … g steps: one longer than the ladder."""
        summed = np.cumsum(values[self.order], axis=0)[self.last]
        return np.concatenate([np.zeros((1, *summed.shape[1:])), summed])

    def above(self, probability: np.ndarray) -> np.ndarray:
        """How many of some other rows lie at or above each step, int64[g + 1], 0 first."""
        rising = np.sort(probability)
        return np.append(0, len(rising) - np.searchsorted(rising, self.step, side="left"))

    def cutoffs(self, places: Places) -> tuple[float, float, float]:
        """Probabilities at which attention, warning and high begin, strictly rising.

        A grade that nobody has begins where nobody is: at 1, or one float below the grade above it.
        """
        bound, made = 2.0, []
        for place in reversed(places):
            # On the edge of what floats can tell apart an empty grade may take the rows of one more step.
            at = float(self.step[place - 1]) if place else 1.0
            bound = at if at < bound else float(np.nextafter(bound, 0.0))
            made.append(bound)
        high, warning, attention = made
        return attention, warning, high


def cheapest(sums: np.ndarray, reviewed: np.ndarray, budget: float, most: tuple[float, float, float]) -> Places:
    """Where attention, warning and high begin for the least cost; among equals the fewest rows are touched.

    Parameters
    ----------
    sums : float64[g + 1, 4], cost of the rows above each step under each grade.
    reviewed : float64[g + 1], rows of traffic above each step, never falling.
    budget : rows of traffic that may be graded warning.
    most : rows of traffic that may be at or above attention, warning and high.

    Examples
    --------
    >>> sums = np.array([[0, 0, 0, 0], [100, 40, 20, 0], [100, 42, 32, 30.]])
    >>> cheapest(sums, np.arange(3), 1, (2, 2, 2))
    (1, 1, 1)
    >>> cheapest(sums, np.arange(3), 1, (2, 2, 0))
    (1, 1, 0)
    """
    gained = np.diff(sums, axis=1).T
    attention, warning, high = (
        np.where(reviewed <= limit, gain, np.inf) for gain, limit in zip(gained, most, strict=True)
    )
    milder = np.minimum.accumulate(attention[::-1])[::-1]
    first = np.searchsorted(reviewed, reviewed - budget, side="left")
    total = _least_between(high, first) + warning + milder
    at = int(np.argmin(total))
    return (
        at + int(np.argmin(attention[at:])),
        at,
        int(first[at]) + int(np.argmin(high[first[at] : at + 1])),
    )


def _least_between(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Minimum of ``values[first[j] … j]`` for every j, by windows whose lengths are powers of two."""
    n = len(values)
    place = np.arange(n)
    length = place - first + 1
    power = np.frexp(length.astype(np.float64))[1] - 1  # the largest power of two within the length
    least = np.empty(n)
    window, width = values, 1
    for level in range(int(power.max()) + 1):
        mine = np.flatnonzero(power == level)
        least[mine] = np.minimum(window[first[mine]], window[mine - width + 1])
        if len(window) > width:
            window = np.minimum(window[:-width], window[width:])
        width *= 2
    return least
