"""Business days as months, weeks or days: the longest of them that shows a course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Unit = Literal["month", "week", "day"]
_LEAST: dict[Unit, int] = {"month": 3, "week": 2, "day": 1}


@dataclass(frozen=True)
class Spans:
    """Rows by periods of one length.

    Parameters
    ----------
    names : of the periods, oldest first: ``2026-03``, or the first day of a week. code : int64[n], period of each row.
    """

    unit: Unit
    names: tuple[str, ...]
    code: np.ndarray


def spans_of(day: np.ndarray, unit: Unit | None = None) -> Spans:
    """Months where there are three or more of them, else weeks from Monday where there are two, else days.

    Parameters
    ----------
    day : int64[n], days since 1970-01-01. unit : to take instead.

    Examples
    --------
    >>> spans_of(np.array([0, 1, 40, 80])).names
    ('1970-01', '1970-02', '1970-03')
    >>> spans_of(np.array([0, 3, 4])).names, spans_of(np.array([4, 5])).names
    (('1969-12-29', '1970-01-05'), ('1970-01-05', '1970-01-06'))
    """
    dates = day.astype("datetime64[D]")
    # 1970-01-01 was a Thursday.
    starts = {
        "month": dates.astype("datetime64[M]"),
        "week": (day - (day + 3) % 7).astype("datetime64[D]"),
        "day": dates,
    }
    for name, least in _LEAST.items():
        first, code = np.unique(starts[name], return_inverse=True)
        if name == unit or (unit is None and len(first) >= least):
            return Spans(name, tuple(str(each) for each in first), code.astype(np.int64))
    return Spans("day", (), np.zeros(0, np.int64))
