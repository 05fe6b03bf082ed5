"""What every family asks of its rows before it learns from them or is scored on them."""

from __future__ import annotations

import numpy as np

from domain.errors import DataError, expected_got
from scoring.metrics import Ranking
from training.families.family import Columns, Labelled


def check_rows(columns: Columns, rows: Labelled, purpose: str, *, labels: bool = True) -> None:
    """Refuse rows that nothing can be learnt from.

    Parameters
    ----------
    purpose : "learn from" or "score", for the message. labels : whether both classes must occur.

    Raises
    ------
    DataError
        When the matrix does not fit the columns, there are no rows, or all rows have one label.

    Examples
    --------
    >>> check_rows(Columns(("amount",)), Labelled(np.ones((3, 1)), np.zeros(3, np.int8)), "learn from")
    Traceback (most recent call last):
    domain.errors.DataError: rows to learn from: expected both labels, got 3 rows of 0 only; take a longer period ...
    """
    where = f"rows to {purpose}"
    if rows.X.ndim != 2 or rows.X.shape[1] != len(columns.names) or len(rows.X) != len(rows.y):
        expected = f"a matrix of {len(rows.y)} rows and {len(columns.names)} columns"
        raise DataError(expected_got(expected, list(rows.X.shape), where))
    if not len(rows):
        raise DataError(f"{where}: expected some, got none; take a longer period (windows, folds.valid)")
    if labels and rows.y.min() == rows.y.max():
        raise DataError(
            f"{where}: expected both labels, got {len(rows):,} rows of {rows.y[0]:g} only; take a longer period "
            "(windows, folds.valid), fewer folds, or check that the outcomes were imported"
        )


def weights(rows: Labelled, *, balanced: bool) -> np.ndarray:
    """What each row counts for, float64[n]; ``balanced`` lifts the positives up to the mass of the negatives.

    Examples
    --------
    >>> weights(Labelled(np.ones((4, 1)), np.array([0, 0, 0, 1], np.int8)), balanced=True).tolist()
    [1.0, 1.0, 1.0, 3.0]
    """
    given = np.ones(len(rows)) if rows.weight is None else rows.weight.astype(np.float64)
    if not balanced:
        return given
    positive = rows.y == 1
    return np.where(positive, given * (given[~positive].sum() / given[positive].sum()), given)


def figure(rows: Labelled, raw: np.ndarray, objective: str) -> float:
    """The objective (``average_precision`` or ``auc``) of raw scores, with the rows' weights."""
    ranking = Ranking.of(rows.y, raw)
    return ranking.auc(rows.weight) if objective == "auc" else ranking.average_precision(rows.weight)


def log_odds(probability: np.ndarray, mass: float) -> np.ndarray:
    """Log-odds of probabilities, kept finite: no leaf is surer than half a row in all that was learnt from.

    Parameters
    ----------
    mass : weight of the rows learnt from.

    Examples
    --------
    >>> log_odds(np.array([0.0, 0.5, 1.0]), mass=9).round(2).tolist()
    [-2.94, 0.0, 2.94]
    """
    least = 0.5 / (mass + 1)
    bounded = np.clip(probability, least, 1 - least)
    return np.asarray(np.log(bounded) - np.log1p(-bounded))
