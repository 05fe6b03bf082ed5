"""A quick model: enough to see whether there is something to learn, never one to use."""

from __future__ import annotations

import numpy as np

from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM

_PARAMS = {
    "learning_rate": 0.15, "num_leaves": 15, "min_data_in_leaf": 20, "feature_fraction": 0.6, "bagging_fraction": 0.9,
    "lambda_l1": 0.0, "lambda_l2": 1.0, "path_smooth": 0.0,
}  # fmt: skip
_ROUNDS = 40
_BINS = 63


def quick_scores(X: np.ndarray, y: np.ndarray, held: np.ndarray, *, seed: int, threads: int) -> np.ndarray:
    """Scores float64[k] of held rows by small boosted trees learnt on X float64[n, m] and y int8[n].

    Examples
    --------
    >>> x = np.arange(400.0)[:, None]
    >>> scores = quick_scores(x, (x[:, 0] > 200).astype(np.int8), x[[10, 390]], seed=0, threads=1)
    >>> bool(scores[0] < scores[1])
    True
    """
    family = LightGBM(seed=seed, threads=threads, max_bin=_BINS)
    # Names of users' columns may hold characters that LightGBM refuses.
    columns = Columns(tuple(f"c{place}" for place in range(X.shape[1])))
    return family.fit(columns, Labelled(X, y), _PARAMS, _ROUNDS).raw(held)
