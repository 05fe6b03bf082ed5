"""Leaked score columns: one column alone ranks the target too well to have been known at the decision."""

from __future__ import annotations

import numpy as np

from scoring.pages.words import say
from training.intake.auc import Alone, flagged, ranked
from training.intake.finding import Finding, Grade
from training.intake.table import Audited, Column

CHECK = "leaked_column"

_ADVICE = "Find out when it is written. If after the decision, drop it; if it is honest, waive it by name and say why."
_COMPUTED = (
    "It was computed from earlier events only, as their times say: make sure that the known_at of its source is true."
)
_HOW = {
    "its value": "intake.how_value",
    "rates of its values": "intake.how_rates",
    "its being filled or empty": "intake.how_filled",
}
_EVENTS = 50


def leaked_columns(table: Audited) -> list[Finding]:
    """Grade every column's AUC alone: of its value, of the rates of its values out of fold, of its being filled.

    The direction does not matter. Red above ``leaked_auc`` where the interval stays above ``strong_auc``; amber where
    it is only strong (a note where a feature set computed it), or leaks in the few rows in which it is filled.
    """
    found = [made for column in table.columns if (made := _graded(table, column)) is not None]
    return found or [_green(table)]


def _graded(table: Audited, column: Column) -> Finding | None:
    red, strong = table.limits.leaked_auc, table.limits.strong_auc
    tried = [each for each in (table.alone.get(column.name), _filled(table, column)) if each is not None]
    best = max(tried, key=lambda each: each.auc, default=None)
    if best is not None and best.auc > strong.value:
        is_red = best.auc > red.value and best.low > strong.value
        advice = "Strong for one column: make sure it is known at the decision."
        if is_red:
            advice = _ADVICE if column.raw else f"{_COMPUTED} {_ADVICE}"
        how = say(_HOW[best.how])
        words = say("intake.ranks_alone", how=how, auc=best.auc, low=best.low, high=best.high)
        grade = Grade.RED if is_red else Grade.AMBER if column.raw else Grade.NOTE
        return Finding(
            CHECK, grade, words, (column.name,), best.auc, best.low, best.high,
            red if best.auc > red.value else strong, best.n, advice=advice,
        )  # fmt: skip
    few = _where_filled(table, column)
    if few is None or not (few.auc > red.value and few.low > strong.value):
        return None
    words = say("intake.ranks_where_filled", auc=few.auc, n=few.n)
    return Finding(CHECK, Grade.AMBER, words, (column.name,), few.auc, few.low, few.high, red, few.n, advice=_ADVICE)


def _green(table: Audited) -> Finding:
    if not table.alone:
        return Finding(CHECK, Grade.NOT_ASSESSED, say("intake.none_to_rank"))
    name, best = max(table.alone.items(), key=lambda each: each[1].auc)
    words = say("intake.strongest", n=len(table.alone), name=name, auc=best.auc)
    return Finding(CHECK, Grade.GREEN, words, (name,), best.auc, best.low, best.high, table.limits.leaked_auc, best.n)


def _filled(table: Audited, column: Column) -> Alone | None:
    missing = column.missing[table.looked_at]
    if missing.all() or not missing.any():
        return None
    return flagged(table.y[table.looked_at], missing, "its being filled or empty")


def _where_filled(table: Audited, column: Column) -> Alone | None:
    """Of raw columns with few values: what a feature set computed is often empty, and honest."""
    rows = table.looked_at[~column.missing[table.looked_at]]
    if not column.raw or column.form != "number" or column.id_like or not len(rows):
        return None
    n_events = int(table.y[rows].sum())
    if min(n_events, len(rows) - n_events) < _EVENTS or len(rows) == len(table.looked_at):
        return None
    made = ranked(table.y[rows], column.values[rows], "its value")
    return made if np.isfinite(made.auc) else None
