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


def falling_line(Z: np.ndarray, y: np.ndarray, weight: np.ndarray, C: float) -> Linear:
    """Maximum of the ridge-penalised likelihood among lines none of whose coefficients is above 0.

    It is convex with bounds, so one fit finds it (L-BFGS-B); a column whose free coefficient would rise gets exactly 0.

    Parameters
    ----------
    Z : float64[n, m]. y : int8[n]. weight : float64[n]. C : as scikit-learn's, the inverse of the ridge.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    n_columns = Z.shape[1]
    scale = 1.0 / float(weight.sum())

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        line, intercept = point[:-1], point[-1]
        margin = Z @ line + intercept
        value = scale * (float(weight @ (np.logaddexp(0.0, margin) - y * margin)) + 0.5 * float(line @ line) / C)
        miss = weight * (expit(margin) - y)
        return value, scale * np.append(Z.T @ miss + line / C, miss.sum())

    share = float(weight @ y) * scale
    start = np.append(np.zeros(n_columns), np.log(share / (1.0 - share)))
    bounds = [(None, 0.0)] * n_columns + [(None, None)]
    options = {"maxiter": 500, "ftol": 1e-12, "gtol": 1e-7, "maxcor": 20}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return Linear(np.asarray(found.x[:-1]), float(found.x[-1]), bool(found.success))
