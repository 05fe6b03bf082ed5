"""The shape of columns: constant, empty, like an id, of mixed types, numbers as text, values that mean missing."""

from __future__ import annotations

import re

import numpy as np

from scoring.pages.words import Words, say
from training.intake.auc import ranked
from training.intake.finding import Finding, Grade
from training.intake.table import Audited, Column

_SENTINELS = re.compile(r"-?(9{2,8}|1{4,8}|8{3,8}|7{3,8})|-1")
_SHOWN = 12


def constant_columns(table: Audited) -> list[Finding]:
    """Columns without any value, with one value, or with one value but for a thousandth of the rows."""
    empty, constant, nearly = [], [], []
    for column in table.columns:
        if column.empty:
            empty.append(column.name)
        elif column.n_values == 1 and not column.missing.any():
            constant.append(column.name)
        elif _largest_share(column) > table.limits.one_value.value:
            nearly.append(column.name)
    found = []
    for names, key, advice in (
        (empty, "intake.no_value", "Drop them, or ask why they came empty."),
        (constant, "intake.one_value", "Drop them: nothing can be learnt from them."),
        (nearly, "intake.nearly_one_value", "Look at the rest: it may be errors, or leak."),
    ):
        if names:
            shown: Words = ", ".join(names[:_SHOWN])
            if len(names) > _SHOWN:
                shown = say("intake.and_more", shown=shown, n=len(names) - _SHOWN)
            limit = table.limits.one_value if names is nearly else None
            found.append(
                Finding(
                    "constant_column", Grade.NOTE, say(key, n=len(names), of=len(table.columns), shown=shown),
                    tuple(names), limit=limit, n=len(table.y), advice=advice,
                )
            )  # fmt: skip
    return found or [_fine("constant_column", table, say("intake.several_values"))]


def _largest_share(column: Column) -> float:
    filled = np.nan_to_num(column.values, nan=np.inf)
    _, counts = np.unique(filled, return_counts=True)
    return float(counts.max() / len(filled))


def id_columns(table: Audited) -> list[Finding]:
    """Columns with a value of its own in nearly every row; amber where the order they count ranks the target."""
    found = []
    for column in table.columns:
        if not column.id_like:
            continue
        ranks: Words = ""
        grade, value = Grade.NOTE, None
        if column.form == "number":
            rows = table.looked_at[~column.missing[table.looked_at]]
            alone = ranked(table.y[rows], column.values[rows], "")
            if alone.low > 0.55:
                grade, value = Grade.AMBER, alone.auc
                ranks = say("intake.counts_rank", auc=alone.auc)
        words = say("intake.names_rows", values=column.n_values, n=int((~column.missing).sum()), ranks=ranks)
        advice = "Leave it out: a model can only learn the order of the file from it."
        found.append(Finding("id_column", grade, words, (column.name,), value, n=len(table.y), advice=advice))
    return found or [_fine("id_column", table, say("intake.no_id"))]


def stored_oddly(table: Audited) -> list[Finding]:
    """Numbers stored as text, and columns in which some values are no numbers."""
    advice = "Convert it where the file is made, and say what the words mean; here they count as missing."
    found = [
        Finding("mixed_types", Grade.AMBER, column.stored, (column.name,), n=len(table.y), advice=advice)
        for column in table.columns
        if column.stored
    ]
    return found or [_fine("mixed_types", table, say("intake.stored_well"))]


def sentinel_values(table: Audited) -> list[Finding]:
    """Numbers such as −999 or 9999 far from all others: they mean missing, and a mean does not know it."""
    found = []
    for column in table.columns:
        if column.form != "number" or column.n_values < 4 or column.id_like or not column.raw:
            continue
        value, share = _sentinel(column, table.limits.sentinel_share.value)
        if value is None:
            continue
        words = say("intake.sentinel", value=value, share=share)
        grade = Grade.NOTE if value == -1 else Grade.AMBER
        advice = "Say in the mapping that it is missing; trees cope, means and sums over it are wrong."
        rows = tuple(table.row[column.values == value][:5].tolist())
        limit = table.limits.sentinel_share
        found.append(
            Finding(
                "sentinel_value", grade, words, (column.name,), share, limit=limit, n=len(table.y), rows=rows,
                advice=advice,
            )
        )  # fmt: skip
    return found or [_fine("sentinel_value", table, say("intake.no_sentinel"))]


def _sentinel(column: Column, least: float) -> tuple[float | None, float]:
    known = column.values[~column.missing]
    for value in (float(known.min()), float(known.max())):
        share = float((known == value).mean())
        if share < least or not _SENTINELS.fullmatch(f"{value:.0f}"):
            continue
        rest = known[known != value]
        low, high = np.quantile(rest, [0.001, 0.999])
        # −1 among positive amounts is far in kind; others must lie a range away from the rest.
        apart = rest.min() >= 0 if value < 0 else value - rest.max() > 2 * max(high - low, 1.0)
        if value < -1 and rest.min() < 0:
            apart = bool(rest.min() - value > 2 * max(high - low, 1.0))
        if value == -1 and not column.whole:
            apart = apart and share > 10 * least
        if apart:
            return value, share
    return None, 0.0


def _fine(check: str, table: Audited, words: Words) -> Finding:
    return Finding(check, Grade.GREEN, words, n=len(table.y))
