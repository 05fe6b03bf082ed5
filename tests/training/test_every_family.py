"""The exam of every family: one world that can be learnt, with everything in it that data brings along."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optuna.trial import FixedTrial
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression as Oracle
from sklearn.metrics import average_precision_score, roc_auc_score

from domain.errors import DataError
from training.families.catalogue import FAMILIES, make
from training.families.family import Columns, Family, FittedModel, Labelled
from training.families.forest import RandomForest
from training.settings import TrainingSettings

COLUMNS = Columns(("amount", "age", "empty", "same", "ratio", "channel", "noise"), ("channel",))
N = 900
UNSUPERVISED = ("isolation_forest",)


@pytest.fixture(scope="module")
def family(request: pytest.FixtureRequest, settings: TrainingSettings) -> Family:
    # Without signs: some worlds here go against them on purpose; test_family_lightgbm.py has them.
    return make(request.param, settings, {})


def world(n: int = N, seed: int = 0) -> Labelled:
    """Odd rows are risky: large amounts, young customers, channel 2; with gaps, ±inf, an empty and a constant column.

    The signs are those of a learnable risk, and the risky rows are far out, so that an unsupervised family may win.
    """
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        [
            np.exp(rng.normal(0, 1, n)), rng.normal(40, 10, n), np.full(n, np.nan), np.full(n, 3.0),
            rng.normal(size=n), rng.integers(0, 4, n), rng.normal(size=n),
        ]
    )  # fmt: skip
    logit = -2.5 + 2.2 * np.log(X[:, 0]) - 0.03 * (X[:, 1] - 40) + 1.5 * (X[:, 5] == 2)
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    for column in (1, 4, 5):
        X[rng.random(n) < 0.05, column] = np.nan
    X[rng.random(n) < 0.01, 4] = np.inf
    X[rng.random(n) < 0.01, 4] = -np.inf
    X[rng.random(n) < 0.02, 0] = 0.0
    X[rng.random(n) < 0.005, 6] = 1e300
    return Labelled(X, y)


def params_of(family: Family, **changed: Any) -> dict[str, Any]:
    found = {**family.starts(N)[0], **changed}
    if "trees" in found:
        found["trees"] = 30
    return found


def fitted(family: Family, given: Labelled | None = None, **changed: Any) -> FittedModel:
    return family.fit(COLUMNS, world() if given is None else given, params_of(family, **changed), 40)


@pytest.fixture(scope="module")
def model(family: Family) -> FittedModel:
    return fitted(family)


@pytest.mark.parametrize("family", FAMILIES, indirect=True)
class TestFamily:
    def test_it_has_its_name(self, family: Family, request: pytest.FixtureRequest) -> None:
        assert family.name == request.node.callspec.params["family"]

    def test_the_same_seed_gives_the_same_bytes(self, family: Family, model: FittedModel) -> None:
        X = world(seed=1).X
        assert fitted(family).raw(X).tobytes() == model.raw(X).tobytes()

    def test_every_row_gets_a_finite_score(self, model: FittedModel) -> None:
        X = world(200, seed=1).X
        for value in (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, -1.0):
            for column in range(X.shape[1]):
                filled = X.copy()
                filled[:, column] = value
                assert np.isfinite(model.raw(filled)).all(), (value, COLUMNS.names[column])
        assert np.isfinite(model.raw(np.full((3, X.shape[1]), np.nan))).all()
        assert model.raw(X).shape == (200,)
        assert model.raw(X[:0]).shape == (0,)

    def test_a_code_never_seen_scores_as_a_missing_one(self, model: FittedModel) -> None:
        X = world(100, seed=1).X
        unseen, missing = X.copy(), X.copy()
        missing[:, 5] = np.nan
        for code in (4.0, 99.0, -1.0):
            unseen[:, 5] = code
            assert model.raw(unseen).tobytes() == model.raw(missing).tobytes()

    def test_zero_is_a_value_not_a_gap(self, family: Family) -> None:
        """All amounts of 0 are risky, all missing ones are not; nothing else tells them apart."""
        rng = np.random.default_rng(0)
        X = rng.normal(size=(N, 2))
        kind = rng.integers(0, 3, N)
        X[kind == 0, 0], X[kind == 1, 0], X[kind == 2, 0] = 0.0, np.nan, 5.0
        y = ((kind == 0) & (rng.random(N) < 0.9)).astype(np.int8)
        if family.name in UNSUPERVISED:
            return
        params = params_of(family)
        raw = family.fit(Columns(("amount", "noise")), Labelled(X, y), params, 40).raw(X)
        assert roc_auc_score(y[kind != 2], raw[kind != 2]) > 0.9

    def test_one_row_scores_as_it_does_among_others(self, model: FittedModel) -> None:
        X = world(60, seed=2).X
        single = np.concatenate([model.raw(X[place : place + 1]) for place in range(len(X))])
        # Matrix products may add up in another order for one row.
        np.testing.assert_allclose(single, model.raw(X), rtol=1e-12, atol=1e-12)

    def test_how_the_matrix_lies_in_memory_changes_nothing(self, family: Family, model: FittedModel) -> None:
        rows = world()
        wide = np.zeros((N, 2 * rows.X.shape[1]))
        wide[:, ::2] = rows.X
        for X in (np.asfortranarray(rows.X), wide[:, ::2]):
            np.testing.assert_allclose(model.raw(X), model.raw(rows.X), rtol=1e-12, atol=1e-12)
            again = fitted(family, Labelled(X, rows.y))
            np.testing.assert_allclose(again.raw(rows.X), model.raw(rows.X), rtol=1e-9, atol=1e-9)

    def test_rows_are_not_altered(self, family: Family) -> None:
        rows = world()
        kept = rows.X.copy()
        fitted(family, rows).raw(rows.X)
        assert rows.X.tobytes() == kept.tobytes()

    def test_columns_go_by_their_names(self, family: Family, model: FittedModel) -> None:
        """Another order of columns is the same data; where columns are drawn, the draw is another one."""
        order = [5, 0, 4, 1, 6, 3, 2]
        rows = world()
        turned = Columns(tuple(COLUMNS.names[place] for place in order), COLUMNS.categorical)
        again = family.fit(turned, Labelled(rows.X[:, order], rows.y), params_of(family), 40)
        found, before = again.raw(rows.X[:, order]), model.raw(rows.X)
        assert spearmanr(found, before).statistic > (0.7 if family.name in UNSUPERVISED else 0.9)
        assert again.complexity().keys() == model.complexity().keys()

    def test_it_learns(self, family: Family, model: FittedModel) -> None:
        """Within .04 of a logistic regression that is handed the true columns; an unsupervised family above chance."""
        train, later = world(), world(4_000, seed=5)

        def true_columns(X: np.ndarray) -> np.ndarray:
            age = np.nan_to_num(X[:, 1], nan=40.0)
            return np.column_stack([np.log(X[:, 0] + 0.05), age / 10, X[:, 5] == 2])

        oracle = Oracle().fit(true_columns(train.X), train.y).decision_function(true_columns(later.X))
        best = roc_auc_score(later.y, oracle)
        assert best > 0.85
        margin = 0.25 if family.name in UNSUPERVISED else 0.05
        assert roc_auc_score(later.y, model.raw(later.X)) > best - margin

    def test_the_higher_the_riskier(self, model: FittedModel) -> None:
        later = world(4_000, seed=5)
        thirds = np.array_split(np.argsort(model.raw(later.X), kind="stable"), 3)
        low, middle, high = (later.y[part].mean() for part in thirds)
        assert low <= middle + 0.03 < high

    def test_a_row_of_weight_two_is_two_rows(self, family: Family) -> None:
        """Exact where rows are not drawn at random: LightGBM with all rows and leaves of one, the tree, the lines."""
        rng = np.random.default_rng(3)
        X = np.column_stack([rng.integers(0, 12, N), rng.integers(0, 9, N), rng.integers(0, 4, N)]).astype(np.float64)
        y = (rng.random(N) < 1 / (1 + np.exp(4 - 0.5 * X[:, 0] + 0.3 * X[:, 1]))).astype(np.int8)
        # LightGBM smooths paths and categories by the number of rows, which weights leave alone.
        columns = Columns(("a", "b", "c"), () if family.name == "lightgbm" else ("c",))
        weight = rng.integers(1, 3, N)
        twice = np.repeat(np.arange(N), weight)
        exact = {
            "lightgbm": {"bagging_fraction": 1.0, "feature_fraction": 1.0, "min_data_in_leaf": 1, "path_smooth": 0.0},
            "logistic": {}, "tree": {}, "svm": {"kernel": "linear"}, "scorecard": {},
        }  # fmt: skip
        params = params_of(family, **exact.get(family.name, {}))
        weighted = family.fit(columns, Labelled(X, y, weight.astype(np.float64)), params, 15)
        repeated = family.fit(columns, Labelled(X[twice], y[twice]), params, 15)
        if family.name in exact:
            np.testing.assert_allclose(weighted.raw(X), repeated.raw(X), rtol=1e-4, atol=1e-4)
        else:
            assert spearmanr(weighted.raw(X), repeated.raw(X)).statistic > 0.8

    def test_weights_are_heeded(self, family: Family) -> None:
        """Rows that say the opposite count for nearly nothing."""
        rows = world()
        both = Labelled(
            np.vstack([rows.X, rows.X]), np.concatenate([rows.y, 1 - rows.y]),
            np.concatenate([np.ones(N), np.full(N, 1e-3)]),
        )  # fmt: skip
        flat = Labelled(both.X, both.y)
        if family.name in UNSUPERVISED:
            return
        assert roc_auc_score(rows.y, fitted(family, both).raw(rows.X)) > 0.8
        # What is left of a line is rounding, which may rank by chance.
        assert abs(roc_auc_score(rows.y, fitted(family, flat).raw(rows.X).round(6)) - 0.5) < 0.1

    def test_nothing_is_learnt_from_validation_rows(self, family: Family) -> None:
        """Other validation rows than these, then these: the figure and the model are what they were."""
        train, valid = world(), world(400, seed=1)
        params = params_of(family)
        before = family.prepare(COLUMNS, train, valid, "auc").score(params, rounds=20, patience=20)
        strange = Labelled(valid.X * 1_000 + 7, valid.y)
        family.prepare(COLUMNS, train, strange, "auc").score(params, rounds=20, patience=20)
        doubled = Labelled(np.vstack([valid.X, strange.X]), np.concatenate([valid.y, valid.y]),
                           np.concatenate([np.ones(400), np.full(400, 1e-12)]))  # fmt: skip
        beside = family.prepare(COLUMNS, train, doubled, "auc").score(params, rounds=20, patience=20)
        assert beside.rounds == before.rounds
        assert beside.value == pytest.approx(before.value, abs=1e-6)

    @pytest.mark.parametrize("objective", ["auc", "average_precision"])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_a_fold_is_scored_as_scikit_learn_scores_it(self, family: Family, objective: str, weighted: bool) -> None:
        train, valid = world(), world(400, seed=1)
        weight = np.random.default_rng(0).uniform(0.5, 3, 400) if weighted else None
        told: list[tuple[int, float]] = []
        tried = family.prepare(COLUMNS, train, Labelled(valid.X, valid.y, weight), objective).score(
            params_of(family), rounds=20, patience=20, report=lambda step, value: told.append((step, value))
        )
        raw = family.fit(COLUMNS, train, params_of(family), tried.rounds).raw(valid.X)
        oracle = roc_auc_score if objective == "auc" else average_precision_score
        assert tried.value == pytest.approx(oracle(valid.y, raw, sample_weight=weight), abs=1e-6)
        assert [step for step, _ in told] == list(range(len(told)))
        assert max(value for _, value in told) == pytest.approx(tried.value)
        assert tried.rounds >= 1

    def test_a_report_that_raises_stops_the_fit(self, family: Family) -> None:
        class Pruned(Exception):  # noqa: N818 - as Optuna's own
            pass

        def stop(step: int, value: float) -> None:
            raise Pruned

        prepared = family.prepare(COLUMNS, world(), world(300, seed=1), "auc")
        with pytest.raises(Pruned):
            prepared.score(params_of(family), rounds=20, patience=20, report=stop)

    def test_one_class_is_refused_with_what_to_do(self, family: Family) -> None:
        rows = world()
        for label in (0, 1):
            alone = Labelled(rows.X, np.full(N, label, np.int8))
            with pytest.raises(DataError, match=f"rows to score: expected both labels, got 900 rows of {label} only"):
                family.prepare(COLUMNS, rows, alone, "auc")
            if family.name in UNSUPERVISED:
                assert np.isfinite(fitted(family, alone).raw(rows.X)).all()
                continue
            with pytest.raises(DataError, match=r"rows to learn from: .* take a longer period"):
                fitted(family, alone)
            with pytest.raises(DataError, match=r"rows to learn from: .* take a longer period"):
                family.prepare(COLUMNS, alone, rows, "auc")

    def test_a_matrix_that_does_not_fit_is_refused(self, family: Family) -> None:
        rows = world()
        with pytest.raises(DataError, match="7 columns"):
            fitted(family, Labelled(rows.X[:, :5], rows.y))
        with pytest.raises(DataError, match="expected some, got none"):
            fitted(family, Labelled(rows.X[:0], rows.y[:0]))

    def test_what_it_is_made_of_can_be_counted(self, family: Family, model: FittedModel) -> None:
        counted = model.complexity()
        assert counted
        assert all(type(value) is int and value > 0 for value in counted.values())
        assert 50 < model.n_bytes < 5_000_000

    def test_every_beginning_and_every_draw_can_be_fitted(self, family: Family) -> None:
        """Beginnings lie in the ranges that are drawn from: Optuna refuses a fixed value outside them."""
        rows = world()
        for n_rows in (60, N, 2_000_000):
            for start in family.starts(n_rows):
                assert family.suggest(FixedTrial(start), n_rows) == start
        grid = family.grid(N)
        assert set(grid) == set(family.starts(N)[0])
        assert 2 <= np.prod([len(values) for values in grid.values()]) <= 24
        corner = {name: values[-1] for name, values in grid.items()}
        assert np.isfinite(fitted(family, rows, **corner).raw(rows.X)).all()


def test_each_tree_of_a_large_forest_is_drawn_from_some_rows() -> None:
    rows = world()
    family = RandomForest(seed=1, threads=1, most_rows=100)
    model = fitted(family)
    counted = model.complexity()
    assert counted["rows_a_tree"] == 100
    # No tree of a hundred rows has more leaves, and a forest of trees that saw other rows still ranks.
    assert counted["leaves"] <= 100 * counted["trees"]
    assert roc_auc_score(rows.y, model.raw(rows.X)) > 0.85
    assert "rows_a_tree" not in fitted(RandomForest(seed=1, threads=1, most_rows=N)).complexity()
