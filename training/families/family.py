"""What a family of models must offer; the search and the final fit know nothing else of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Params = Mapping[str, Any]
"""Chosen hyperparameters by name."""

Metric = Callable[[np.ndarray], float]
"""Raw scores of the validation rows → the figure to maximise."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a matrix and which of them hold category codes.

    Examples
    --------
    >>> Columns(("amount", "channel"), ("channel",)).categorical_positions
    [1]
    """

    names: tuple[str, ...]
    categorical: tuple[str, ...] = ()

    @property
    def categorical_positions(self) -> list[int]:
        """Positions of the category columns."""
        return [self.names.index(name) for name in self.categorical]


@dataclass(frozen=True)
class Labelled:
    """Rows to learn from or to score.

    Parameters
    ----------
    X : float64[n, m], encoded; category columns hold codes, NaN where nothing is known.
    y : int8[n], 1 positive, 0 negative.
    weight : float64[n] above 0, what each row counts for; None where all count the same.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Tried:
    """One fit scored on its validation rows: the best figure and the rounds that gave it."""

    value: float
    rounds: int


Report = Callable[[int, float], None]
"""Told the figure after each round of a fit; stops the fit by raising, as a pruned trial does."""


class FittedModel(Protocol):
    """What a family makes of labelled rows."""

    def raw(self, X: np.ndarray) -> np.ndarray:
        """Raw scores float64[n] of encoded rows, float64[n, m]: the higher, the riskier; log-odds where it has them."""
        ...

    @property
    def n_bytes(self) -> int:
        """Size of the model as it is kept."""
        ...

    def complexity(self) -> Mapping[str, int]:
        """What it is made of, counted: trees, leaves, coefficients, support vectors."""
        ...


class Suggest(Protocol):
    """Where a family asks for values: an Optuna trial, or anything with its three questions."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A float of a range."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number of a range."""
        ...

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """One of some values."""
        ...


class Prepared(Protocol):
    """Training rows put into a family's own form once, and fitted many times."""

    def score(self, params: Params, *, rounds: int, patience: int, report: Report | None = None) -> Tried:
        """Fit and score on the validation rows, stopping early on them where the family boosts."""
        ...


class Family(Protocol):
    """A kind of model."""

    @property
    def name(self) -> str:
        """What settings call it."""
        ...

    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        """Draw hyperparameters for a training set of ``n_rows``."""
        ...

    def starts(self, n_rows: int) -> list[dict[str, Any]]:
        """Parameters known to do well, tried before anything is drawn."""
        ...

    def grid(self, n_rows: int) -> dict[str, list[Any]]:
        """A few values of each hyperparameter, for a search of all their combinations."""
        ...

    def prepare(self, columns: Columns, train: Labelled, valid: Labelled, objective: str) -> Prepared:
        """Bin or scale the rows of a fold once."""
        ...

    def fit(self, columns: Columns, rows: Labelled, params: Params, rounds: int) -> FittedModel:
        """A model fitted on all given rows."""
        ...
