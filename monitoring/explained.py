"""Drift explained: can a model tell now from then, by which features, and which segments moved.

1. reference and chunk, at most 2,000 rows of each        -> one table, labelled by side
2. LightGBM in two folds, each half scored by the other   -> AUC of telling them apart, with an interval
3. gain of both models                                    -> share of each feature: the drivers
4. each segment of channel, region, product, grade        -> share of the rows then and now, mean score then and now
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.traffic import SEGMENTS, Traffic
from scoring.interval import difference, two_sided
from scoring.metrics import Ranking

_MOST = 2_000
LEAST = 100
_SEED = 20_263
_ROUNDS = 40
_PARAMS = {
    "objective": "binary", "num_leaves": 15, "min_data_in_leaf": 30, "learning_rate": 0.1, "verbosity": -1,
    "num_threads": 1, "seed": _SEED, "deterministic": True, "force_col_wise": True,
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """How well the two sides can be told apart.

    Parameters
    ----------
    auc : 0.5 where they cannot. low, high : 95 % interval. drivers : feature → share of the gain, the largest first.
    n_reference, n_current : rows that were used.
    """

    auc: float
    low: float
    high: float
    drivers: dict[str, float]
    n_reference: int
    n_current: int


@dataclass(frozen=True)
class Segment:
    """One segment: share of the rows and mean score, then and now; ``moved`` where chance does not explain it."""

    column: str
    value: str
    share_then: float
    share_now: float
    score_then: float | None
    score_now: float | None
    moved: bool


def told_apart(reference: Traffic, chunk: Traffic) -> Told | None:
    """Whether a model tells the chunk from the reference; None with too few rows on a side."""
    then, now = _sample(reference.features, 0), _sample(chunk.features, 1)
    if min(len(then), len(now)) < LEAST or not reference.names:
        return None
    import lightgbm as lgb

    rows = np.vstack([then, now])
    side = np.repeat([0.0, 1.0], [len(then), len(now)])
    # The same split whatever the order the rows came in: halves alternate within each side.
    half = np.concatenate([np.arange(len(then)) % 2, np.arange(len(now)) % 2])
    score, gain = np.zeros(len(rows)), np.zeros(rows.shape[1])
    codes = [place for place, name in enumerate(reference.names) if name in reference.categorical]
    for fold in (0, 1):
        data = lgb.Dataset(rows[half != fold], side[half != fold], categorical_feature=codes, free_raw_data=False)
        model = lgb.train(_PARAMS, data, _ROUNDS)
        score[half == fold] = model.predict(rows[half == fold], num_iteration=_ROUNDS)
        gain += model.feature_importance("gain")
    auc = float(np.mean([Ranking.of(side[half == fold], score[half == fold]).auc() for fold in (0, 1)]))
    reach = two_sided(0.95) * _spread(auc, len(then), len(now))
    share = gain / gain.sum() if gain.sum() > 0 else gain
    order = np.argsort(-share, kind="stable")
    drivers = {reference.names[place]: float(share[place]) for place in order.tolist() if share[place] > 0}
    return Told(auc, max(0.0, auc - reach), min(1.0, auc + reach), drivers, len(then), len(now))


def segments(reference: Traffic, chunk: Traffic) -> tuple[Segment, ...]:
    """Every segment of both sides, the most moved first."""
    found = []
    for column in SEGMENTS:
        if not (reference.has(column) and chunk.has(column)):
            continue
        values = sorted({str(each) for rows in (reference, chunk) for each in rows.frame[column].dropna().unique()})
        confidence = 1 - 0.05 / max(1, len(values))
        for value in values:
            then, now = ((rows.frame[column].astype(object) == value).to_numpy() for rows in (reference, chunk))
            low, high = difference(int(now.sum()), len(now), int(then.sum()), len(then), confidence)
            found.append(
                Segment(
                    column,
                    value,
                    float(then.mean()) if len(then) else 0.0,
                    float(now.mean()) if len(now) else 0.0,
                    _mean(reference, then),
                    _mean(chunk, now),
                    not low <= 0 <= high,
                )
            )
    return tuple(sorted(found, key=lambda each: (not each.moved, -abs(each.share_now - each.share_then))))


def _sample(rows: NDArray[np.float64], salt: int) -> NDArray[np.float64]:
    """At most so many rows, the same ones in whatever order they came."""
    ordered = rows[np.lexsort(rows.T[::-1])] if rows.size else rows
    if len(ordered) > _MOST:
        chosen = np.random.default_rng([_SEED, salt]).choice(len(ordered), _MOST, replace=False)
        ordered = ordered[np.sort(chosen)]
    return np.random.default_rng([_SEED, 2 + salt]).permutation(ordered)


def _spread(auc: float, n: int, m: int) -> float:
    """Standard error of an AUC (Hanley & McNeil, 1982)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (n - 1) * (q1 - auc**2) + (m - 1) * (q2 - auc**2)
    return math.sqrt(max(0.0, variance) / (n * m))


def _mean(rows: Traffic, mask: NDArray[np.bool_]) -> float | None:
    if not rows.has("score"):
        return None
    score = rows.numbers("score")[mask]
    score = score[~np.isnan(score)]
    return float(score.mean()) if len(score) else None
