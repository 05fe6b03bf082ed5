"""Permuted labels: a model that learns from shuffled labels must not beat chance on the test."""

from __future__ import annotations

import numpy as np

from scoring.pages.words import Words, say
from training.intake.auc import interval, ranked
from training.intake.duplicates import told_apart
from training.intake.finding import Finding, Grade
from training.intake.quick import quick_scores
from training.intake.table import MODEL_ROWS, Audited

CHECK = "permuted_labels"

_CHUNKS = 20
_MOST = 0.3
_FEW = 10


def permuted_labels(table: Audited) -> list[Finding]:
    """Shuffle labels three ways, learn, and rank the test rows' shuffled labels.

    Rows that are equal share a label, so a figure above chance means that the model knows test rows again. With a
    group, whole entities swap labels: above chance, it recognises entities. With time, labels are shuffled within
    twentieths of it: above chance, it knows the time. Only the first is a fault in itself; recognising entities is one
    where the split pretends that those of the test are unknown: without time.
    """
    if table.X.shape[1] == 0:
        return [Finding(CHECK, Grade.NOT_ASSESSED, say("intake.no_columns"))]
    rng = np.random.default_rng(table.seed)
    if told_apart(table):
        shuffled, how = _by_key(table.hashes, table.y, rng), say("intake.equal_alike")
    else:
        # Where few values make rows equal by chance, equal rows sharing a label would be a rule that can be learnt.
        shuffled, how = rng.permutation(table.y), say("intake.row_by_row")
    found = [_graded(table, shuffled, how, "", red=True)]
    if table.group is not None:
        advice = (
            "The same ones stand in both parts, as they do in service; knowing them is part of the figures."
            if table.forward
            else "The same ones stand in both parts: split by them (--group), and drop columns that only name them."
        )
        shuffled = _by_key(table.group, table.y, rng)
        found.append(
            _graded(
                table, shuffled, say("intake.swapped", group=table.group_name), advice, red=not table.forward,
                key=table.group,
            )
        )  # fmt: skip
    if table.time is not None and not table.forward:
        chunk = np.empty(len(table.y), np.int64)
        chunk[table.order] = np.arange(len(table.y)) * _CHUNKS // len(table.y)
        advice = "Columns tell the time, and rates move with it: split forward in time (--split-at)."
        found.append(_graded(table, _within(chunk, table.y, rng), say("intake.within_periods"), advice, red=False))
    return found


def _by_key(key: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each key's label, handed to another key: int8[n].

    A key's label is an event where it has any, or is its first row's where most keys have one.

    Examples
    --------
    >>> made = _by_key(np.array([7, 7, 8]), np.array([1, 1, 0], np.int8), np.random.default_rng(0))
    >>> bool(made[0] == made[1])
    True
    """
    _, first, code = np.unique(key, return_index=True, return_inverse=True)
    events = np.bincount(code, weights=y) > 0
    if events.mean() > _MOST:
        events = y[first] == 1
    return np.asarray(rng.permutation(events)[code].astype(np.int8))


def _within(key: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    made = np.empty_like(y)
    made[np.argsort(key, kind="stable")] = y[np.lexsort((rng.random(len(y)), key))]
    return made


def _graded(
    table: Audited, shuffled: np.ndarray, how: Words, advice: str, *, red: bool, key: np.ndarray | None = None
) -> Finding:
    """One shuffle as a finding; rows of one key share a label, so the interval counts keys."""
    train, test = (table.sample(rows, MODEL_ROWS, shuffled) for rows in (table.train, table.test))
    names = np.arange(len(shuffled)) if key is None else key
    n = [len(np.unique(names[rows[shuffled[rows] == label]])) for rows in (train, test) for label in (0, 1)]
    if min(n) < _FEW:
        what: Words = say("intake.rows") if key is None else table.group_name
        return Finding(CHECK, Grade.NOT_ASSESSED, say("intake.too_few", how=how, least=_FEW, what=what))
    scores = quick_scores(table.X[train], shuffled[train], table.X[test], seed=table.seed, threads=table.threads)
    alone = ranked(shuffled[test], scores, "", either=False)
    low, high = interval(alone.auc, n[3], n[2])
    limit = table.limits.permuted_auc
    words = say("intake.permuted", how=how, auc=alone.auc, low=low, high=high)
    above = alone.auc > limit.value and low > 0.5
    if not above:
        return Finding(CHECK, Grade.GREEN, words, (), alone.auc, low, high, limit, alone.n)
    advice = advice or "Test rows stand in training under the same values: see duplicates."
    grade = Grade.RED if red and low > limit.value else Grade.NOTE if table.forward else Grade.AMBER
    return Finding(CHECK, grade, words, (), alone.auc, low, high, limit, alone.n, advice=advice)
