"""DeLong's error against the definition in pairs, and how often the interval holds the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from training.delong import Auc, auc_of, heterogeneity


def sample(seed: int, n: int = 120, apart: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(np.int8)
    return y, np.round(rng.normal(size=n) + apart * y, 1)


def naive_error(y: np.ndarray, score: np.ndarray) -> float:
    positive, negative = score[y == 1], score[y == 0]
    wins = np.array([[1.0 if a > b else 0.5 if a == b else 0.0 for b in negative] for a in positive])
    return math.sqrt(wins.mean(axis=1).var(ddof=1) / len(positive) + wins.mean(axis=0).var(ddof=1) / len(negative))


@pytest.mark.parametrize("seed", range(5))
def test_value_is_scikit_learns_and_error_that_of_all_pairs(seed: int) -> None:
    y, score = sample(seed)
    made = auc_of(y, score)
    assert made.value == pytest.approx(roc_auc_score(y, score), abs=1e-12)
    assert made.error == pytest.approx(naive_error(y, score), abs=1e-12)
    assert (made.n, made.n_events) == (120, y.sum())


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    truth = 0.5 * (1 + math.erf(1.0 / 2))  # Φ(d / √2) of two unit normals d = 1 apart
    held = [made.low <= truth <= made.high for made in (auc_of(*sample(seed, 200)) for seed in range(600))]
    assert 0.92 < np.mean(held) < 0.975


def test_perfect_order_and_too_few_rows_have_no_spread() -> None:
    perfect = auc_of(np.array([0, 0, 1, 1]), np.arange(4.0))
    assert (perfect.value, perfect.low, perfect.high) == (1.0, 1.0, 1.0)
    assert math.isnan(auc_of(np.array([0, 0, 1]), np.arange(3.0)).value)


def test_equal_periods_pass_cochrans_test_as_often_as_chance_says() -> None:
    p = np.array([heterogeneity([auc_of(*sample(10 * trial + k, 300)) for k in range(4)]) for trial in range(200)])
    assert 0.01 < np.mean(p < 0.05) < 0.11
    worse = [auc_of(*sample(k, 300)) for k in range(3)] + [auc_of(*sample(9, 300, apart=-1.0))]
    assert heterogeneity(worse) < 1e-6
    assert math.isnan(heterogeneity([Auc(1.0, 0.0, 1.0, 1.0, 10, 5)]))
