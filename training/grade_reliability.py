"""Grades as a credit desk validates them: observed rate beside the stated one, with tests and a traffic light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from training.proportion import binomial_tail, jeffreys, too_low

Light = Literal["green", "amber", "red", "none"]

AMBER_BELOW, RED_BELOW = 0.05, 0.01
"""p-values of the Jeffreys test: once in twenty, and once in a hundred, grades would look worse by chance."""


@dataclass(frozen=True, slots=True)
class GradeLine:
    """One grade on labelled rows.

    Parameters
    ----------
    stated : mean probability of its rows. observed, low, high : rate with Jeffreys' 95 % interval, None without rows.
    jeffreys_p, binomial_p : p-values that the stated probability is not too low.
    light : green, amber (below 5 %), red (below 1 %) by Jeffreys' test; none without rows.
    """

    grade: str
    n: int
    n_events: int
    stated: float | None
    observed: float | None
    low: float | None
    high: float | None
    jeffreys_p: float | None
    binomial_p: float | None
    light: Light


def grade_lines(
    grades: Sequence[str], code: np.ndarray, y: np.ndarray, probability: np.ndarray
) -> tuple[GradeLine, ...]:
    """Validate the probabilities of each grade, mildest first.

    The tests take rows as independent; in a downturn they are not, and a light turns too soon.

    Parameters
    ----------
    code : int64[n], place of each row's grade in ``grades``. y : int8[n]. probability : float64[n].

    References
    ----------
    Tasche, A traffic lights approach to PD validation, 2003; European Central Bank, Instructions for reporting the
    validation results of internal models, 2019, 2.5.3.

    Examples
    --------
    >>> code, y = np.repeat([0, 1], 100), np.concatenate([np.arange(100) < 1, np.arange(100) < 30]).astype(np.int8)
    >>> for line in grade_lines(["A", "B", "C"], code, y, np.repeat([0.02, 0.10], 100)):
    ...     print(line.grade, line.n_events, line.light)
    A 1 green
    B 30 red
    C 0 none
    """
    size = len(grades)
    n = np.bincount(code, minlength=size)
    events = np.bincount(code, weights=y, minlength=size).astype(np.int64)
    stated = np.bincount(code, weights=probability, minlength=size) / np.maximum(n, 1)
    low, high = jeffreys(events, n)
    worse, tail = too_low(events, n, stated), binomial_tail(events, n, stated)
    lines = []
    for place, grade in enumerate(grades):
        if not n[place]:
            lines.append(GradeLine(grade, 0, 0, None, None, None, None, None, None, "none"))
            continue
        k, size_of = int(events[place]), int(n[place])
        said, seen, p = float(stated[place]), k / size_of, float(worse[place])
        between = float(low[place]), float(high[place])
        lines.append(GradeLine(grade, size_of, k, said, seen, *between, p, float(tail[place]), light(p)))
    return tuple(lines)


def light(p_value: float) -> Light:
    """Traffic light of a p-value.

    Examples
    --------
    >>> light(0.2), light(0.03), light(0.001)
    ('green', 'amber', 'red')
    """
    return "red" if p_value < RED_BELOW else "amber" if p_value < AMBER_BELOW else "green"


def table(lines: Sequence[GradeLine]) -> pd.DataFrame:
    """One row a grade."""
    names = list(GradeLine.__slots__)
    return pd.DataFrame([[getattr(line, name) for name in names] for line in lines], columns=names).set_index("grade")
