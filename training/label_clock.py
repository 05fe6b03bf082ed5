"""When the performance of a model in use can first be known: labels take their time, and events must gather."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from domain.time import DAY

ENOUGH_EVENTS = 50
"""Positives from which a figure of ranking is worth reading: an AUC of .8 is then known to ±.07 (Hanley & McNeil)."""


@dataclass(frozen=True)
class LabelClock:
    """Days from the first decision.

    Parameters
    ----------
    first : until the first rows are mature. enough : until so many positives are mature; infinite without any.
    events_per_day : as on the test.
    """

    first: float
    enough: float
    events_per_day: float


def label_clock(event_time: np.ndarray, y: np.ndarray, maturity: int, *, events: int = ENOUGH_EVENTS) -> LabelClock:
    """The clock of a model whose traffic is like that of the rows.

    Parameters
    ----------
    event_time : int64[n], µs UTC, of labelled rows. y : int8[n]. maturity : µs. events : positives that are enough.

    Examples
    --------
    >>> clock = label_clock(np.arange(11) * DAY, np.array([1] * 5 + [0] * 6), 7 * DAY, events=10)
    >>> clock.first, clock.events_per_day, clock.enough
    (7.0, 0.5, 27.0)
    """
    first = maturity / DAY
    span = float(event_time.max() - event_time.min()) / DAY if len(event_time) else 0.0
    per_day = float(y.sum()) / max(span, 1.0)
    return LabelClock(first, first + events / per_day if per_day else math.inf, per_day)
