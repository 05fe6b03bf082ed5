"""Columns that tell the day instead of the row: by them a model remembers when events fell."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from scoring.pages.words import say
from training.intake.finding import Finding, Grade
from training.intake.table import Audited, Column

CHECK = "calendar_column"

_ROWS = 6_000
_PERIODS = 80
_LEAST = 1_000
_MANY = 60
"""Days of a month, hours and weeks have fewer values and come again."""


def calendar_columns(table: Audited) -> list[Finding]:
    """Share of a column's variance, in ranks, that lies between eighty short periods (the correlation ratio η²).

    One value for everybody at an instant, such as the platform's mean amount of a week, puts nearly all of it there. A
    column of fewer than sixty values is not asked: hours and weekdays come again.

    References
    ----------
    Fisher, Statistical Methods for Research Workers, 1925, §45 (correlation ratio).
    """
    if table.time is None:
        return [Finding(CHECK, Grade.NOT_ASSESSED, say("intake.no_calendar"))]
    rows = table.order[:: max(1, len(table.order) // _ROWS)]
    limit = table.limits.calendar_share
    found, n = [], 0
    for column in table.columns:
        share = _between_periods(column, rows)
        if share is None:
            continue
        n += 1
        if share > limit.value:
            found.append(
                Finding(
                    CHECK, Grade.AMBER, say("intake.calendar", share=share), (column.name,), share, limit=limit,
                    n=len(rows), advice="Leave it out, or put the row's own value in relation to it.",
                )
            )  # fmt: skip
    return found or [Finding(CHECK, Grade.GREEN, say("intake.none_calendar", n=n), limit=limit, n=len(rows))]


def _between_periods(column: Column, rows: np.ndarray) -> float | None:
    """η² of the ranks over periods of equal counts, less what chance gives; None where it cannot be asked."""
    if column.form != "number" or column.id_like:
        return None
    values = column.values[rows]
    known = np.flatnonzero(~np.isnan(values))
    if len(known) < _LEAST or len(np.unique(values[known])) < _MANY:
        return None
    rank = rankdata(values[known])
    period = known * _PERIODS // len(rows)
    sizes = np.bincount(period, minlength=_PERIODS)
    sums = np.bincount(period, rank, minlength=_PERIODS)
    within = float((rank**2).sum() - (sums[sizes > 0] ** 2 / sizes[sizes > 0]).sum())
    whole = float(((rank - rank.mean()) ** 2).sum())
    freedom = (len(rank) - 1) / max(1, len(rank) - int((sizes > 0).sum()))
    return 1.0 - within / whole * freedom
