"""Shapley values: LightGBM's own, a sum over all coalitions, the same bits for one row and for many."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import factorial
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from domain.errors import ModelError
from scoring import explainer as module
from scoring.explainer import PRED_CONTRIB, QUADRATURE, Explainer
from scoring.kernel import LANES
from scoring.paths import lay_out
from scoring.scorer import Scorer
from scoring.trees import Tree, read_trees
from tests.scoring.models import CATEGORICAL, KINDS, NAMES, labels, model_text, rows

COVERED = sorted(set(KINDS) - {"linear_leaves"})


@pytest.mark.parametrize("kind", COVERED)
def test_contributions_are_the_librarys_and_add_up(kind: str) -> None:
    scorer = Scorer(model_text(kind))
    explainer = Explainer(scorer)
    assert (explainer.engine, explainer.fallback) == (QUADRATURE, "")
    X = np.vstack([rows(80, seed=4), scorer.parity_rows()])
    values = explainer.contributions_many(X)
    assert values.shape == (len(X), 6)
    assert np.abs(values - scorer.contributions_many(X)).max() < 1e-9
    assert np.abs(values.sum(axis=1) - scorer.raw_many(X)).max() < 1e-9


@pytest.mark.parametrize("kind", ["many_trees", "wide_categories"])
def test_one_row_many_rows_and_many_threads_give_the_same_bits(kind: str) -> None:
    explainer = Explainer(Scorer(model_text(kind)))
    X = rows(200, seed=4)
    values = explainer.contributions_many(X)
    assert np.stack([explainer.contributions(row) for row in X]).tobytes() == values.tobytes()
    assert explainer.contributions_many(X, threads=3).tobytes() == values.tobytes()
    assert explainer.contributions_many(np.asfortranarray(X[::-1])).tobytes() == values[::-1].tobytes()
    X.flags.writeable = False
    assert explainer.contributions_many(X).tobytes() == values.tobytes()


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    num_leaves=st.integers(2, 60),
    min_data=st.sampled_from([1, 3, 40]),
    missing=st.sampled_from([{}, {"zero_as_missing": True}, {"use_missing": False}]),
    to_onehot=st.sampled_from([1, 4, 64]),
    fraction=st.sampled_from([0.3, 1.0]),
)
def test_any_model_is_explained_as_the_library_explains_it(
    seed: int, num_leaves: int, min_data: int, missing: dict[str, bool], to_onehot: int, fraction: float
) -> None:
    X = rows(400, seed=seed)
    asked: dict[str, Any] = {
        "objective": "binary", "verbosity": -1, "num_threads": 1, "seed": seed, "num_leaves": num_leaves,
        "min_data_in_leaf": min_data, "max_cat_to_onehot": to_onehot, "feature_fraction": fraction, "cat_smooth": 0.1,
        "min_data_per_group": 1, "min_sum_hessian_in_leaf": 0.0, **missing,
    }  # fmt: skip
    data = lightgbm.Dataset(X, labels(X), feature_name=list(NAMES), categorical_feature=[CATEGORICAL])
    scorer = Scorer(lightgbm.train(asked, data, 6).model_to_string(num_iteration=-1))
    explainer = Explainer(scorer)
    assert explainer.engine == QUADRATURE, explainer.fallback
    probe = np.vstack([rows(40, seed=seed + 1), scorer.parity_rows()])
    assert np.abs(explainer.contributions_many(probe) - scorer.contributions_many(probe)).max() < 1e-9


@pytest.mark.parametrize(("num_leaves", "vectors"), [(8, {1}), (24, {1, 2}), (400, {2, 3})])
def test_paths_of_many_features_and_trees_of_many_depths(num_leaves: int, vectors: set[int]) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(3_000, 40))
    y = (X.sum(axis=1) + X[:, 0] * X[:, 1] + rng.normal(size=3_000) > 0).astype(float)
    asked = {"objective": "binary", "verbosity": -1, "num_threads": 1, "num_leaves": num_leaves, "min_data_in_leaf": 1}
    scorer = Scorer(lightgbm.train(asked, lightgbm.Dataset(X, y), 30).model_to_string(num_iteration=-1))
    nodes = lay_out(read_trees(scorer.model_text)).trees[:, 5]
    assert set(nodes.tolist()) == {number * LANES for number in vectors}
    explainer = Explainer(scorer)
    assert explainer.engine == QUADRATURE, explainer.fallback
    assert np.abs(explainer.contributions_many(X[:50]) - scorer.contributions_many(X[:50])).max() < 1e-9


def naive(tree: Tree, row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shapley values of one tree of numerical splits by their definition, over all coalitions."""

    def expected(known: frozenset[int], node: int) -> float:
        if node < 0:
            return float(tree.value[-node - 1])
        left, right = int(tree.left[node]), int(tree.right[node])
        if int(tree.feature[node]) in known:
            return expected(known, left if row[tree.feature[node]] <= tree.threshold[node] else right)
        n_left = int(tree.count[-left - 1] if left < 0 else tree.n_rows[left])
        share = n_left / int(tree.n_rows[node])
        return share * expected(known, left) + (1 - share) * expected(known, right)

    used = sorted(set(tree.feature.tolist()))
    values = np.zeros(len(row))
    for feature in used:
        others = [other for other in used if other != feature]
        for size in range(len(others) + 1):
            weight = factorial(size) * factorial(len(others) - size) / factorial(len(used))
            for chosen in combinations(others, size):
                known = frozenset(chosen)
                values[feature] += weight * (expected(known | {feature}, 0) - expected(known, 0))
    return values


def test_values_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(500, 6))
    y = (X[:, 0] * X[:, 1] + X[:, 2] + rng.normal(size=500) > 0).astype(float)
    asked = {"objective": "binary", "verbosity": -1, "num_threads": 1, "num_leaves": 20, "min_data_in_leaf": 5}
    text = lightgbm.train(asked, lightgbm.Dataset(X, y), 3).model_to_string(num_iteration=-1)
    trees = read_trees(text)
    # A feature that a path asks twice is where a later split takes the place of an earlier one.
    assert any(len(set(tree.feature.tolist())) < len(tree.feature) for tree in trees.splitting)
    explained = Explainer(Scorer(text)).contributions_many(X[:5])
    for row, values in zip(X[:5], explained, strict=True):
        assert values[:-1] == pytest.approx(sum(naive(tree, row) for tree in trees.splitting), abs=1e-12)
        assert values[-1] == pytest.approx(trees.base(), abs=1e-15)


def test_it_says_what_it_computes() -> None:
    explainer = Explainer(Scorer(model_text("stump")))
    assert (explainer.method, explainer.units) == ("path-dependent TreeSHAP", "raw log-odds")


def test_a_feature_the_model_does_not_use_contributes_nothing() -> None:
    values = Explainer(Scorer(model_text("stump"))).contributions_many(rows(50))
    assert (np.abs(values[:, :-1]) > 0).any(axis=0).sum() <= 1


def test_a_kernel_that_differs_is_not_used_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(trees: Any) -> Any:
        paths = module_lay_out(trees)
        return replace(paths, leaves=paths.leaves * (1 + 1e-6))

    module_lay_out = module.lay_out
    monkeypatch.setattr(module, "lay_out", wrong)
    scorer = Scorer(model_text("plain"))
    explainer = Explainer(scorer)
    assert explainer.engine == PRED_CONTRIB
    assert "differs from pred_contrib" in explainer.fallback
    X = rows(10, seed=4)
    assert explainer.contributions_many(X).tobytes() == scorer.contributions_many(X).tobytes()


def test_rows_that_went_lost_between_a_split_and_its_sides_are_left_to_the_library() -> None:
    text = model_text("plain")
    line = next(line for line in text.splitlines() if line.startswith("leaf_count="))
    first, *others = line.removeprefix("leaf_count=").split()
    scorer = Scorer(text.replace(line, " ".join([f"leaf_count={int(first) + 1:0{len(first)}}", *others]), 1))
    explainer = Explainer(scorer)
    assert explainer.engine == PRED_CONTRIB
    assert "rows of training on the sides of a split, got" in explainer.fallback


def test_a_leaf_that_no_row_of_training_came_to_is_explained() -> None:
    text = model_text("stump")
    lines = {line.partition("=")[0]: line for line in text.splitlines()}
    left, right = lines["leaf_count"].removeprefix("leaf_count=").split()
    emptied = text.replace(lines["leaf_count"], f"leaf_count={'0' * len(left)} {right}", 1)
    length = len(lines["internal_count"].removeprefix("internal_count="))  # the file says how long a tree is
    scorer = Scorer(emptied.replace(lines["internal_count"], f"internal_count={right:0>{length}}", 1))
    explainer = Explainer(scorer)
    assert explainer.engine == QUADRATURE, explainer.fallback
    X = rows(50, seed=4)
    assert np.isnan(scorer.contributions_many(X)).any()  # the library divides nothing by nothing
    assert np.abs(explainer.contributions_many(X).sum(axis=1) - scorer.raw_many(X)).max() < 1e-9


def test_the_librarys_own_can_be_asked_for() -> None:
    scorer = Scorer(model_text("plain"))
    explainer = Explainer(scorer, engine=PRED_CONTRIB)
    X = rows(10, seed=4)
    assert (explainer.engine, explainer.fallback) == (PRED_CONTRIB, "asked for")
    assert explainer.contributions_many(X).tobytes() == scorer.contributions_many(X).tobytes()


def test_linear_leaves_are_refused() -> None:
    explainer = Explainer(Scorer(model_text("linear_leaves")))
    assert "linear trees" in explainer.fallback
    with pytest.raises(ModelError, match=r"a model of plain trees, got .*linear trees"):
        explainer.contributions(np.zeros(5))


def test_rows_of_another_shape_are_refused() -> None:
    explainer = Explainer(Scorer(model_text("stump")))
    for row in (np.zeros(4), np.zeros(5, dtype=np.float32), np.zeros((1, 5))):
        with pytest.raises(ModelError, match=r"to explain|to score"):
            explainer.contributions(row)
    assert explainer.contributions_many(np.zeros((0, 5))).shape == (0, 6)
