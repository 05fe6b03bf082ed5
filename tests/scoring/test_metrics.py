"""Every metric against an oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score, roc_curve

from scoring import metrics
from scoring.metrics import Ranking


@st.composite
def labelled(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = draw(st.integers(2, 40))
    y = draw(hnp.arrays(np.int8, n, elements=st.integers(0, 1)).filter(lambda y: 0 < y.sum() < len(y)))
    # Few distinct values: ties are where ranking metrics go wrong.
    score = draw(hnp.arrays(np.float64, n, elements=st.integers(-3, 3).map(float)))
    weight = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 3)))
    return y, score, weight


@given(labelled())
def test_ranking_agrees_with_scikit_learn(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    y, score, _ = case
    ranking = Ranking.of(y, score)
    fpr, tpr, _ = roc_curve(y, score)
    assert ranking.auc() == pytest.approx(roc_auc_score(y, score))
    assert ranking.average_precision() == pytest.approx(average_precision_score(y, score))
    figures = {"average_precision": ranking.average_precision(), "auc": ranking.auc(), "ks": ranking.ks()}
    assert figures["ks"] == pytest.approx(np.max(np.abs(tpr - fpr)))
    assert ranking.figures() == figures


@given(labelled())
def test_a_weight_is_a_number_of_copies(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    y, score, weight = case
    copied_y, copied_score = np.repeat(y, weight), np.repeat(score, weight)
    weighted = Ranking.of(y, score).figures(weight)
    if 0 < copied_y.sum() < len(copied_y):
        assert weighted == pytest.approx(Ranking.of(copied_y, copied_score).figures())
    else:
        assert np.isnan(weighted["auc"])
        assert np.isnan(weighted["ks"])


def test_probability_scores_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(size=2_000)
    y = (rng.uniform(size=2_000) < p).astype(np.int8)
    w = rng.integers(1, 4, 2_000)
    assert metrics.brier(y, p) == pytest.approx(brier_score_loss(y, p))
    assert metrics.brier(y, p, w) == pytest.approx(brier_score_loss(y, p, sample_weight=w))
    assert metrics.log_loss(y, p) == pytest.approx(log_loss(y, p))
    assert np.isfinite(metrics.log_loss(np.array([1, 0]), np.array([0.0, 1.0])))


@pytest.mark.parametrize("seed", range(3))
def test_calibration_line_agrees_with_an_unpenalised_regression(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logit = rng.normal(-2, 2, 3_000)
    y = (rng.uniform(size=3_000) < 1 / (1 + np.exp(-(0.7 * logit + 0.4)))).astype(np.int8)
    slope, intercept = metrics.calibration_line(y, 1 / (1 + np.exp(-logit)))
    oracle = LogisticRegression(C=1e9, tol=1e-10).fit(logit[:, None], y)
    assert slope == pytest.approx(oracle.coef_[0, 0], rel=1e-4)
    assert intercept == pytest.approx(oracle.intercept_[0], rel=1e-3, abs=1e-4)


def test_calibration_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        logit = rng.normal(-1, 1.5, 600)
        p = 1 / (1 + np.exp(-logit))
        y = (rng.uniform(size=600) < p).astype(np.int8)
        (low, high), _ = metrics.calibration_intervals(y, p, metrics.calibration_line(y, p), None)
        covered += low < 1.0 < high
    assert 180 <= covered <= 199


def test_clustered_calibration_intervals_are_wider_when_days_move_together() -> None:
    rng = np.random.default_rng(6)
    day = np.repeat(np.arange(20), 100)
    logit = rng.normal(0, 1, 2_000) + rng.normal(0, 1.0, 20)[day]
    y = (rng.uniform(size=2_000) < 1 / (1 + np.exp(-logit - rng.normal(0, 1.0, 20)[day]))).astype(np.int8)
    p = 1 / (1 + np.exp(-logit))
    line = metrics.calibration_line(y, p)
    _, alone = metrics.calibration_intervals(y, p, line, None)
    _, together = metrics.calibration_intervals(y, p, line, day)
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


def test_separable_data_end_with_a_finite_line() -> None:
    slope, intercept = metrics.logistic_line(np.array([-2.0, -1, 1, 2]), np.array([0, 0, 1, 1]))
    assert np.isfinite([slope, intercept]).all()
    assert slope > 1


def test_precision_and_recall_at_k_are_counted_by_hand() -> None:
    y = np.array([0, 1, 1, 0, 1])
    score = np.array([5.0, 4, 3, 2, 1])
    assert metrics.precision_recall_at(y, score, 3) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert metrics.precision_recall_at(y, score, 50) == (0.6, 1.0)
