"""Random forest: many deep trees, each of other rows and columns, and their mean (Breiman 2001)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.families.cleaning import Cleaning
from training.families.family import Columns, Labelled, Params, Suggest
from training.families.settings import Preprocessing
from training.families.tree import Trees
from training.families.unboosted import Preparation, Unboosted


@dataclass(frozen=True)
class RandomForest(Unboosted):
    """A forest by scikit-learn; its score is the log-odds of the trees' mean probability.

    Parameters
    ----------
    most_rows : above so many rows each tree is drawn from so many of them, others for every tree.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> rows = Labelled(X, (X[:, 0] + rng.normal(size=300) > 1).astype(np.int8))
    >>> family = RandomForest(seed=1, threads=1)
    >>> model = family.fit(Columns(("amount", "hour")), rows, {**family.starts(300)[0], "trees": 20}, 1)
    >>> low, high = model.raw(np.array([[-2.0, 0.0], [2.0, 0.0]]))
    >>> bool(low < high), model.complexity()["trees"]
    (True, 20)
    """

    seed: int
    threads: int
    balanced: bool = False
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    most_rows: int = 20_000
    name: str = "forest"

    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        """Number of trees, columns looked at for each split, rows of a leaf."""
        return {
            "trees": trial.suggest_int("trees", 100, 400, log=True),
            "columns": trial.suggest_float("columns", 0.05, 0.8, log=True),
            "least_leaf": trial.suggest_int("least_leaf", 1, max(10, min(200, n_rows // 100)), log=True),
        }

    def starts(self, n_rows: int) -> list[dict[str, Any]]:
        """Calm leaves, and small ones."""
        return [
            {"trees": 100, "columns": 0.15, "least_leaf": max(3, min(20, n_rows // 1_000))},
            {"trees": 200, "columns": 0.15, "least_leaf": 1},
        ]

    def grid(self, n_rows: int) -> dict[str, list[Any]]:
        """Columns of a split and rows of a leaf."""
        del n_rows
        return {"trees": [200], "columns": [0.1, 0.25, 0.5], "least_leaf": [1, 5, 10]}

    def preparation(self, columns: Columns, rows: Labelled) -> Preparation:
        """Numbers as they are, within the bounds of training; categories spread out."""
        return Cleaning.fit(columns, rows, self.preprocessing, keep_missing=True)

    def learn(self, preparation: Preparation, Z: np.ndarray, rows: Labelled, params: Params) -> Trees:
        """Trees of resampled rows."""
        from sklearn.ensemble import RandomForestClassifier

        del preparation
        weight = self.weight(rows)
        drawn = self.most_rows if len(rows) > self.most_rows else None
        fitted = RandomForestClassifier(
            int(params["trees"]), max_features=params["columns"], min_samples_leaf=int(params["least_leaf"]),
            n_jobs=self.threads, random_state=self.seed, max_samples=drawn,
        ).fit(Z, rows.y, sample_weight=weight)  # fmt: skip
        # Threads add up the trees in the order they end: the last bits of a score would change from call to call.
        fitted.n_jobs = 1
        return Trees(fitted, tuple(fitted.estimators_), float(weight.sum()), drawn)
