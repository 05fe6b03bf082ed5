"""Giving a trial up while it is being fitted: what it has, and the most that any earlier trial still gained from there.

A trial's *standing* after some rounds of a fold is the mean of its figures of the folds before and of the best so far
in this one, of figures that are calmed as they are for the choice of rounds (``training/mean_curve.py``). Standings are
compared at the same fold and the same round only. Comparing them as they are, as a median rule does, gives up slow
learners, which start low and end high; so a trial is granted a rise from that round to the end of the fold that nine of
ten earlier trials did not exceed (the largest of all only grows with their number), and is given up when even that
leaves it below their median end. Not before it has had the rounds of its patience: on folds of 40 positives half of
what was given up had two rounds, and the search went where learning is quick, not where it ends high.

Replayed on recorded courses on the folds of the simulator's configs, in 60 seeded orders, figures not calmed: how many
times as fast as fitting all to their end, and the mean figure of the trial that is then chosen. 23 trials of fraud
(AP), 30 out of 120 of credit (AUC). The last line granted the largest rise, and from the first round on.

    rule                                    fraud          credit
    none                                    1.0  .6304     1.0  .7780
    median, when a fold has ended           1.3  .6304     1.5  .7780
    Optuna's median at every checkpoint     3.8  .6170     3.9  .7750
    a median from round 20 on               2.6  .6264     2.5  .7761
    largest rise                            2.3  .6304     3.2  .7761

Complete trials of five worlds of ``benchmarks/bench_tuning.py`` (23 to 51 each), figures calmed, 100 orders: largest
rise from the first round on 2.9 times as fast, .0087 lost of the best figure; from the 30th round on 2.2 and .0048;
with the rise that nine in ten did not exceed 2.3 and .0049.

Halving keeps the best third of what reached a round and suffers as the median does; a Wilcoxon test of two or three
folds can reject nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from training.mean_curve import window_of

GRANTED = 0.9
"""Of earlier trials' rises, the share that are not above the one that a trial is granted."""

FEWEST = 4
"""Earlier trials that must have ended a fold before another is given up in it."""

_N_CHECKPOINTS = 20
_ROUNDING = 1e-12


class Hopeless(Exception):  # noqa: N818 - a signal within the search, not an error
    """Raised inside a fit to stop it; ``standing`` is what the trial had."""

    def __init__(self, standing: float, rounds: int) -> None:
        super().__init__(f"standing {standing:.4f} after {rounds} rounds")
        self.standing = standing
        self.rounds = rounds


@dataclass(frozen=True)
class Course:
    """One trial's figures.

    Parameters
    ----------
    ends : of each fold that it ended, its best calmed figure.
    rises : of each such fold, the best so far at every checkpoint; empty where the family tells nothing on its way.
    """

    ends: tuple[float, ...]
    rises: tuple[tuple[float, ...], ...]


def checkpoints(rounds: int) -> tuple[int, ...]:
    """Rounds, counted from 0, at which a fit is looked at: close together early, where fits differ most.

    Examples
    --------
    >>> checkpoints(10)
    (1, 2, 3, 4, 5, 6, 7, 8)
    """
    if rounds < 3:
        return ()
    return tuple(np.unique(np.geomspace(1, rounds - 2, _N_CHECKPOINTS).round().astype(int)).tolist())


def hopeless(standing: float, gains: Sequence[float] | np.ndarray, ends: Sequence[float]) -> bool:
    """Whether even a gain that few earlier trials exceeded leaves this one below their median.

    Parameters
    ----------
    gains : of each earlier trial, what it still gained from this round to the end of the fold. ends : what it had then.

    Examples
    --------
    >>> hopeless(0.50, [0.02, 0.10], [0.60, 0.70]), hopeless(0.50, [0.02, 0.20], [0.60, 0.70])
    (True, False)
    """
    # The largest of up to ten, the second largest of up to twenty.
    granted = float(np.quantile(gains, GRANTED, method="higher"))
    return standing + granted < float(np.median(ends)) - _ROUNDING


class Watch:
    """Watches one trial from fold to fold.

    Parameters
    ----------
    earlier : courses of trials that ended at least a fold. rounds : at most, of a fit.
    within : look at a fit while it runs, not only when a fold has ended.
    patience : of the fits: rounds that each has before it is given up, and over which figures are calmed.

    Examples
    --------
    >>> earlier = [Course((0.7,), ((0.5, 0.6),))] * 4
    >>> watch = Watch(earlier, rounds=5, within=True)
    >>> watch.report(0, 0.30)
    >>> watch.report(1, 0.49)
    >>> watch.end_fold(0.49, last=False)
    Traceback (most recent call last):
    training.pruning.Hopeless: standing 0.4900 after 2 rounds
    """

    def __init__(self, earlier: Iterable[Course], rounds: int, *, within: bool, patience: int = 1) -> None:
        self.ends: list[float] = []
        self.rises: list[tuple[float, ...]] = []
        self.curves: list[list[float]] = []
        self.n_rounds = 0
        self._within = within
        self._patience = patience
        self._earlier = list(earlier)
        self._checkpoints = checkpoints(rounds)
        self._begin_fold()

    def _begin_fold(self) -> None:
        fold = len(self.ends)
        known = [each for each in self._earlier if len(each.ends) > fold]
        self._ends = [math.fsum(each.ends[: fold + 1]) / (fold + 1) for each in known]
        told = [each for each in known if len(each.rises[fold]) == len(self._checkpoints)]
        # A rise from a checkpoint to the end of this fold lifts the mean over folds by its share.
        rises = [np.subtract(each.ends[fold], each.rises[fold]) / (fold + 1) for each in told]
        self._gains = np.array(rises).reshape(len(told), len(self._checkpoints))
        self._best, self._rise, self._curve = -math.inf, [], []  # type: float, list[float], list[float]

    def report(self, iteration: int, value: float) -> None:
        """Take note of the figure after a round.

        Raises
        ------
        Hopeless
            When the trial is given up.
        """
        self.n_rounds += 1
        self._curve.append(value)
        window = window_of(len(self._curve), self._patience)
        self._best = max(self._best, math.fsum(self._curve[-window:]) / window)
        place = len(self._rise)
        if place == len(self._checkpoints) or iteration < self._checkpoints[place]:
            return
        self._rise.append(self._best)
        standing = (math.fsum(self.ends) + self._best) / (len(self.ends) + 1)
        # A fit is not stopped for want of a rise any sooner, and so few rounds tell quick learners from slow ones only.
        if len(self._curve) < self._patience:
            return
        if self._within and len(self._gains) >= FEWEST and hopeless(standing, self._gains[:, place], self._ends):
            raise Hopeless(standing, self.n_rounds)

    def end_fold(self, value: float, *, last: bool) -> None:
        """Take note of a fold's end.

        Parameters
        ----------
        value : its figure, which counts where no round was told.

        Raises
        ------
        Hopeless
            When the trial is given up before its next fold.
        """
        rise = self._rise
        if self._curve:
            value = self._best
        if rise:
            # A fit that was stopped early keeps what it had.
            rise = rise + [value] * (len(self._checkpoints) - len(rise))
        self.ends.append(value)
        self.rises.append(tuple(rise))
        self.curves.append(self._curve or [value])
        standing = math.fsum(self.ends) / len(self.ends)
        if not last and len(self._ends) >= FEWEST and hopeless(standing, [0.0], self._ends):
            raise Hopeless(standing, self.n_rounds)
        self._begin_fold()

    def course(self) -> Course:
        """What is kept of it for later trials."""
        return Course(tuple(self.ends), tuple(self.rises))
