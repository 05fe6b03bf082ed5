"""Leaked score columns: one column alone ranks the target too well to have been known at the decision."""

from __future__ import annotations

from training.intake.auc import ranked
from training.intake.finding import Finding, Grade
from training.intake.table import Audited, Column

CHECK = "leaked_column"

_ADVICE = (
    "Find out when it is written. If that is after the decision, drop it; if it is honest, waive it by name and say why."
)


def leaked_columns(table: Audited) -> list[Finding]:
    """Grade every column's AUC alone: of its value, of the rates of its values out of fold, of its being filled.

    The direction does not matter. Red above ``leaked_auc`` where the interval stays above ``strong_auc``, amber where
    it is only strong.
    """
    red, strong = table.limits.leaked_auc, table.limits.strong_auc
    found = []
    for column in table.columns:
        auc, low, how, n = table.alone.get(column.name, (float("nan"), float("nan"), "", 0))
        filled = _filled(table, column)
        if filled is not None and not auc >= filled[0]:
            auc, low, how, n = filled
        if not auc > strong.value:
            continue
        is_red = auc > red.value and low > strong.value
        limit = red if auc > red.value else strong
        found.append(
            Finding(
                CHECK, Grade.RED if is_red else Grade.AMBER,
                f"{how} alone ranks the target with AUC {auc:.3f}", (column.name,), auc, low, min(1.0, 2 * auc - low),
                limit, n, advice=_ADVICE if is_red else "Strong for one column: make sure it is known at the decision.",
            )
        )  # fmt: skip
    return found or [_green(table)]


def _green(table: Audited) -> Finding:
    if not table.alone:
        return Finding(CHECK, Grade.NOT_ASSESSED, "no column has two values in enough rows to be ranked by")
    name, (auc, low, _, n) = max(table.alone.items(), key=lambda each: each[1][0])
    return Finding(
        CHECK, Grade.GREEN, f"the strongest of {len(table.alone)} columns, {name}, has AUC {auc:.3f} alone", (name,),
        auc, low, min(1.0, 2 * auc - low), table.limits.leaked_auc, n,
    )  # fmt: skip


def _filled(table: Audited, column: Column) -> tuple[float, float, str, int] | None:
    rows = table.looked_at
    missing = column.missing[rows]
    if missing.all() or not missing.any():
        return None
    made = ranked(table.y[rows], missing.astype(float), "its being filled or empty")
    return made.auc, made.low, made.how, made.n
