"""Effects, interactions, permutation and seeds on functions whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from domain.errors import InputError
from training.effects import accumulated_effects, conditional_scores, grid_of, interactions
from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.permutation import keep_positives, permutation_drops
from training.seeds import refit, steadiness


def test_ale_of_a_sum_is_its_term_though_the_other_goes_along() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=800)
    X = np.column_stack([x, x + 0.1 * rng.normal(size=800), rng.normal(size=800)])
    X[:50, 0] = np.nan

    def raw(rows: np.ndarray) -> np.ndarray:
        return np.nan_to_num(rows[:, 0]) ** 2 + 5 * rows[:, 1]

    made = accumulated_effects(raw, X, 0, n_bins=10, n_draws=50, seed=1)
    assert made is not None
    np.testing.assert_allclose(np.diff(made.effect), np.diff(made.edges**2), atol=1e-12)
    assert (made.n.sum(), made.n_missing) == (750, 50)
    assert (made.low <= made.effect + 1e-9).all()
    assert (made.high >= made.effect - 1e-9).all()
    assert accumulated_effects(raw, np.ones((9, 3)), 0) is None


def test_ale_is_its_naive_version_and_its_interval_holds_where_rows_differ() -> None:
    rng = np.random.default_rng(3)
    X = rng.integers(0, 6, (300, 2)).astype(float)

    def raw(rows: np.ndarray) -> np.ndarray:
        return rows[:, 0] * rows[:, 1]

    made = accumulated_effects(raw, X, 0, n_bins=5, n_draws=200, seed=1)
    assert made is not None
    path = [0.0]
    for low, high in zip(made.edges[:-1], made.edges[1:], strict=True):
        mine = [row for row in X if low < row[0] <= high or (row[0] == low == made.edges[0])]
        path.append(path[-1] + float(np.mean([high * row[1] - low * row[1] for row in mine])))
    np.testing.assert_allclose(made.effect - made.effect[0], path, atol=1e-12)
    assert (made.high - made.low)[[0, -1]].min() > 0.05


def test_ice_puts_each_value_into_each_row() -> None:
    X = np.arange(6.0).reshape(3, 2)
    made = conditional_scores(lambda rows: rows[:, 0] - rows[:, 1], X, 1, np.array([1.0, 10.0]))
    assert made.tolist() == [[-1, -10], [1, -8], [3, -6]]
    assert len(grid_of(np.arange(1_000.0))) == 20


def test_h_is_the_published_formula() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(25, 3))

    def raw(rows: np.ndarray) -> np.ndarray:
        return rows[:, 0] + 0.5 * rows[:, 0] * rows[:, 1] + rows[:, 2]

    def pd_at(columns: list[int]) -> np.ndarray:
        out = []
        for point in X:
            rows = X.copy()
            rows[:, columns] = point[columns]
            out.append(raw(rows).mean())
        return np.array(out) - np.mean(out)

    joint, one, other = pd_at([0, 1]), pd_at([0]), pd_at([1])
    expected = np.sqrt(((joint - one - other) ** 2).sum() / (joint**2).sum())
    found = interactions(raw, X, (0, 1, 2))
    assert found[0, 1] == pytest.approx(expected)
    assert found[0, 2] == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(InputError):
        interactions(raw, X[:1], (0, 1))


def test_weights_keep_the_rate_and_the_figure() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < 0.02).astype(np.int8)
    score = y + rng.normal(size=20_000)
    rows, weight = keep_positives(y, 4_000, seed=1)
    assert len(rows) == 4_000
    assert weight @ y[rows] == pytest.approx(y.sum())
    assert weight.sum() == pytest.approx(len(y))
    part = permutation_drops(
        lambda X: X[:, 0], score[rows, None], y[rows], {"x": [0]}, figure="average_precision", weight=weight, n_draws=20
    )
    assert part.whole == pytest.approx(average_precision_score(y, score), rel=0.08)
    assert part.value[0] == pytest.approx(part.whole - y.mean(), abs=0.02)


def test_drops_are_those_of_scikit_learn_on_permuted_columns() -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(500, 3))
    y = (X[:, 0] + X[:, 1] + rng.normal(size=500) > 0).astype(np.int8)

    def raw(rows: np.ndarray) -> np.ndarray:
        return rows[:, 0] + rows[:, 1]

    made = permutation_drops(raw, X, y, {"both": [0, 1], "none": [2]}, figure="auc", n_repeats=1, n_draws=30, seed=4)
    mixed = X.copy()
    mixed[:, :2] = X[np.random.default_rng(4).permutation(500), :2]
    assert made.value[0] == pytest.approx(roc_auc_score(y, raw(X)) - roc_auc_score(y, raw(mixed)))
    assert made.value[1] == 0.0
    assert made.low[0] < made.value[0] < made.high[0]
    with pytest.raises(InputError):
        permutation_drops(raw, X, np.zeros(500, np.int8), {"both": [0]}, figure="auc")


def test_a_clear_signal_is_steady_over_seeds_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1_200, 30))
    names = Columns(tuple(f"f{i}" for i in range(30)))
    strength = np.linspace(2, 0.1, 30)
    clear = (rng.random(1_200) < 1 / (1 + np.exp(-(X @ strength)))).astype(np.int8)
    noise = rng.integers(0, 2, 1_200).astype(np.int8)
    family = LightGBM(seed=0, threads=1)
    params = family.starts(1_200)[0]
    found = {}
    for name, y in (("clear", clear), ("noise", noise)):
        models = refit(family, names, Labelled(X, y), params, 40, (1, 2, 3), X[:200])
        assert len({each.text for each in models}) == 3
        found[name] = steadiness([each.mean_abs for each in models])
    assert len(found["clear"].spearman) == 3
    # The rows are the same, so that even what is learnt from noise is learnt again in part.
    assert found["clear"].spearman.min() > 0.9 > found["noise"].spearman.mean()
    assert found["clear"].jaccard.mean() > found["noise"].jaccard.mean()
