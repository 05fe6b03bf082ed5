"""Proxies: how well the features tell who belongs to which group of a protected attribute.

Computed while rows and attributes are at hand, for validation only, and logged as `proxies.json`: numbers alone.
A model that holds no protected attribute may still know it through others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from scoring.metrics import Ranking
from training.groups import FEWEST, NOT_KNOWN, groups_of
from training.intervals import bootstrap

ARTIFACT = "proxies.json"

_MOST = 5_000
_ROUNDS = 50
_N_BINS = 10
_N_DRAWS = 100


@dataclass(frozen=True, slots=True)
class Proxy:
    """How well features tell one group from the rest of the test.

    Parameters
    ----------
    n, n_group : rows it was measured on, and those of the group.
    auc, low, high : of all features together, out of fold, with a 95 % interval; 0.5 tells nothing, 1 everything.
    features : feature → AUC of that feature alone, out of fold.
    """

    attribute: str
    group: str
    n: int
    n_group: int
    auc: float
    low: float
    high: float
    features: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def proxies_of(
    X: np.ndarray,
    names: Sequence[str],
    categorical: Collection[str],
    attributes: pa.Table,
    protected: Sequence[str],
    *,
    seed: int,
    threads: int = 1,
) -> tuple[Proxy, ...]:
    """Each group of each attribute told from the rest; of two groups only the first, as the other is its mirror.

    A group, or a rest, of fewer than 30 rows is left out.

    Parameters
    ----------
    X : float64[n, m], encoded rows of the test. attributes : the same rows in the same order.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sex = np.repeat(["f", "m"], 400)
    >>> X = np.column_stack([rng.normal(sex == "f", 0.2), rng.normal(size=800)])
    >>> (found,) = proxies_of(X, ("height", "luck"), (), pa.table({"sex": sex}), ["sex"], seed=1)
    >>> found.auc > 0.95, found.features["height"] > 0.95, found.features["luck"] < 0.6
    (True, True, True)
    """
    rng = np.random.default_rng(seed)
    kept = np.sort(rng.permutation(len(X))[:_MOST])
    fold = rng.permutation(len(kept)) % 2
    rows = X[kept]
    bins = [_places(rows[:, place], name in categorical) for place, name in enumerate(names)]
    places = [place for place, name in enumerate(names) if name in categorical]
    found = []
    for attribute in protected:
        known = [each for each in groups_of(attributes[attribute].to_pandas()) if each[0] != NOT_KNOWN]
        whole = np.zeros(len(X), bool)
        for _, members in known:
            whole[members] = True
        mine = whole[kept]
        for group, members in known[:1] if len(known) == 2 else known:
            chosen = np.zeros(len(X), bool)
            chosen[members] = True
            y = chosen[kept][mine].astype(np.int8)
            if not FEWEST <= y.sum() <= len(y) - FEWEST:
                continue
            told = _joint(rows[mine], y, fold[mine], places, seed, threads)
            ranking = Ranking.of(y, told)
            spread = bootstrap(ranking.figures, len(y), None, _N_DRAWS, seed)["auc"]
            alone = {
                name: round(_alone(place[mine], y, fold[mine]), 4) for name, place in zip(names, bins, strict=True)
            }
            found.append(Proxy(attribute, group, len(y), int(y.sum()), ranking.auc(), spread.low, spread.high, alone))
    return tuple(found)


def _joint(X: np.ndarray, y: np.ndarray, fold: np.ndarray, places: list[int], seed: int, threads: int) -> np.ndarray:
    """Rank, within its fold, of the group's probability by boosted trees that did not see the row, float64[n]."""
    import lightgbm
    from scipy.stats import rankdata

    params = {
        "objective": "binary", "num_leaves": 8, "learning_rate": 0.1, "min_data_in_leaf": 20, "max_bin": 63,
        "num_threads": threads, "deterministic": True, "force_row_wise": True, "seed": seed, "verbosity": -1,
    }  # fmt: skip
    told = np.empty(len(y))
    for out in (0, 1):
        inside = fold != out
        data = lightgbm.Dataset(X[inside], y[inside], categorical_feature=places, params=params)
        made = lightgbm.train(params, data, _ROUNDS).predict(X[~inside], num_threads=threads)
        # The level differs between folds, against the group's share in the other; ranks do not.
        told[~inside] = rankdata(made) / (len(y) - inside.sum())
    return told


def _places(column: np.ndarray, categorical: bool) -> np.ndarray:
    """Bin of each value, int64[n]: a category each, or tenths; missing values have a bin of their own, the first."""
    absent = np.isnan(column)
    if categorical:
        return np.asarray(np.where(absent, -1, column), np.int64) + 1
    edges = (
        np.unique(np.quantile(column[~absent], np.arange(1, _N_BINS) / _N_BINS)) if not absent.all() else np.zeros(0)
    )
    return np.where(absent, 0, np.searchsorted(edges, column, side="right") + 1).astype(np.int64)


def _alone(place: np.ndarray, y: np.ndarray, fold: np.ndarray) -> float:
    """AUC of the group's share in the bin of the row, learnt from the other fold."""
    told = np.empty(len(y))
    for out in (0, 1):
        inside = fold != out
        rows = np.bincount(place[inside], minlength=int(place.max()) + 1)
        hits = np.bincount(place[inside], weights=y[inside], minlength=len(rows))
        # Two rows of the average pull bins that hold little to the middle.
        told[~inside] = ((hits + 2 * y[inside].mean()) / (rows + 2))[place[~inside]]
    # Shares learnt from different folds differ a little in level; ranks are compared within each.
    return float(np.mean([Ranking.of(y[fold == out], told[fold == out]).auc() for out in (0, 1)]))
