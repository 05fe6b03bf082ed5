"""The model that one-row comparisons are about, and rows as a notebook holds them."""

from __future__ import annotations

import lightgbm
import numpy as np
import pandas as pd

N_NUMBERS = 66
CATEGORIES = {"channel": 5, "auth_method": 9, "mcc": 60, "country": 25}
N_LEAVES = 63


def make_rows(n: int, seed: int) -> pd.DataFrame:
    """Encoded payments as a notebook holds them: 66 numbers with gaps and zeros, and the codes of 4 categories.

    Codes, not pandas categories: those cost the scikit-learn API three times as much, and none has to use them.
    """
    rng = np.random.default_rng(seed)
    numbers = rng.lognormal(2.0, 1.5, (n, N_NUMBERS)).round(2)
    numbers[rng.random(numbers.shape) < 0.10] = np.nan
    numbers[rng.random(numbers.shape) < 0.10] = 0.0
    columns: dict[str, object] = {f"number_{place}": numbers[:, place] for place in range(N_NUMBERS)}
    for name, size in CATEGORIES.items():
        columns[name] = rng.integers(0, size, n).astype(np.float64)
    return pd.DataFrame(columns)


def fit(frame: pd.DataFrame, n_trees: int, seed: int) -> lightgbm.LGBMClassifier:
    """A model of the size that the comparison is about."""
    rng = np.random.default_rng(seed)
    first = np.log1p(frame[["number_0", "number_1", "number_2"]].fillna(0.0).to_numpy())
    margin = first @ [0.8, 0.5, -0.4] + 0.1 * frame["mcc"].to_numpy() - 4.0
    fraud = rng.random(len(frame)) < 1 / (1 + np.exp(-margin))
    model = lightgbm.LGBMClassifier(
        n_estimators=n_trees, num_leaves=N_LEAVES, min_child_samples=5, learning_rate=0.05, n_jobs=1,
        random_state=seed, verbosity=-1,
    )  # fmt: skip
    return model.fit(frame, fraud, categorical_feature=list(CATEGORIES))
