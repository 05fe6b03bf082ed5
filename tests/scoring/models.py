"""Small LightGBM models of every kind the scorer must read, trained once a session."""

from __future__ import annotations

from functools import cache
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

NAMES = ("amount", "count", "ratio", "channel", "hour")
CATEGORICAL = "channel"
_COMMON = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 7, "deterministic": True}

KINDS: dict[str, tuple[dict[str, Any], int]] = {
    "plain": ({"num_leaves": 15, "min_data_in_leaf": 5}, 30),
    "stump": ({"num_leaves": 2, "min_data_in_leaf": 5}, 1),
    "one_leaf": ({"num_leaves": 2, "min_data_in_leaf": 100_000}, 1),
    "many_trees": ({"num_leaves": 31, "min_data_in_leaf": 3, "learning_rate": 0.05}, 400),
    "zero_as_missing": ({"num_leaves": 15, "min_data_in_leaf": 5, "zero_as_missing": True}, 20),
    "no_missing": ({"num_leaves": 15, "min_data_in_leaf": 5, "use_missing": False}, 20),
    "one_hot_categories": ({"num_leaves": 15, "min_data_in_leaf": 5, "max_cat_to_onehot": 64}, 20),
    "wide_categories": ({"num_leaves": 15, "min_data_in_leaf": 2, "cat_smooth": 0.1, "min_data_per_group": 2}, 20),
    "dart": ({"num_leaves": 15, "min_data_in_leaf": 5, "boosting": "dart", "drop_rate": 0.5}, 20),
    "random_forest": (
        {"num_leaves": 15, "min_data_in_leaf": 5, "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, 10,
    ),
    "monotone": ({"num_leaves": 15, "min_data_in_leaf": 5, "monotone_constraints": [1, 0, 0, 0, 0]}, 20),
    "linear_leaves": ({"num_leaves": 7, "min_data_in_leaf": 20, "linear_tree": True}, 10),
    "weighted": ({"num_leaves": 15, "min_data_in_leaf": 5, "scale_pos_weight": 20.0}, 20),
}  # fmt: skip


def rows(n: int, seed: int = 1) -> NDArray[np.float64]:
    """Rows with zeros, NaN, repeated values and 40 categories."""
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        [
            np.exp(rng.normal(4, 2, n)).round(2),
            rng.poisson(2, n).astype(float),
            rng.normal(size=n),
            rng.integers(0, 40, n).astype(float),
            rng.integers(0, 24, n).astype(float),
        ]
    )
    X[rng.random(X.shape) < 0.08] = np.nan
    X[rng.random(X.shape) < 0.05] = 0.0
    return X


def labels(X: NDArray[np.float64], seed: int = 2) -> NDArray[np.float64]:
    """Noisy labels that depend on every column."""
    rng = np.random.default_rng(seed)
    F = np.nan_to_num(X, nan=1.0)
    margin = 0.4 * np.log1p(F[:, 0]) + 0.5 * F[:, 1] + F[:, 2] * (F[:, 4] > 12) + 1.2 * (F[:, 3] % 5 == 0) - 4.5
    return (rng.random(len(X)) < 1 / (1 + np.exp(-margin))).astype(float)


@cache
def model_text(kind: str) -> str:
    """The text of one of `KINDS`."""
    settings, rounds = KINDS[kind]
    X = rows(1500)
    data = lightgbm.Dataset(
        X, labels(X), feature_name=list(NAMES), categorical_feature=[CATEGORICAL],
        params={"linear_tree": settings.get("linear_tree", False)},
    )  # fmt: skip
    booster = lightgbm.train({**_COMMON, **settings}, data, num_boost_round=rounds)
    text: str = booster.model_to_string(num_iteration=-1)
    return text
