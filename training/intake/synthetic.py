"""Columns that look made up: too regular, too normal, independent of everything, or sums of others.

Real tables hold such columns too, so nothing here is ever red.
"""

from __future__ import annotations

import re

import numpy as np

from scoring.pages.words import Say, say
from training.intake.finding import Finding, Grade
from training.intake.table import Audited, Column

CHECK = "synthetic_column"

_ROWS = 5_000
_LEAST = 1_000
_EXACT = 1e-9
_AMOUNT = re.compile(r"amount|amt|amnt|value|price|bal|income|salary|sum|turnover|payment|loan|limit", re.IGNORECASE)


def synthetic_columns(table: Audited) -> list[Finding]:
    """Notes on distributions that a formula gives and life seldom does, each with its statistic.

    Uniform and normal by Kolmogorov's distance, first digits of amounts by Benford's law (Nigrini 2012), round numbers,
    exact linear combinations of other columns, and a table in which no two columns go together (amber).
    """
    numbers = [
        each for each in table.columns if each.raw and each.form == "number" and each.n_values > 20 and not each.id_like
    ]
    rows = table.plain_sample(np.arange(len(table.y)), _ROWS)
    found: list[Finding] = []
    for column in numbers:
        known = column.values[rows][~column.missing[rows]]
        if len(known) < _LEAST:
            continue
        made = _distribution(column, known) or _first_digits(table, column, known) or _round(column, known)
        if made is not None:
            words, value, advice = made
            limit = table.limits.benford_mad if words.key == "intake.benford" else None
            found.append(
                Finding(CHECK, Grade.NOTE, words, (column.name,), value, limit=limit, n=len(known), advice=advice)
            )
    found += _combinations(numbers, rows)
    found += _independent(numbers, rows)
    n = len(numbers)
    return found or [Finding(CHECK, Grade.GREEN, say("intake.no_formula", n=n), n=len(rows))]


def _distribution(column: Column, known: np.ndarray) -> tuple[Say, float, str] | None:
    """Closer to a uniform or normal curve than the 5 % point of chance; of columns with many values only."""
    if column.n_values < 0.1 * len(known):
        return None
    from scipy.special import ndtr

    x = np.sort(known)
    steps = np.arange(1, len(x) + 1) / len(x)

    def distance(curve: np.ndarray) -> float:
        return float(np.maximum(np.abs(curve - steps), np.abs(curve - steps + 1 / len(x))).max())

    advice = "If the table is meant to be real, ask where the column comes from."
    flat = distance((x - x[0]) / (x[-1] - x[0]))
    if flat < 1.36 / np.sqrt(len(x)):
        return say("intake.uniform", low=float(x[0]), high=float(x[-1]), distance=flat), flat, advice
    bell = distance(ndtr((x - x.mean()) / x.std()))
    # 0.886/√n is the 5 % point when mean and spread are estimated (Lilliefors, JASA 1967).
    if bell < 0.886 / np.sqrt(len(x)):
        return say("intake.normal", distance=bell), bell, advice
    return None


def _first_digits(table: Audited, column: Column, known: np.ndarray) -> tuple[Say, float, str] | None:
    """Amounts over three decades ought to follow Benford's law; far off, they were made, capped or agreed."""
    positive = known[known > 0]
    if not _AMOUNT.search(column.name) or len(positive) < _LEAST:
        return None
    low, high = np.quantile(positive, [0.01, 0.99])
    if high / low < 1_000:
        return None
    digit = np.floor(positive / 10 ** np.floor(np.log10(positive))).astype(np.int64).clip(1, 9)
    share = np.bincount(digit, minlength=10)[1:] / len(digit)
    off = float(np.abs(share - np.log10(1 + 1 / np.arange(1, 10))).mean())
    if off <= table.limits.benford_mad.value:
        return None
    words = say("intake.benford", off=off)
    return words, off, "Expected of made-up, capped or agreed amounts; ask which."


def _round(column: Column, known: np.ndarray) -> tuple[Say, float, str] | None:
    if not _AMOUNT.search(column.name) or not column.whole:
        return None
    for step in (10_000, 1_000, 100):
        share = float((np.mod(known[known != 0], step) == 0).mean()) if (known != 0).any() else 0.0
        if share > 0.95 and column.n_values > 10:
            return (
                say("intake.multiples", share=share, step=step),
                share,
                "Agreed or rounded figures; a finer unit is not there.",
            )
    return None


def _combinations(numbers: list[Column], rows: np.ndarray) -> list[Finding]:
    """Columns that others give exactly, by QR with column pivoting; the few that make them up are named."""
    full = [column for column in numbers if not column.missing[rows].any()]
    if len(full) < 2:
        return []
    X = np.column_stack([column.values[rows] for column in full])
    X = X - X.mean(axis=0)
    X = X / X.std(axis=0)
    from scipy.linalg import qr

    _, R, pivot = qr(X, mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(R)) > np.sqrt(_EXACT) * abs(R[0, 0]) / 100).sum())
    found = []
    basis = pivot[:rank]
    for place in pivot[rank:][:10]:
        weights, *_ = np.linalg.lstsq(X[:, basis], X[:, place], rcond=None)
        parts = [full[basis[k]].name for k in np.argsort(-np.abs(weights)) if abs(weights[k]) > 1e-6]
        name = full[place].name
        if not parts:
            continue
        words = say("intake.another_name", name=name, part=parts[0])
        if len(parts) > 1:
            key = "intake.combination_more" if len(parts) > 6 else "intake.combination"
            words = say(key, name=name, parts=", ".join(parts[:6]))
        advice = "It says nothing new: leave it out of linear models."
        found.append(Finding(CHECK, Grade.NOTE, words, (name, *parts[:6]), n=len(rows), advice=advice))
    return found


def _independent(numbers: list[Column], rows: np.ndarray) -> list[Finding]:
    """No pair of columns goes together: drawn one by one, as no real table is."""
    if len(numbers) < 5 or len(rows) < _LEAST:
        return []
    ranks = np.column_stack([_ranks(column.values[rows]) for column in numbers])
    correlation = np.abs(np.corrcoef(ranks, rowvar=False)[np.triu_indices(len(numbers), 1)])
    strongest = float(np.nanmax(correlation))
    # Chance alone takes the largest of k correlations of n rows to about √(2 ln k / n).
    chance = float(np.sqrt(2 * np.log(max(2, len(correlation))) / len(rows)))
    if strongest > 1.5 * chance:
        return []
    names = tuple(column.name for column in numbers)
    words = say("intake.independent", n=len(numbers), strongest=strongest, chance=chance)
    advice = "The columns were drawn one by one: figures on this table say little about a real one."
    return [Finding(CHECK, Grade.AMBER, words, names, strongest, n=len(rows), advice=advice)]


def _ranks(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    filled = np.where(np.isnan(values), np.nanmedian(values), values)
    return np.asarray(rankdata(filled))
