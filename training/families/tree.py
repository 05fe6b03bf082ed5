"""One decision tree: rules that fit on a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.families.cleaning import Cleaning
from training.families.family import Columns, Labelled, Params, Suggest
from training.families.rows import log_odds
from training.families.settings import Preprocessing
from training.families.unboosted import Preparation, Unboosted


@dataclass(frozen=True)
class DecisionTree(Unboosted):
    """CART by scikit-learn; missing numbers go the way that training found better, categories are spread out.

    Examples
    --------
    >>> X = np.linspace(0, 1, 200)[:, None]
    >>> rows = Labelled(X, (X[:, 0] > 0.7).astype(np.int8))
    >>> model = DecisionTree(seed=1).fit(Columns(("amount",)), rows, {"leaves": 2, "least_leaf": 0.05}, 1)
    >>> model.raw(np.array([[0.1], [0.9]])).round(2).tolist(), dict(model.complexity())
    ([-5.99, 5.99], {'columns': 1, 'trees': 1, 'leaves': 2})
    """

    seed: int
    balanced: bool = False
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    name: str = "tree"

    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        """Number of leaves and the least share of the rows in one."""
        return {
            "leaves": trial.suggest_int("leaves", 4, 128, log=True),
            "least_leaf": trial.suggest_float("least_leaf", *_least_leaf(n_rows), log=True),
        }

    def starts(self, n_rows: int) -> list[dict[str, Any]]:
        """A tree that can be read aloud, and a larger one."""
        low, high = _least_leaf(n_rows)
        return [{"leaves": 16, "least_leaf": (low * high) ** 0.5}, {"leaves": 64, "least_leaf": low}]

    def grid(self, n_rows: int) -> dict[str, list[Any]]:
        """Sizes of tree and leaf."""
        low, high = _least_leaf(n_rows)
        return {"leaves": [8, 16, 32, 64], "least_leaf": [low, (low * high) ** 0.5, high]}

    def preparation(self, columns: Columns, rows: Labelled) -> Preparation:
        """Numbers as they are, within the bounds of training; categories spread out."""
        return Cleaning.fit(columns, rows, self.preprocessing, keep_missing=True)

    def learn(self, preparation: Preparation, Z: np.ndarray, rows: Labelled, params: Params) -> Trees:
        """A tree grown best leaf first."""
        from sklearn.tree import DecisionTreeClassifier

        del preparation
        weight = self.weight(rows)
        fitted = DecisionTreeClassifier(
            max_leaf_nodes=int(params["leaves"]), min_weight_fraction_leaf=params["least_leaf"], random_state=self.seed
        ).fit(Z, rows.y, sample_weight=weight)
        return Trees(fitted, (fitted,), float(weight.sum()))


@dataclass(frozen=True)
class Trees:
    """One or more scikit-learn trees.

    Parameters
    ----------
    estimator : gives the probability, a mean over the trees. mass : weight of the rows learnt from.
    drawn : rows each tree was drawn from; None for all of them.
    """

    estimator: Any
    trees: tuple[Any, ...]
    mass: float
    drawn: int | None = None

    def raw(self, Z: np.ndarray) -> np.ndarray:
        """Log-odds float64[n] of the leaves' shares of positives."""
        return log_odds(self.estimator.predict_proba(Z)[:, 1], self.mass)

    @property
    def n_bytes(self) -> int:
        """Size of the nodes and their values."""
        return sum(_node_bytes(each.tree_) for each in self.trees)

    def complexity(self) -> Mapping[str, int]:
        """Trees and leaves, and the rows of a tree where they were not all."""
        size = {"trees": len(self.trees), "leaves": sum(int(each.tree_.n_leaves) for each in self.trees)}
        return size if self.drawn is None else {**size, "rows_a_tree": self.drawn}


def _node_bytes(tree: Any) -> int:
    state = tree.__getstate__()
    return int(state["nodes"].nbytes + state["values"].nbytes)


def _least_leaf(n_rows: int) -> tuple[float, float]:
    """Ten rows, or half a thousandth of them all, to a twentieth."""
    return min(max(10 / n_rows, 0.0005), 0.04), 0.05
