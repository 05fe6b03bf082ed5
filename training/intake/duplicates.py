"""Duplicates: rows of the test that training has seen already, and the optimism they cause."""

from __future__ import annotations

import numpy as np

from scoring.metrics import Ranking
from scoring.pages.words import Words, say
from training.intake.finding import Finding, Grade
from training.intake.quick import quick_scores
from training.intake.table import MODEL_ROWS, Audited
from training.intake.twins import Twins, find_twins
from training.intervals import interval_of, paired_difference, resamples

CHECK = "duplicates"

TWIN_ROWS = 300_000
"""Rows of a part among which twins are looked for, at most."""

_DIGITS_PER_DIGIT = 1.5
_DRAWS = 100
_EXAMPLES = 5


def twins_of(table: Audited) -> tuple[Twins, np.ndarray, np.ndarray]:
    """Twins of the test's rows among training's, and the rows of both that were compared."""
    learnt, held = (table.plain_sample(rows, TWIN_ROWS) for rows in (table.train, table.test))
    X, hashes = table.X, (table.hashes[learnt], table.hashes[held])
    return find_twins(X[learnt], X[held], table.limits.near_distance.value, table.seed, hashes), learnt, held


def duplicates(table: Audited) -> list[Finding]:
    """Count rows that repeat within training and across the parts, and measure what the repeats are worth.

    A twin is a row equal in every input, or within ``near_distance``; times and ids are no inputs here. The optimism is
    the AUC of a quick model on all test rows less its AUC on test rows without a twin; because rows that repeat may be
    easier by nature, the model is also learnt again without the twins, and scored on the same rows. Red where both
    differences stay above ``optimism``.
    """
    if not told_apart(table):
        words = say("intake.alike_by_chance", n=len(table.model_columns))
        return [Finding(CHECK, Grade.NOT_ASSESSED, words)]
    twins, learnt, held = twins_of(table)
    return [*_within(table), _across(table, twins, learnt, held)]


def told_apart(table: Audited) -> bool:
    """Whether the columns hold so many values that rows are not equal by chance.

    The sum over columns of the entropy of their values (as decimal digits) must be a multiple of the digits of the
    number of rows: columns go together, so they say less than their sum.
    """
    rows = table.plain_sample(np.arange(len(table.y)), 5_000)
    total = 0.0
    for column in table.model_columns:
        _, counts = np.unique(np.nan_to_num(column.values[rows], nan=-np.pi), return_counts=True)
        share = counts / counts.sum()
        total += float(-(share * np.log10(share)).sum())
    return bool(total >= _DIGITS_PER_DIGIT * np.log10(max(10, len(table.y))))


def _within(table: Audited) -> list[Finding]:
    rows = table.train
    _, first, n_each = np.unique(table.hashes[rows], return_index=True, return_counts=True)
    n_more = len(rows) - len(first)
    share = n_more / max(1, len(rows))
    limit = table.limits.twin_share
    if share <= limit.value:
        return []
    examples = tuple(table.row[rows[first[n_each > 1]]][:_EXAMPLES].tolist())
    words = say("intake.repeats", n=n_more, of=len(rows), share=share)
    return [
        Finding(
            CHECK, Grade.NOTE, words, value=share, limit=limit, n=len(rows), rows=examples,
            advice="Remove repeats if one event was recorded twice; keep them if they are different people alike.",
        )
    ]  # fmt: skip


def _across(table: Audited, twins: Twins, learnt: np.ndarray, held: np.ndarray) -> Finding:
    has = twins.near >= 0
    n, n_exact, share = int(has.sum()), int((twins.exact >= 0).sum()), float(has.mean())
    limit = table.limits.twin_share
    sought: Words = ""
    if len(learnt) < len(table.train):
        sought = say("intake.sought", n=len(learnt), all=len(table.train))
    what = say("intake.twins", n=n, of=len(held), share=share, exact=n_exact, sought=sought)
    if share <= limit.value:
        return Finding(CHECK, Grade.GREEN, what, value=share, limit=limit, n=len(held))
    rows = tuple(table.row[held[has]][:_EXAMPLES].tolist())
    agree = float((table.y[held[has]] == table.y[learnt[twins.near[has]]]).mean())
    what = say("intake.twins_agree", twins=what, agree=agree)
    advice = (
        "Remove repeats before splitting, or split so that twins stay together (--group); quote figures of rows "
        "without twins until then."
    )
    measured = optimism(table, twins, learnt, held)
    if measured is None:
        words = say("intake.optimism_unmeasured", twins=what)
        return Finding(CHECK, Grade.AMBER, words, value=share, limit=limit, n=len(held), rows=rows, advice=advice)
    whole, (gain, low, high), (caused, caused_low, caused_high), n_measured = measured
    floor = table.limits.optimism
    words = say(
        "intake.optimism", twins=what, whole=whole, gain=gain, low=low, high=high, caused=caused,
        caused_low=caused_low, caused_high=caused_high,
    )  # fmt: skip
    if low > floor.value and caused_low > floor.value:
        return Finding(CHECK, Grade.RED, words, (), gain, low, high, floor, n_measured, rows, advice)
    grade = Grade.AMBER if caused_low > 0 or share > 0.1 else Grade.NOTE
    return Finding(CHECK, grade, words, (), gain, low, high, floor, n_measured, rows, advice)


_Measured = tuple[float, tuple[float, float, float], tuple[float, float, float], int]


def optimism(table: Audited, twins: Twins, learnt: np.ndarray, held: np.ndarray) -> _Measured | None:
    """AUC on all test rows; its excess over rows without twins; what learning without twins costs; rows measured.

    Differences come with 95 % bootstrap intervals over rows. None where a class is missing from the rows compared.
    """
    X, y = table.X, table.y
    chosen = np.isin(held, table.sample(held, MODEL_ROWS))
    scored, partner = held[chosen], twins.near[chosen]
    free = partner < 0
    if min(y[scored][free].sum(), (1 - y[scored][free]).sum()) < 10:
        return None
    twin = np.zeros(len(learnt), bool)
    twin[partner[~free]] = True
    # Training rows with a scored twin are all kept; the others are thinned.
    others = table.sample(learnt[~twin], max(MODEL_ROWS - int(twin.sum()), MODEL_ROWS // 3))
    both = np.concatenate([learnt[twin], others])

    def scores(rows: np.ndarray) -> np.ndarray:
        return quick_scores(X[rows], y[rows], X[scored], seed=table.seed, threads=table.threads)

    if min(y[others].sum(), (1 - y[others]).sum()) < 10:
        return None
    with_twins, without = scores(both), scores(others)
    ranking, again = Ranking.of(y[scored], with_twins), Ranking.of(y[scored], without)
    apart = Ranking.of(y[scored][free], with_twins[free])
    whole = ranking.auc()
    draws = [ranking.auc(w) - apart.auc(w[free]) for w in resamples(len(scored), None, _DRAWS, table.seed)]
    spread = interval_of(np.array(draws))
    caused, between = paired_difference(ranking.auc, again.auc, len(scored), None, _DRAWS, table.seed)
    gain = whole - apart.auc()
    return whole, (gain, spread.low, spread.high), (caused, between.low, between.high), len(scored)
