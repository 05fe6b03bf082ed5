"""Simple rivals of a model, fitted on the rows it learnt from and paired with it on the same later rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.errors import AssayError
from scoring.metrics import Ranking
from training.families.catalogue import make
from training.families.family import Columns, Labelled
from training.intervals import Interval, paired_difference
from training.settings import TrainingSettings

MOST_ROWS = 6_000
"""Rows a rival learns from, at most; drawn by lot."""


@dataclass(frozen=True)
class Rival:
    """A fitted rival. ``raw`` : float64[n] of the later rows, None where it failed and ``note`` says why."""

    name: str
    raw: np.ndarray | None
    n_learnt: int
    note: str = ""


def fit_rivals(
    settings: TrainingSettings, columns: Columns, train: Labelled, later: np.ndarray, names: Sequence[str]
) -> tuple[Rival, ...]:
    """Fit families without a search, with the parameters they begin a search with.

    Parameters
    ----------
    later : float64[n, m], rows that are scored. names : families of `training.families.catalogue`.
    """
    kept = train
    if len(train) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(settings.seed).permutation(len(train))[:MOST_ROWS])
        kept = Labelled(train.X[rows], train.y[rows])
    found = []
    for name in names:
        try:
            family = make(name, settings, {})
            model = family.fit(columns, kept, family.starts(len(kept))[0], 1)
            found.append(Rival(name, model.raw(later), len(kept)))
        # What a family's library raises on rows it cannot take is a result of the comparison.
        except (AssayError, ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
            found.append(Rival(name, None, len(kept), " ".join(str(error).split())))
    return tuple(found)


def beside(
    y: np.ndarray,
    raw: np.ndarray,
    rival: np.ndarray,
    objective: str,
    cluster: np.ndarray | None,
    n_draws: int,
    seed: int,
) -> tuple[float, Interval]:
    """The model's figure less its rival's on the same rows, with the paired interval.

    Parameters
    ----------
    y : int8[n]. raw, rival : float64[n], raw scores. objective : ``auc`` or ``average_precision``.

    Examples
    --------
    >>> y = np.repeat([0, 1], 20)
    >>> difference, interval = beside(y, y + 0.0, 1.0 - y, "auc", None, 20, seed=0)
    >>> difference, interval.low
    (1.0, 1.0)
    """
    first, second = Ranking.of(y, raw), Ranking.of(y, rival)

    def of(ranking: Ranking, weight: np.ndarray) -> float:
        return ranking.auc(weight) if objective == "auc" else ranking.average_precision(weight)

    return paired_difference(
        lambda weight: of(first, weight), lambda weight: of(second, weight), len(y), cluster, n_draws, seed
    )
