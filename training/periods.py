"""Periods of a forward split: pure arithmetic on the clock, newest period last.

    warm-up | train ................ | calibration | embargo | test | not yet mature | as_of
              folds: train … | embargo | valid |  (several, each ending where the next begins)
              expanding: every train begins after the warm-up; sliding: at a fixed length before its end

Calibration lies after everything the model learned from; the embargo keeps the labels of both from
being known later than the test begins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.errors import DataError
from domain.time import DAY, format_duration, format_instant
from training.calendar import start_of_day
from training.settings import Folds, Windows


@dataclass(frozen=True, slots=True)
class Period:
    """Instants ``start <= t < end``, µs UTC.

    Examples
    --------
    >>> Period(0, 10).rows(np.array([5, 10])).tolist()
    [0]
    """

    start: int
    end: int

    def rows(self, times: np.ndarray) -> np.ndarray:
        """Positions, int64, of the times inside."""
        return np.flatnonzero((times >= self.start) & (times < self.end))

    def __str__(self) -> str:
        return f"{format_instant(self.start)}…{format_instant(self.end)}"


@dataclass(frozen=True, slots=True)
class ForwardPeriods:
    """The periods of the final model and, oldest first, (train, valid) of each fold of the search."""

    train: Period
    calibration: Period
    test: Period
    folds: tuple[tuple[Period, Period], ...]


def forward_periods(
    windows: Windows, folds: Folds, *, first: int, last: int, as_of: int, maturity: int, embargo: int, zone: str
) -> ForwardPeriods:
    """Lay the periods out backwards from the last matured day.

    Parameters
    ----------
    first, last : event times of the oldest and newest row, µs UTC.
    as_of : the cut: nothing known later is used.

    Raises
    ------
    DataError
        When the data are too short; the message says how long each period is.
    """
    assert folds.valid is not None  # noqa: S101 - the settings refuse a forward split without it
    newest = min(start_of_day(as_of - maturity, zone), start_of_day(last, zone) + DAY)
    end = newest if windows.end is None else windows.end
    test = Period(end - windows.test, end)
    calibrated = test.start - embargo
    calibration = Period(calibrated - windows.calibration, calibrated)
    oldest = start_of_day(first, zone) + windows.warm_up
    start = oldest if windows.train is None else max(oldest, calibration.start - windows.train)
    train = Period(start, calibration.start)
    laid = []
    for place in range(folds.n):
        valid_end = calibration.start - (folds.n - 1 - place) * folds.valid
        valid = Period(valid_end - folds.valid, valid_end)
        learnt_until = valid.start - embargo
        slid = start if folds.train is None else learnt_until - folds.train
        laid.append((Period(slid, learnt_until), valid))
    shortest, earliest = laid[0][0], start if folds.train is None else oldest
    if shortest.end <= shortest.start or shortest.start < earliest:
        parts = {
            "warm-up": windows.warm_up, "folds": folds.n * folds.valid, "calibration": windows.calibration,
            "test": windows.test, "embargo, twice": 2 * embargo, "maturity": maturity,
        }  # fmt: skip
        spent = ", ".join(f"{name} {format_duration(length)}" for name, length in parts.items())
        wanted = "days left" if folds.train is None else f"{format_duration(folds.train)} left"
        left = max(0, shortest.end - earliest) // DAY
        raise DataError(
            f"periods: expected {wanted} to train the first fold on, got {left} days between {format_instant(first)} "
            f"and {format_instant(as_of)} after {spent}; shorten windows, folds or embargo, or bring more history"
        )
    return ForwardPeriods(train, calibration, test, tuple(laid))
