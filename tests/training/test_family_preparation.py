"""Preparation of columns: learnt from training rows only, equal to scikit-learn where it does the same."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.preprocessing import StandardScaler

from domain.errors import DataError
from training.families.cleaning import Cleaning, weighted_quantiles
from training.families.family import Columns, Labelled
from training.families.isolation_forest import IsolationForest
from training.families.logistic import LogisticRegression
from training.families.reducing import Reduced, prepare_columns
from training.families.settings import Preprocessing

COLUMNS = Columns(("amount", "age", "channel", "same", "noise"), ("channel",))
PLAIN = Preprocessing(winsor=0, squash=False)


def world(n: int = 1_500, seed: int = 0) -> Labelled:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    X[:, 0] = np.exp(X[:, 0] * 2)
    X[:, 2] = rng.integers(0, 4, n)
    X[:, 3] = 1.0
    y = (rng.random(n) < 1 / (1 + np.exp(1 - np.log(X[:, 0]) - X[:, 1]))).astype(np.int8)
    X[rng.random(n) < 0.1, 1] = np.nan
    return Labelled(X, y)


def test_numbers_are_scaled_as_scikit_learn_scales_them() -> None:
    rows = world()
    weight = np.random.default_rng(1).uniform(0.5, 2, len(rows))
    cleaning = Cleaning.fit(COLUMNS, Labelled(rows.X, rows.y, weight), PLAIN)
    found = cleaning.matrix(rows.X)
    assert cleaning.names == (
        "amount", "age", "noise", "age missing", "channel=0", "channel=1", "channel=2", "channel=3"
    )  # fmt: skip
    expected = StandardScaler().fit_transform(rows.X[:, [0, 4]], sample_weight=weight)
    np.testing.assert_allclose(found[:, [0, 2]], expected, atol=1e-10)
    np.testing.assert_array_equal(found[:, 3], np.isnan(rows.X[:, 1]))
    np.testing.assert_array_equal(found[:, 4:].argmax(axis=1), rows.X[:, 2])
    known = rows.X[~np.isnan(rows.X[:, 1]), 1]
    median = np.quantile(known, 0.5, weights=weight[~np.isnan(rows.X[:, 1])], method="inverted_cdf")
    filled = np.where(np.isnan(rows.X[:, 1]), median, rows.X[:, 1])
    np.testing.assert_allclose(
        found[:, 1], StandardScaler().fit_transform(filled[:, None], sample_weight=weight)[:, 0], atol=1e-10
    )


def test_what_lies_beyond_the_quantiles_counts_as_their_ends() -> None:
    rows = world()
    cleaning = Cleaning.fit(COLUMNS, rows, Preprocessing(winsor=0.05))
    low, high = np.quantile(rows.X[:, 0], [0.05, 0.95], method="inverted_cdf")
    probes = np.tile(rows.X[0], (4, 1))
    probes[:, 0] = [low, -np.inf, high, np.inf]
    first, second, third, fourth = cleaning.matrix(probes)[:, 0]
    assert first == second < third == fourth


def test_the_order_of_a_number_is_kept() -> None:
    rows = world()
    Z = Cleaning.fit(COLUMNS, rows, Preprocessing(winsor=0.01)).matrix(rows.X)
    order = np.argsort(rows.X[:, 0])
    assert (np.diff(Z[order, 0]) >= 0).all()
    assert np.abs(Z[:, 0]).max() < np.abs(Cleaning.fit(COLUMNS, rows, PLAIN).matrix(rows.X)[:, 0]).max()


def test_a_gap_that_training_never_had_is_filled_without_a_column() -> None:
    rows = world()
    cleaning = Cleaning.fit(COLUMNS, rows, PLAIN)
    gap, median = rows.X[:1].copy(), rows.X[:1].copy()
    gap[0, 0], median[0, 0] = np.nan, np.quantile(rows.X[:, 0], 0.5, method="inverted_cdf")
    np.testing.assert_allclose(cleaning.matrix(gap), cleaning.matrix(median), atol=1e-12)


def test_whether_a_constant_is_there_is_all_it_says() -> None:
    X = np.array([[1.0], [1.0], [np.nan], [1.0]])
    y = np.array([0, 0, 1, 0], np.int8)
    cleaning = Cleaning.fit(Columns(("seen",)), Labelled(X, y), PLAIN)
    assert cleaning.names == ("seen missing",)
    assert cleaning.matrix(X)[:, 0].tolist() == [0, 0, 1, 0]


def test_nothing_but_constants_is_refused() -> None:
    rows = Labelled(np.column_stack([np.ones(4), np.full(4, np.nan)]), np.array([0, 1, 0, 1], np.int8))
    with pytest.raises(DataError, match="2 constant or empty ones"):
        Cleaning.fit(Columns(("a", "b")), rows, PLAIN)


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(1, 4)), min_size=1, max_size=30),
    st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_a_weighted_quantile_is_that_of_repeated_rows(rows: list[tuple[float, int]], shares: list[float]) -> None:
    value, weight = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    repeated = np.quantile(np.repeat(value, weight), shares, method="inverted_cdf").tolist()
    assert weighted_quantiles(value, weight.astype(np.float64), shares) == pytest.approx(repeated)


def test_rare_codes_share_a_column_with_the_unknown() -> None:
    codes = np.repeat([0.0, 1.0, 2.0, np.nan], [500, 480, 5, 15])
    rows = Labelled(codes[:, None], (np.arange(1_000) % 3 == 0).astype(np.int8))
    cleaning = Cleaning.fit(Columns(("c",), ("c",)), rows, Preprocessing(rare=0.01))
    assert cleaning.names == ("c=0", "c=1", "c unknown")
    shown = cleaning.matrix(np.array([[0.0], [2.0], [9.0], [np.nan]]))
    assert shown.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]


def reduced(
    settings: Preprocessing, rows: Labelled | None = None, columns: Columns = COLUMNS
) -> tuple[Reduced, np.ndarray]:
    """The preparation, and the columns it was made from."""
    given = world() if rows is None else rows
    found = prepare_columns(columns, given, settings, seed=1)
    assert isinstance(found, Reduced)
    return found, found.cleaning.matrix(given.X)


def test_components_are_those_of_scikit_learn_but_for_their_sign() -> None:
    found, Z = reduced(Preprocessing(reduce="components", components=3))
    oracle = PCA(3).fit(Z)
    np.testing.assert_allclose(np.abs(found.matrix(world().X)), np.abs(oracle.transform(Z)), atol=1e-8)


@pytest.mark.parametrize("reduce", ["components", "factors"])
def test_components_and_factors_heed_weights_as_repeated_rows(reduce: Literal["components", "factors"]) -> None:
    rows = world(400)
    weight = np.random.default_rng(0).integers(1, 4, len(rows))
    settings = Preprocessing(reduce=reduce, components=2)
    twice = np.repeat(np.arange(len(rows)), weight)
    weighted, _ = reduced(settings, Labelled(rows.X, rows.y, weight.astype(np.float64)))
    repeated, _ = reduced(settings, Labelled(rows.X[twice], rows.y[twice]))
    np.testing.assert_allclose(weighted.matrix(rows.X), repeated.matrix(rows.X), atol=1e-6)


def test_factors_are_those_of_scikit_learn() -> None:
    """Six indicators of two hidden causes."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(800, 2))
    X = np.column_stack([hidden[:, place % 2] + rng.normal(size=800) for place in range(6)])
    rows, columns = Labelled(X, (hidden[:, 0] > 0).astype(np.int8)), Columns(tuple("abcdef"))
    found, Z = reduced(PLAIN.model_copy(update={"reduce": "factors", "components": 2}), rows, columns)
    # The likelihood that the tolerance is of grows with the rows: 800 here, 12 inside.
    oracle = FactorAnalysis(2, tol=1e-4 * 800 / 12, svd_method="lapack", rotation="varimax", random_state=1).fit(Z)
    assert found.names == ("factor 1", "factor 2")
    np.testing.assert_allclose(np.abs(found.matrix(X)), np.abs(oracle.transform(Z)), atol=1e-3)
    assert np.abs(np.corrcoef(found.matrix(X).T, hidden.T)[:2, 2:]).max(axis=0).min() > 0.8


@pytest.mark.parametrize(
    ("select", "lost"),
    [
        ("variance", {"rare flag"}), ("information", {"noise", "rare flag"}),
        ("lasso", {"noise", "rare flag"}), ("correlation", {"amount again"}),
    ],
)  # fmt: skip
def test_a_selection_leaves_out_what_it_should(
    select: Literal["variance", "information", "lasso", "correlation"], lost: set[str]
) -> None:
    rng = np.random.default_rng(0)
    amount = rng.normal(size=3_000)
    again = amount + 0.05 * rng.normal(size=3_000)
    X = np.column_stack([amount, again, rng.normal(size=3_000), rng.permutation(3_000) < 12])
    y = (rng.random(3_000) < 1 / (1 + np.exp(1 - 1.5 * amount))).astype(np.int8)
    columns = Columns(("amount", "amount again", "noise", "rare flag"))
    settings = Preprocessing(winsor=0, select=select, least=0.05 if select == "information" else None)
    found, _ = reduced(settings, Labelled(X, y), columns)
    kept = set(found.names)
    assert lost.isdisjoint(kept)
    assert "amount" in kept or "amount again" in kept
    if select in ("variance", "correlation"):
        assert kept == set(columns.names) - lost


@pytest.mark.parametrize("select", ["variance", "information", "lasso", "correlation"])
@pytest.mark.parametrize("reduce", ["none", "components", "factors"])
def test_a_family_fits_and_scores_with_every_preparation(
    select: Literal["variance", "information", "lasso", "correlation"], reduce: Literal["none", "components", "factors"]
) -> None:
    rows = world(600)
    settings = Preprocessing(select=select, reduce=reduce, components=2)
    for family in (LogisticRegression(1, preprocessing=settings), IsolationForest(1, settings)):
        model = family.fit(COLUMNS, rows, family.starts(600)[0], 1)
        assert np.isfinite(model.raw(rows.X)).all()
        later = family.prepare(COLUMNS, rows, world(300, seed=1), "auc")
        assert later.held.shape[1] == later.learnt.shape[1] == len(later.preparation.names)


def test_an_unsupervised_family_asks_no_label_even_of_its_selection() -> None:
    rows = world(600)
    settings = Preprocessing(select="information")
    shuffled = Labelled(rows.X, np.random.default_rng(0).permutation(rows.y))
    models = [IsolationForest(1, settings).fit(COLUMNS, each, {"trees": 20, "rows": 64, "columns": 1.0}, 1)
              for each in (rows, shuffled)]  # fmt: skip
    assert models[0].raw(rows.X).tobytes() == models[1].raw(rows.X).tobytes()


def test_preparation_is_blind_to_validation_rows() -> None:
    """Every number learnt is the same, whatever the validation rows are."""
    train, usual = world(), world(300, seed=1)
    odd = Labelled(np.full((300, 5), 1e6), usual.y)
    for settings in (PLAIN, Preprocessing(select="lasso", reduce="factors", components=2)):
        family = LogisticRegression(1, preprocessing=settings)
        first, second = (family.prepare(COLUMNS, train, valid, "auc") for valid in (usual, odd))
        assert first.learnt.tobytes() == second.learnt.tobytes()
        assert first.held.tobytes() == first.preparation.matrix(usual.X).tobytes()
        assert second.preparation.matrix(usual.X).tobytes() == first.held.tobytes()
