"""Logistic regression with an elastic net: the line that a more flexible model has to beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.families.family import Columns, Labelled, Params, Suggest
from training.families.lines import Linear, logistic_line
from training.families.reducing import prepare_columns
from training.families.settings import Preprocessing
from training.families.unboosted import Preparation, Unboosted


@dataclass(frozen=True)
class LogisticRegression(Unboosted):
    """Log-odds that are a weighted sum of the prepared columns.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> y = (X[:, 0] + rng.normal(size=400) > 1).astype(np.int8)
    >>> model = LogisticRegression(seed=1).fit(Columns(("amount", "hour")), Labelled(X, y), {"C": 1, "l1_ratio": 0}, 1)
    >>> model.raw(np.array([[2.0, 0.0], [0.0, 0.0]])).round(1).tolist()
    [1.3, -1.8]
    """

    seed: int
    balanced: bool = False
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    name: str = "logistic"

    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        """Strength of the penalty, and how much of it makes coefficients 0."""
        del n_rows
        return {
            "C": trial.suggest_float("C", 1e-4, 100.0, log=True),
            "l1_ratio": trial.suggest_categorical("l1_ratio", [0.0, 0.5, 1.0]),
        }

    def starts(self, n_rows: int) -> list[dict[str, Any]]:
        """A ridge, and scikit-learn's own default."""
        del n_rows
        return [{"C": 0.05, "l1_ratio": 0.0}, {"C": 1.0, "l1_ratio": 0.0}]

    def grid(self, n_rows: int) -> dict[str, list[Any]]:
        """Penalties by powers of ten, ridge and lasso."""
        del n_rows
        return {"C": [0.001, 0.01, 0.1, 1.0], "l1_ratio": [0.0, 1.0]}

    def preparation(self, columns: Columns, rows: Labelled) -> Preparation:
        """Cleaned columns, fewer or mixed if the settings say so."""
        return prepare_columns(columns, rows, self.preprocessing, self.seed)

    def learn(self, preparation: Preparation, Z: np.ndarray, rows: Labelled, params: Params) -> Linear:
        """Coefficients by scikit-learn."""
        del preparation
        return logistic_line(Z, rows.y, self.weight(rows), float(params["C"]), float(params["l1_ratio"]), self.seed)
