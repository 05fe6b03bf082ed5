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
class Tried:
    """One fit scored on its validation rows: the best figure and the rounds that gave it."""

    value: float
    rounds: int


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

    def score(self, params: Params, *, rounds: int, patience: int) -> Tried:
        """Fit and score on the validation rows, stopping early on them."""
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

    def prepare(
        self,
        columns: Columns,
        train: tuple[np.ndarray, np.ndarray],
        valid: tuple[np.ndarray, np.ndarray],
        objective: str,
    ) -> Prepared:
        """Bin or scale (matrix, labels) of a fold once."""
        ...

    def fit(self, columns: Columns, X: np.ndarray, y: np.ndarray, params: Params, rounds: int) -> str:
        """The text of a model fitted on all given rows."""
        ...
