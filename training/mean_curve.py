"""A trial's figure and its rounds: where the mean over folds of its calmed curves is highest.

A fold of rare events has tens of positives: the figure after a round wavers by more than a round is worth, and the
highest of hundreds is mostly luck. Each fold's own best round is then too early, and its figure says little of what
the parameters do later. Replayed on the curves of 48 sets of parameters (the calm beginning and seven drawn at random,
none of many tiny leaves) on six worlds of ``benchmarks/bench_tuning.py``, 27 to 50 positives a fold, fits stopped after
30 rounds without a rise, refitted on all folds' rows and measured on 20,000 later ones (AP .269 at best in hindsight):

    figure and rounds                                    rounds    AP lost    correlation
    mean of each fold's best, median of their rounds         61      .0158            .65
    best of the mean curve                                   97      .0062            .67
    best of the mean of calmed curves                       119      .0047            .77

*Lost*: against the best number of rounds in hindsight. *Correlation*: of a set's figure with its AP on later rows,
within a world, mean of six. The calming looks back, so that rounds come out a little higher than the peak: the refit
learns from more rows than any fold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Joint(NamedTuple):
    """One number of rounds for all folds, and each fold's calmed figure there."""

    rounds: int
    values: tuple[float, ...]


def window_of(rounds: int, patience: int) -> int:
    """Figures that are averaged after so many rounds: of ``patience``, but of half the rounds at most, since a young
    curve rises fast.

    Examples
    --------
    >>> [window_of(rounds, patience=30) for rounds in (1, 5, 40, 400)]
    [1, 3, 20, 30]
    """
    return max(1, min(patience, math.ceil(rounds / 2)))


def calmed(curve: Sequence[float], patience: int) -> np.ndarray:
    """Mean of the last figures at every round, float64[n].

    Examples
    --------
    >>> calmed([0.2, 0.6, 0.4, 0.4], patience=2).tolist()
    [0.2, 0.6, 0.5, 0.4]
    """
    windows = [window_of(rounds, patience) for rounds in range(1, len(curve) + 1)]
    return np.array([math.fsum(curve[end - size : end]) / size for end, size in enumerate(windows, start=1)])


def joint(curves: Sequence[Sequence[float]], patience: int) -> Joint:
    """Rounds at which the mean over folds of the calmed curves is highest, the fewest of several.

    A fold whose fit was stopped early stays where it was stopped.

    Parameters
    ----------
    curves : of each fold, the figure after every round.

    Examples
    --------
    Alone the first fold is best after one round, the second after four.

    >>> joint([[0.6, 0.5, 0.5, 0.3], [0.1, 0.3, 0.6, 0.65]], patience=1)
    Joint(rounds=3, values=(0.5, 0.6))
    """
    calm = [calmed(curve, patience) for curve in curves]
    longest = max(map(len, calm))
    level = np.array([np.pad(each, (0, longest - len(each)), mode="edge") for each in calm])
    best = int(np.argmax(level.mean(axis=0)))
    return Joint(best + 1, tuple(level[:, best].tolist()))
