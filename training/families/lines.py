"""Lines: a weighted sum of prepared columns, and the likeliest one."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Linear:
    """A weighted sum of prepared columns.

    Parameters
    ----------
    coefficients : float64[p]. converged : whether the solver came to rest within its iterations.
    """

    coefficients: np.ndarray
    intercept: float
    converged: bool = True

    def raw(self, Z: np.ndarray) -> np.ndarray:
        """The sum float64[n]; log-odds where the coefficients are those of a logistic regression."""
        return np.asarray(Z @ self.coefficients + self.intercept)

    @property
    def n_bytes(self) -> int:
        """Size of the coefficients."""
        return self.coefficients.nbytes + 8

    def complexity(self) -> Mapping[str, int]:
        """Coefficients that are not 0."""
        return {"coefficients": int(np.count_nonzero(self.coefficients)) + 1}


def logistic_line(Z: np.ndarray, y: np.ndarray, weight: np.ndarray, C: float, l1_ratio: float, seed: int) -> Linear:
    """Maximum of the penalised likelihood: by Newton steps for a ridge, by SAGA where coefficients may be 0."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression as Estimator

    ridge = l1_ratio == 0.0
    solver = {"solver": "newton-cholesky", "tol": 1e-8} if ridge else {"solver": "saga", "tol": 1e-3}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ConvergenceWarning)
        fitted = Estimator(C=C, l1_ratio=l1_ratio, max_iter=300, random_state=seed, **solver).fit(
            Z, y, sample_weight=weight
        )
    calm = not any(issubclass(each.category, ConvergenceWarning) for each in told)
    return Linear(np.asarray(fitted.coef_[0]), float(fitted.intercept_[0]), calm)
