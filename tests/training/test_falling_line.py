"""A line that never rises: scikit-learn's where no bound is met, the best within the bounds where one is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from training.families.lines import falling_line, logistic_line


def world(seed: int, coefficients: np.ndarray, n: int = 3_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, len(coefficients))) @ (np.eye(len(coefficients)) + 0.3)
    y = (rng.random(n) < expit(Z @ coefficients - 1.5)).astype(np.int8)
    return Z, y, rng.uniform(0.5, 2.0, n)


@pytest.mark.parametrize("C", [0.01, 1.0])
def test_without_a_bound_in_the_way_it_is_the_usual_line(C: float) -> None:
    Z, y, weight = world(1, np.array([-1.0, -0.6, -0.8]))
    found, usual = falling_line(Z, y, weight, C), logistic_line(Z, y, weight, C, 0.0, seed=1)
    assert found.converged
    assert found.coefficients == pytest.approx(usual.coefficients, abs=1e-4)
    assert found.intercept == pytest.approx(usual.intercept, abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_best_line_that_never_rises(seed: int) -> None:
    """First-order conditions of the bounded optimum: no gradient where free, none that would go down where held."""
    Z, y, weight = world(seed, np.array([-1.0, 0.7, -0.2, 0.4, -0.5]))
    C = 0.5
    found = falling_line(Z, y, weight, C)
    gradient = Z.T @ (weight * (expit(found.raw(Z)) - y)) + found.coefficients / C
    gradient /= weight.sum()
    held = found.coefficients == 0
    assert held.any()
    assert (found.coefficients <= 0).all()
    assert np.abs(gradient[~held]) == pytest.approx(0, abs=1e-5)
    assert (gradient[held] <= 1e-5).all()
