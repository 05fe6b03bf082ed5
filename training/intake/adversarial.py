"""Adversarial validation: can training and test rows be told apart, and by what?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.pages.words import say
from training.intake.auc import Alone, flagged, ranked
from training.intake.finding import Finding, Grade
from training.intake.quick import quick_scores
from training.intake.table import MODEL_ROWS, Audited

CHECK = "adversarial"

_TIME_LIKE = 0.95
_SHOWN = 5
_DRIVER = 0.55


@dataclass(frozen=True)
class Driver:
    """A column and how well it alone tells the parts apart; ``time_like`` when it counts time."""

    column: str
    auc: float
    time_like: bool


def drivers(table: Audited) -> list[Driver]:
    """Columns by how well each alone, or its being missing, tells test from training rows; best first."""
    rows = np.concatenate([table.plain_sample(part, MODEL_ROWS) for part in (table.train, table.test)])
    later = np.isin(rows, table.test).astype(np.int8)
    found = []
    for column in table.model_columns:
        values, missing = column.values[rows], column.missing[rows]
        auc = 0.5
        if 0 < missing.sum() < len(rows):
            auc = flagged(later, missing, "").auc
        known = ~missing
        if known.sum() > 100:
            alone = ranked(later[known], values[known], "").auc
            auc = max(auc, alone) if np.isfinite(alone) else auc
        found.append(Driver(column.name, auc, _time_like(table, column.values)))
    return sorted(found, key=lambda driver: -driver.auc)


def _time_like(table: Audited, values: np.ndarray) -> bool:
    if table.time is None:
        return False
    from scipy.stats import spearmanr

    rows = table.plain_sample(np.flatnonzero(~np.isnan(values)), 5_000)
    if len(rows) < 100 or np.ptp(values[rows]) == 0 or np.ptp(table.time[rows]) == 0:
        return False
    return abs(float(spearmanr(values[rows], table.time[rows]).statistic)) > _TIME_LIKE


def adversarial(table: Audited) -> list[Finding]:
    """Learn to tell test from training rows, out of fold; name what drives it; grade without time-like columns.

    A later test differs from training by whatever counts time, which proves nothing: such columns are named and left
    out of the graded figure. What is left above ``moved_auc`` is amber; it is never red by itself.
    """
    if table.X.shape[1] == 0:
        return [Finding(CHECK, Grade.NOT_ASSESSED, say("intake.no_columns"))]
    ranking = drivers(table)
    timely = tuple(driver.column for driver in ranking if driver.time_like)
    kept = [place for place, column in enumerate(table.model_columns) if column.name not in timely]
    found = []
    if timely:
        words = say("intake.tells_time", columns=", ".join(timely))
        advice = "A model that splits on them does not know the future's values: leave them out."
        found.append(Finding(CHECK, Grade.NOTE, words, timely, n=len(table.y), advice=advice))
    if not kept:
        return found
    alone = _told_apart(table, kept)
    limit = table.limits.moved_auc
    named = [f"{driver.column} {driver.auc:.2f}" for driver in ranking if not driver.time_like and driver.auc > _DRIVER]
    driven = say("intake.drivers", named=", ".join(named[:_SHOWN])) if named else say("intake.no_driver")
    words = say("intake.told_apart", auc=alone.auc, low=alone.low, high=alone.high, drivers=driven)
    grade, advice = Grade.GREEN, ""
    if alone.low > limit.value:
        grade = Grade.AMBER
        advice = "Look at the drivers: a change of source, of unit or of policy; figures of the test hold for the test."
        if named and not all(column.raw for column in table.columns):
            advice += " Long windows fill up after the first event: give the history a longer warm_up."
    elif alone.low > 0.55:
        grade = Grade.NOTE
        advice = "The parts differ a little, as later rows do." if table.forward else "A random split would give .5."
    columns = tuple(driver.column for driver in ranking if not driver.time_like and driver.auc > _DRIVER)[:_SHOWN]
    found.append(Finding(CHECK, grade, words, columns, alone.auc, alone.low, alone.high, limit, alone.n, advice=advice))
    return found


def _told_apart(table: Audited, kept: list[int]) -> Alone:
    """Out-of-fold AUC over two halves of equal samples of both parts."""
    most = min(len(table.train), len(table.test), MODEL_ROWS // 2)
    rows = np.concatenate([table.plain_sample(part, most) for part in (table.train, table.test)])
    later = np.isin(rows, table.test).astype(np.int8)
    half = np.random.default_rng(table.seed).permutation(len(rows)) % 2
    X = table.X[rows][:, kept]
    scores = np.empty(len(rows))
    for held in (half == 0, half == 1):
        made = quick_scores(X[~held], later[~held], X[held], seed=table.seed, threads=table.threads)
        # Two models' scores are not on one scale; ranks within each half are.
        scores[held] = np.argsort(np.argsort(made, kind="stable"), kind="stable") / max(1, len(made))
    return ranked(later, scores, "", either=False)
