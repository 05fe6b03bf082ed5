"""Isolation forest: how soon random cuts set a row apart; it never sees a label (Liu, Ting & Zhou 2008)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.families.family import Columns, Labelled, Params, Suggest
from training.families.reducing import prepare_columns
from training.families.settings import Preprocessing
from training.families.unboosted import Preparation, Unboosted


@dataclass(frozen=True)
class IsolationForest(Unboosted):
    """The unsupervised baseline: what labels add is what a family scores above it.

    Its raw score rises with oddness, from about 0.4 to 1; it is not log-odds. Labels are only used to choose among
    its few parameters.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> family = IsolationForest(seed=1)
    >>> rows = Labelled(X, np.zeros(300, np.int8))
    >>> usual, odd = family.fit(Columns(("a", "b")), rows, family.starts(300)[0], 1).raw(np.array([[0.0, 0], [5, 5]]))
    >>> bool(usual < odd)
    True
    """

    seed: int
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    name: str = "isolation_forest"
    labels = False

    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        """Trees, rows of a tree, share of the columns of a tree."""
        return {
            "trees": trial.suggest_int("trees", 50, 300, log=True),
            "rows": trial.suggest_int("rows", min(64, n_rows), min(4_096, n_rows), log=True),
            "columns": trial.suggest_float("columns", 0.2, 1.0),
        }

    def starts(self, n_rows: int) -> list[dict[str, Any]]:
        """The paper's."""
        return [{"trees": 100, "rows": min(256, n_rows), "columns": 1.0}]

    def grid(self, n_rows: int) -> dict[str, list[Any]]:
        """Rows and columns of a tree."""
        return {"trees": [200], "rows": sorted({min(256, n_rows), min(2_048, n_rows)}), "columns": [0.5, 1.0]}

    def preparation(self, columns: Columns, rows: Labelled) -> Preparation:
        """Cleaned columns; a selection that asks for labels is not made."""
        settings = self.preprocessing
        if settings.select in ("information", "lasso"):
            settings = settings.model_copy(update={"select": "all", "least": None})
        return prepare_columns(columns, rows, settings, self.seed)

    def learn(self, preparation: Preparation, Z: np.ndarray, rows: Labelled, params: Params) -> Isolation:
        """Trees of random cuts; a row's weight is its chance of being drawn."""
        from sklearn.ensemble import IsolationForest as Estimator

        del preparation
        fitted = Estimator(
            n_estimators=int(params["trees"]), max_samples=min(int(params["rows"]), len(rows)),
            max_features=float(params["columns"]), random_state=self.seed,
        ).fit(Z, sample_weight=rows.weight)  # fmt: skip
        return Isolation(fitted)


@dataclass(frozen=True)
class Isolation:
    """Fitted trees of random cuts."""

    estimator: Any

    def raw(self, Z: np.ndarray) -> np.ndarray:
        """Anomaly scores float64[n], 0 to 1: the paper's s(x, n)."""
        return -np.asarray(self.estimator.score_samples(Z))

    @property
    def n_bytes(self) -> int:
        """Size of the nodes."""
        return sum(int(each.tree_.__getstate__()["nodes"].nbytes) for each in self.estimator.estimators_)

    def complexity(self) -> Mapping[str, int]:
        """Trees and leaves."""
        trees = self.estimator.estimators_
        return {"trees": len(trees), "leaves": sum(int(each.tree_.n_leaves) for each in trees)}
