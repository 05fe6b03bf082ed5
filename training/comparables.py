"""Single rows worth showing, chosen by a rule, and rows that the model takes for their like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KINDS = ("true_positive", "false_positive", "false_negative", "borderline")


@dataclass(frozen=True)
class Comparables:
    """The nearest rows of a reference, nearest first.

    Parameters
    ----------
    rows : int64[k], places in the reference. distance : float64[k], raw log-odds.
    """

    rows: np.ndarray
    distance: np.ndarray


def choose_cases(y: np.ndarray, raw: np.ndarray, cut: float) -> dict[str, int]:
    """A row of each kind that there is: the one with the median raw score of its kind, no taste about it.

    Borderline is the labelled row nearest to the cut, of those not chosen yet. Ties go to the earlier row.

    Parameters
    ----------
    y : int8[n], −1 where there is no label. raw : float64[n]. cut : raw score from which a row is flagged.

    Examples
    --------
    >>> raw = np.array([3.0, 2.0, 1.0, -1.0, 0.1, -3.0])
    >>> choose_cases(np.array([1, 1, 1, 1, 0, -1]), raw, 0.0)
    {'true_positive': 1, 'false_positive': 4, 'false_negative': 3, 'borderline': 2}
    """
    flagged = raw >= cut
    masks = {
        "true_positive": flagged & (y == 1),
        "false_positive": flagged & (y == 0),
        "false_negative": ~flagged & (y == 1),
    }
    found: dict[str, int] = {}
    for kind, mask in masks.items():
        rows = np.flatnonzero(mask)
        if len(rows):
            # The lower median of an even number, so that it is a row.
            found[kind] = int(rows[np.argsort(raw[rows], kind="stable")[(len(rows) - 1) // 2]])
    left = np.setdiff1d(np.flatnonzero(y >= 0), list(found.values()))
    if len(left):
        found["borderline"] = int(left[np.argmin(np.abs(raw[left] - cut))])
    return found


def nearest(contributions: np.ndarray, reference: np.ndarray, k: int) -> Comparables:
    """The k rows of a reference whose contributions lie nearest, float64[m], float64[n, m].

    A feature counts by how far it moves the score, not by its own scale: rows are alike where the model has the same
    reasons for the same score.

    Examples
    --------
    >>> nearest(np.array([1.0, 0.0]), np.array([[0.0, 0.0], [1.0, 0.5], [9.0, 9.0]]), 2)
    Comparables(rows=array([1, 0]), distance=array([0.5, 1. ]))
    """
    distance = np.sqrt(((reference - contributions) ** 2).sum(axis=1))
    rows = np.argsort(distance, kind="stable")[:k]
    return Comparables(rows, distance[rows])
