"""Support vector machine: the widest margin, in the columns or in the space of a radial kernel."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.families.family import Columns, FittedModel, Labelled, Params, Suggest
from training.families.lines import Linear
from training.families.reducing import prepare_columns
from training.families.settings import Preprocessing
from training.families.unboosted import Preparation, Unboosted


@dataclass(frozen=True)
class SupportVectors(Unboosted):
    """A radial or linear machine; its score is the distance to the boundary, not log-odds: calibrate it.

    Parameters
    ----------
    most_rows : above so many rows it learns from a sample: at most half of it positives, the rest negatives, each
        weighted by the rows it stands for. What it learnt from is told by ``complexity``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> rows = Labelled(X, (np.hypot(*X.T) > 1.8).astype(np.int8))
    >>> family = SupportVectors(seed=1, most_rows=200)
    >>> model = family.fit(Columns(("east", "north")), rows, family.starts(500)[0], 1)
    >>> centre, edge = model.raw(np.array([[0.0, 0.0], [3.0, 0.0]]))
    >>> bool(centre < edge), model.complexity()["rows_learnt"], model.complexity()["rows_given"]
    (True, 200, 500)
    """

    seed: int
    balanced: bool = False
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    most_rows: int = 6_000
    name: str = "svm"

    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        """Kernel, price of a row on the wrong side, and reach of a row (1 is the usual)."""
        del n_rows
        return {
            "kernel": trial.suggest_categorical("kernel", ["rbf", "linear"]),
            "C": trial.suggest_float("C", 0.01, 100.0, log=True),
            "gamma": trial.suggest_float("gamma", 0.03, 3.0, log=True),
        }

    def starts(self, n_rows: int) -> list[dict[str, Any]]:
        """The usual radial kernel and a soft linear one."""
        del n_rows
        return [{"kernel": "rbf", "C": 1.0, "gamma": 0.3}, {"kernel": "linear", "C": 0.05, "gamma": 1.0}]

    def grid(self, n_rows: int) -> dict[str, list[Any]]:
        """Both kernels, soft and hard."""
        del n_rows
        return {"kernel": ["rbf", "linear"], "C": [0.1, 1.0, 10.0], "gamma": [0.1, 0.5]}

    def preparation(self, columns: Columns, rows: Labelled) -> Preparation:
        """Cleaned columns: distances need them on one scale."""
        return prepare_columns(columns, rows, self.preprocessing, self.seed)

    def learn(self, preparation: Preparation, Z: np.ndarray, rows: Labelled, params: Params) -> FittedModel:
        """Support vectors by libsvm, or a line by liblinear."""
        del preparation
        chosen, weight = self._sample(rows)
        if params["kernel"] == "linear":
            line = _line(Z[chosen], rows.y[chosen], weight, float(params["C"]), self.seed)
            return Margin(line, len(chosen), len(rows))
        return Margin(_radial(Z[chosen], rows.y[chosen], weight, params), len(chosen), len(rows))

    def _sample(self, rows: Labelled) -> tuple[np.ndarray, np.ndarray]:
        """Positions to learn from, and what each counts for: int64[k], float64[k]."""
        weight = self.weight(rows)
        if len(rows) <= self.most_rows:
            return np.arange(len(rows)), weight
        rng = np.random.default_rng(self.seed)
        positive, negative = (rng.permutation(np.flatnonzero(rows.y == label)) for label in (1, 0))
        n = min(len(positive), max(self.most_rows // 2, self.most_rows - len(negative)))
        kept = [positive[:n], negative[: self.most_rows - n]]
        stood_for = [
            np.full(len(part), len(whole) / len(part)) for part, whole in zip(kept, (positive, negative), strict=True)
        ]
        chosen, mass = np.concatenate(kept), np.concatenate(stood_for)
        order = np.argsort(chosen, kind="stable")
        mass = mass[order] * weight[chosen[order]]
        # C prices rows that weigh 1 on average; without this a sample would be fitted harder than all rows.
        return chosen[order], mass * (len(chosen) / mass.sum())


@dataclass(frozen=True)
class Margin:
    """A fitted machine and the rows it learnt from."""

    machine: FittedModel
    rows_learnt: int
    rows_given: int

    def raw(self, Z: np.ndarray) -> np.ndarray:
        """Distances to the boundary float64[n], in margins; positive on the side of the positives."""
        return self.machine.raw(Z)

    @property
    def n_bytes(self) -> int:
        """Size of the support vectors, or of the line."""
        return self.machine.n_bytes

    def complexity(self) -> Mapping[str, int]:
        """Support vectors or coefficients, and how many of the rows were learnt from."""
        return {**self.machine.complexity(), "rows_learnt": self.rows_learnt, "rows_given": self.rows_given}


@dataclass(frozen=True)
class _Radial:
    estimator: Any

    def raw(self, Z: np.ndarray) -> np.ndarray:
        return np.asarray(self.estimator.decision_function(Z))

    @property
    def n_bytes(self) -> int:
        return int(self.estimator.support_vectors_.nbytes + self.estimator.dual_coef_.nbytes)

    def complexity(self) -> Mapping[str, int]:
        return {"support_vectors": len(self.estimator.support_vectors_)}


def _radial(Z: np.ndarray, y: np.ndarray, weight: np.ndarray, params: Params) -> _Radial:
    from sklearn.svm import SVC

    reach = float(params["gamma"]) / Z.shape[1]
    return _Radial(SVC(C=float(params["C"]), gamma=reach, cache_size=500).fit(Z, y, sample_weight=weight))


def _line(Z: np.ndarray, y: np.ndarray, weight: np.ndarray, C: float, seed: int) -> Linear:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ConvergenceWarning)
        fitted = LinearSVC(C=C, dual=False, max_iter=3_000, random_state=seed).fit(Z, y, sample_weight=weight)
    return Linear(np.asarray(fitted.coef_[0]), float(fitted.intercept_[0]), not told)
