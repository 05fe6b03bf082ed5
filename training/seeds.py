"""Whether an explanation is the data's or the draw's: the same parameters and rounds, fitted with other seeds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from scoring.explainer import Explainer
from scoring.scorer import Scorer
from training.families.family import Columns, Labelled, Params
from training.families.lightgbm import LightGBM
from training.interventional import spearman

TOP = 10
"""Features that are compared by name."""


@dataclass(frozen=True)
class Refit:
    """A model of another seed: its text, and mean absolute contributions of the sample, float64[m]."""

    seed: int
    text: str
    mean_abs: np.ndarray


@dataclass(frozen=True)
class Steadiness:
    """Of all pairs of models.

    Parameters
    ----------
    spearman : correlations of mean absolute contributions, float64[pairs].
    jaccard : overlap of the ten greatest, float64[pairs].
    """

    spearman: np.ndarray
    jaccard: np.ndarray


def refit(
    family: LightGBM, columns: Columns, rows: Labelled, params: Params, rounds: int, seeds: Sequence[int], X: np.ndarray
) -> tuple[Refit, ...]:
    """One model a seed, and its path-dependent contributions of the sample X, float64[n, m]."""

    def one(seed: int) -> Refit:
        text = replace(family, seed=seed, threads=1).fit(columns, rows, params, rounds).text
        values = Explainer(Scorer(text)).contributions_many(X)[:, :-1]
        return Refit(seed, text, np.abs(values).mean(axis=0))

    # A seed a thread: small trees on two threads wait for each other, and many times as long on a busy machine.
    with ThreadPoolExecutor(max(1, family.threads)) as pool:
        return tuple(pool.map(one, seeds))


def steadiness(mean_abs: Sequence[np.ndarray], top: int = TOP) -> Steadiness:
    """Agreement of every two models, from the features' mean absolute contributions, float64[m] each.

    A feature that moves nothing is not among the greatest, however few others there are.

    Examples
    --------
    >>> steadiness([np.array([3.0, 2, 1]), np.array([3.0, 1, 2])], top=2)
    Steadiness(spearman=array([0.5]), jaccard=array([0.33333333]))
    """
    tops = [
        {place for place in np.argsort(-each, kind="stable")[:top].tolist() if each[place] > 0} for each in mean_abs
    ]
    pairs = list(combinations(range(len(mean_abs)), 2))
    return Steadiness(
        np.array([spearman(mean_abs[a], mean_abs[b]) for a, b in pairs]),
        np.array([len(tops[a] & tops[b]) / max(1, len(tops[a] | tops[b])) for a, b in pairs]),
    )
