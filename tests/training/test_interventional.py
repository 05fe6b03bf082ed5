"""Interventional values against the definition over all subsets, and against shap where shap can."""

from __future__ import annotations

import itertools
import math
import warnings

import lightgbm
import numpy as np
import pytest

from domain.errors import InputError
from scoring.scorer import Scorer
from training.interventional import compare, grouped, interventional, spearman


def fitted(categorical: bool, *, n: int = 500, m: int = 6, seed: int = 0, **settings: object) -> tuple[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, m)).round(1)
    X[:, 0] = rng.integers(0, 40, n)
    logit = X[:, 1] * X[:, 2] + (X[:, 0] % 3 == 0) - np.abs(X[:, 3])
    X[rng.random(X.shape) < 0.1] = np.nan
    y = (rng.random(n) < 1 / (1 + np.exp(-np.nan_to_num(logit)))) * 1.0
    given = {"objective": "binary", "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1, "seed": 3, **settings}
    data = lightgbm.Dataset(X, y, categorical_feature=[0] if categorical else [])
    return lightgbm.train(given, data, 12).model_to_string(num_iteration=-1), X


def by_definition(scorer: Scorer, x: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Shapley (1953) over all subsets, the mean score over the background for what is not in the subset."""
    m = len(x)

    def v(subset: frozenset[int]) -> float:
        rows = background.copy()
        rows[:, list(subset)] = x[list(subset)]
        return float(scorer.raw_many(rows).mean())

    worth = {frozenset(s): v(frozenset(s)) for k in range(m + 1) for s in itertools.combinations(range(m), k)}
    values = np.zeros(m + 1)
    values[-1] = worth[frozenset()]
    for i in range(m):
        for subset, value in worth.items():
            if i not in subset:
                k = len(subset)
                weight = math.factorial(k) * math.factorial(m - k - 1) / math.factorial(m)
                values[i] += weight * (worth[subset | {i}] - value)
    return values


@pytest.mark.parametrize("categorical", [False, True])
@pytest.mark.parametrize("settings", [{}, {"zero_as_missing": True}, {"num_leaves": 2}, {"use_missing": False}])
def test_equal_to_the_definition(categorical: bool, settings: dict[str, object]) -> None:
    text, X = fitted(categorical, **settings)
    rows, background = X[:3].copy(), X[100:117]
    rows[0, 0], rows[1, 1], rows[2, 2] = 99.0, -0.0, np.nan
    scorer = Scorer(text)
    found = interventional(text, rows, background)
    expected = np.array([by_definition(scorer, row, background) for row in rows])
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), scorer.raw_many(rows), atol=1e-12)


def test_equal_to_shap_without_categories() -> None:
    text, X = fitted(False, n=800, m=30, num_leaves=31)
    rows, background = X[:40], X[200:300]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        explainer = shap.TreeExplainer(
            lightgbm.Booster(model_str=text), background, feature_perturbation="interventional"
        )
        expected = explainer.shap_values(rows, check_additivity=False)
    np.testing.assert_allclose(interventional(text, rows, background)[:, :-1], expected, atol=1e-6)


def test_a_feature_that_the_trees_do_not_ask_gets_nothing_though_it_goes_along() -> None:
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(400, 1)), 2, axis=1)
    y = (X[:, 0] > 0) * 1.0
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "interaction_constraints": [[0]]}
    text = lightgbm.train(settings, lightgbm.Dataset(X, y), 5).model_to_string(num_iteration=-1)
    values = interventional(text, X[:20], X)
    unused = [1] if "split_feature=0" in text else [0]
    assert (values[:, unused] == 0).all()


def test_a_row_that_is_the_whole_background_has_nothing_to_explain() -> None:
    text, X = fitted(True)
    values = interventional(text, X[:1], X[:1])
    assert (values[0, :-1] == 0).all()
    assert values[0, -1] == pytest.approx(Scorer(text).raw(X[0]))


def test_groups_keep_the_sum_and_ranks_are_scipys() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(1)
    values = rng.normal(size=(7, 5))
    names, sums = grouped(values, list("abcde"), dict(zip("abcde", ["x", "y", "x", "z", "y"], strict=True)))
    assert names == ("x", "y", "z")
    np.testing.assert_allclose(sums.sum(axis=1), values.sum(axis=1))
    a, b = rng.integers(0, 5, 30).astype(float), rng.integers(0, 5, 30).astype(float)
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert math.isnan(spearman(np.ones(3), np.arange(3.0)))
    assert compare(values, values).agreement == 1.0
    assert compare(values, -values[:, ::-1]).agreement < 1.0


def test_rows_that_do_not_fit_are_refused() -> None:
    text, X = fitted(False)
    with pytest.raises(InputError):
        interventional(text, X[:2, :3], X[:, :3])
    with pytest.raises(InputError):
        interventional(text, X[:2], X[:0])
