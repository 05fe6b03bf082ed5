"""What the challengers share: rows are prepared once per fold, each trial fits an estimator on them from the start."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from training.families.family import Columns, FittedModel, Labelled, Params, Report, Suggest, Tried
from training.families.rows import check_rows, figure, weights


class Preparation(Protocol):
    """From encoded rows to the matrix an estimator reads; learnt from training rows only."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the matrix."""
        ...

    def matrix(self, X: np.ndarray) -> np.ndarray:
        """Encoded rows float64[n, m] → float64[n, p]."""
        ...

    @property
    def n_bytes(self) -> int:
        """Size of what was learnt."""
        ...


class Unboosted(ABC):
    """A family that is fitted in one go: it has no rounds and stops at nothing early."""

    labels = True
    """Whether it learns from labels."""

    balanced = False
    """Whether positives are lifted up to the mass of the negatives."""

    @abstractmethod
    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        """Draw hyperparameters for a training set of ``n_rows``."""

    @abstractmethod
    def starts(self, n_rows: int) -> list[dict[str, Any]]:
        """Parameters known to do well, tried before anything is drawn."""

    @abstractmethod
    def grid(self, n_rows: int) -> dict[str, list[Any]]:
        """A few values of each hyperparameter, for a search of all their combinations."""

    @abstractmethod
    def preparation(self, columns: Columns, rows: Labelled) -> Preparation:
        """What the training rows say about how to prepare any row."""

    @abstractmethod
    def learn(self, preparation: Preparation, Z: np.ndarray, rows: Labelled, params: Params) -> FittedModel:
        """An estimator of the prepared rows; its ``raw`` reads prepared rows."""

    def prepare(self, columns: Columns, train: Labelled, valid: Labelled, objective: str) -> PreparedRows:
        """Prepare both row sets by what the training rows say."""
        check_rows(columns, train, "learn from", labels=self.labels)
        check_rows(columns, valid, "score")
        preparation = self.preparation(columns, train)
        return PreparedRows(
            self, preparation, preparation.matrix(train.X), preparation.matrix(valid.X), train, valid, objective
        )

    def fit(self, columns: Columns, rows: Labelled, params: Params, rounds: int) -> FittedModel:
        """A model fitted on all given rows; ``rounds`` says nothing to it."""
        del rounds
        check_rows(columns, rows, "learn from", labels=self.labels)
        preparation = self.preparation(columns, rows)
        return Composed(preparation, self.learn(preparation, preparation.matrix(rows.X), rows, params))

    def weight(self, rows: Labelled) -> np.ndarray:
        """What each row counts for, float64[n]."""
        return weights(rows, balanced=self.balanced)


@dataclass(frozen=True)
class PreparedRows:
    """A fold in a family's own form.

    Parameters
    ----------
    learnt, held : float64[n, p], the prepared rows of ``train`` and ``valid``.
    """

    family: Unboosted
    preparation: Preparation
    learnt: np.ndarray
    held: np.ndarray
    train: Labelled
    valid: Labelled
    objective: str

    def score(self, params: Params, *, rounds: int, patience: int, report: Report | None = None) -> Tried:
        """Fit once and score the validation rows; there is one round."""
        del rounds, patience
        model = self.family.learn(self.preparation, self.learnt, self.train, params)
        value = figure(self.valid, model.raw(self.held), self.objective)
        if report is not None:
            report(0, value)
        return Tried(value, 1)


@dataclass(frozen=True)
class Composed:
    """A fitted estimator behind the preparation of its rows."""

    preparation: Preparation
    estimator: FittedModel

    def raw(self, X: np.ndarray) -> np.ndarray:
        """Raw scores float64[n] of encoded rows."""
        # scikit-learn refuses to score no rows.
        return self.estimator.raw(self.preparation.matrix(X)) if len(X) else np.zeros(0)

    @property
    def n_bytes(self) -> int:
        """Size of the numbers of both."""
        return self.preparation.n_bytes + self.estimator.n_bytes

    def complexity(self) -> Mapping[str, int]:
        """Columns the estimator reads, and what it is made of."""
        return {"columns": len(self.preparation.names), **self.estimator.complexity()}
