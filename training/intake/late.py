"""Columns recorded after the decision: by their times, by being filled for one class only, by their names."""

from __future__ import annotations

import re

import numpy as np

from scoring.pages.words import say
from training.intake.auc import flagged
from training.intake.finding import Finding, Grade
from training.intake.table import Audited, Column

CHECK = "late_column"

_SECOND = 1e6
_EXAMPLES = 5
_FEW = 20
_RANKS = 0.6

_WORDS = (
    "chargeback", "charge_off", "charged_off", "chargeoff", "written_off", "writeoff", "recovery", "recoveries",
    "recovered", "collection", "collections", "outcome", "resolution", "resolved", "dispute", "disputed", "refund",
    "refunded", "closed", "settled", "final_status", "fraud", "is_fraud", "default", "defaulted", "delinquent_after",
    "last_payment", "total_paid", "total_rec", "label", "target", "confirmed", "investigation", "blocked",
)  # fmt: skip
_PLANNED = re.compile(r"due|expir|valid|matur|until|planned|schedul|end_date", re.IGNORECASE)


def late_columns(table: Audited) -> list[Finding]:
    """Look for columns that only the future could have written.

    Times after the event in more than ``late_share`` of the rows are red, unless the name speaks of a date set in
    advance (due, expiry); so is a column filled in for events only. Filled or empty that ranks above ``missing_auc``
    is amber; a name that speaks of what comes after is a note, amber where the column also ranks.
    """
    found = []
    for column in table.columns:
        if column.empty or not column.raw:
            continue
        made = _after_the_event(table, column) or _events_only(table, column) or _filled(table, column)
        made = made or _by_name(table, column)
        if made is not None:
            found.append(made)
    if table.time is None and any(column.form == "time" for column in table.columns):
        words = say("intake.times_not_compared")
        found.append(Finding(CHECK, Grade.NOT_ASSESSED, words))
    if all(finding.grade is Grade.NOT_ASSESSED for finding in found):
        n = sum(column.raw for column in table.columns)
        more = say("intake.computed", n=len(table.columns) - n) if n < len(table.columns) else ""
        words = say("intake.none_late", n=n, more=more)
        found.append(Finding(CHECK, Grade.GREEN, words, n=len(table.y)))
    return found


def _after_the_event(table: Audited, column: Column) -> Finding | None:
    if column.form != "time" or table.time is None or table.clock != "µs":
        return None
    after = column.values > table.time + _SECOND
    n = int((~column.missing).sum())
    share = float(after.sum()) / n
    if not share:
        return None
    limit = table.limits.late_share
    lag = float(np.median((column.values - table.time)[after])) / (86_400 * _SECOND)
    planned = _PLANNED.search(column.name) is not None
    grade = Grade.RED if share > limit.value and not planned else Grade.AMBER
    words = say("intake.after", share=share, lag=lag)
    advice = (
        "It did not exist at the decision: drop it, or declare it as the time an outcome became known (--known-at)."
    )
    if planned:
        advice = "The name speaks of a date set in advance; make sure it is never changed afterwards."
    rows = tuple(table.row[after][:_EXAMPLES].tolist())
    return Finding(CHECK, grade, words, (column.name,), share, limit=limit, n=n, rows=rows, advice=advice)


def _events_only(table: Audited, column: Column) -> Finding | None:
    """Filled, or other than its usual value, for one class only."""
    others = table.y == 0
    missing = column.missing
    marked, what = ~missing, say("intake.filled_in")
    if missing[others].mean() < table.limits.one_value.value:
        if column.form == "time":
            return None
        known, counts = np.unique(column.values[others & ~missing], return_counts=True)
        if not len(known) or counts.max() < table.limits.one_value.value * others.sum():
            return None
        usual = known[np.argmax(counts)]
        marked, what = column.values != usual, say("intake.other_than", value=_value(column, usual))
    n, n_events = int(marked.sum()), int(table.y[marked].sum())
    if n < _FEW or marked.all():
        return None
    limit = table.limits.pure_share
    purity, rate = n_events / n, float(table.y.mean())
    if purity < limit.value or rate > 0.5:
        return None
    given = n_events / max(1, int(table.y.sum()))
    words = say("intake.events_only", what=what, n=n, events=n_events, purity=purity, rate=rate, given=given)
    advice = "Whoever writes it knows the outcome: drop it, or waive it by name if it is written before the decision."
    rows = tuple(table.row[marked][:_EXAMPLES].tolist())
    return Finding(
        CHECK, Grade.RED, words, (column.name,), purity, limit=limit, n=len(table.y), rows=rows, advice=advice
    )


def _value(column: Column, value: float) -> str:
    return repr(column.texts[int(value)]) if column.form == "category" else f"{value:g}"


def _filled(table: Audited, column: Column) -> Finding | None:
    rows = table.looked_at
    missing, y = column.missing[rows], table.y[rows]
    if not missing.any() or missing.all():
        return None
    alone, limit = flagged(y, missing, ""), table.limits.missing_auc
    if not alone.low > limit.value:
        return None
    kind = "filled" if y[~missing].mean() > y[missing].mean() else "empty"
    words = say(f"intake.{kind}_ranks", auc=alone.auc, empty=float(missing.mean()))
    advice = "Ask who fills it and when; what is filled while a case is worked on comes after the decision."
    return Finding(
        CHECK, Grade.AMBER, words, (column.name,), alone.auc, alone.low, alone.high, limit, alone.n, advice=advice
    )


def _by_name(table: Audited, column: Column) -> Finding | None:
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name).lower()
    plain = f"_{re.sub(r'[^a-z0-9]+', '_', plain)}_"
    word = next((word for word in _WORDS if f"_{word}_" in plain), None)
    if word is None:
        return None
    auc = table.alone[column.name].auc if column.name in table.alone else 0.0
    ranks = auc > _RANKS
    words = say("intake.late_name", word=word, ranks=say("intake.and_ranks", auc=auc) if ranks else "")
    advice = "Make sure it holds only what was known before this decision, for instance of earlier loans."
    return Finding(
        CHECK, Grade.AMBER if ranks else Grade.NOTE, words, (column.name,), auc if ranks else None,
        n=len(table.looked_at), advice=advice,
    )  # fmt: skip
