"""Calibration and cut-offs on scores whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from domain.errors import ModelError
from scoring.calibrator import Beta, Isotonic, Platt
from scoring.metrics import calibration_line
from training.calibration import Kind, calibrate, fit_calibrator
from training.cutoffs import GRADES, choose_cutoffs, grade_codes
from training.settings import Cutoffs


def scores(n: int, slope: float, intercept: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    raw = rng.normal(-1, 2, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-(slope * raw + intercept)))).astype(np.int8)
    return raw, y


def test_platt_finds_the_line_and_undoes_weights() -> None:
    raw, y = scores(60_000, 0.6, -1.5)
    made = fit_calibrator(raw, y, "platt")
    assert isinstance(made, Platt)
    assert (made.a, made.b) == (pytest.approx(0.6, abs=0.02), pytest.approx(-1.5, abs=0.03))
    later, truth = scores(60_000, 0.6, -1.5, seed=1)
    slope, intercept = calibration_line(truth, made.probability(later))
    assert (slope, intercept) == (pytest.approx(1, abs=0.04), pytest.approx(0, abs=0.06))


def test_isotonic_is_scikit_learns_and_asks_for_enough_events() -> None:
    raw, y = scores(20_000, 1.0, -0.5)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    for w in (None, weight):
        made = fit_calibrator(raw, y, "isotonic", w)
        oracle = IsotonicRegression(out_of_bounds="clip").fit(raw, y, sample_weight=w)
        at = np.linspace(-6, 5, 50)
        np.testing.assert_allclose(made.probability(at), oracle.predict(at), atol=1e-4)
    few = slice(0, 1_500)
    with pytest.raises(ModelError, match="expected 1000 positives for isotonic calibration"):
        fit_calibrator(raw[few], y[few], "isotonic")


def beta_loss(values: np.ndarray, raw: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    """The formula as it is written in the paper, on Platt's smoothed targets."""
    p = 1 / (1 + np.exp(-raw))
    a, b, c = values
    q = 1 / (1 + np.exp(-(a * np.log(p) - b * np.log(1 - p) + c)))
    target = np.where(y == 1, (y.sum() + 1) / (y.sum() + 2), 1 / ((1 - y).sum() + 2))
    return float(-np.sum(w * (target * np.log(q) + (1 - target) * np.log(1 - q))) / w.sum())


@pytest.mark.parametrize("truth", [(0.5, 1.6, -0.3), (1.5, -0.8, -0.5), (-0.8, 1.5, -0.5)])
@pytest.mark.parametrize("weighted", [False, True])
def test_beta_is_what_a_plain_optimiser_finds(truth: tuple[float, float, float], weighted: bool) -> None:
    rng = np.random.default_rng(3)
    raw = rng.normal(-0.5, 1.2, 4_000)
    p = 1 / (1 + np.exp(-raw))
    margin = truth[0] * np.log(p) - truth[1] * np.log(1 - p) + truth[2]
    y = (rng.random(len(raw)) < 1 / (1 + np.exp(-margin))).astype(np.int8)
    w = rng.uniform(0.2, 3.0, len(y)) if weighted else np.ones(len(y))
    made = fit_calibrator(raw, y, "beta", w if weighted else None)
    assert isinstance(made, Beta)
    oracle = minimize(
        beta_loss, [1.0, 1.0, 0.0], args=(raw, y, w), method="L-BFGS-B", bounds=[(0, None), (0, None), (None, None)],
        options={"ftol": 1e-14, "gtol": 1e-9},
    )  # fmt: skip
    assert beta_loss(np.array([made.a, made.b, made.c]), raw, y, w) <= oracle.fun + 1e-9
    np.testing.assert_allclose([made.a, made.b, made.c], oracle.x, atol=2e-3)
    # A truth that falls on one side has its best monotone fit on the edge.
    assert [value == 0 for value in (made.a, made.b)] == [value < 0 for value in truth[:2]]


def test_platt_is_scikit_learns_on_weighted_rows() -> None:
    raw, y = scores(30_000, 0.6, -1.5)
    w = np.random.default_rng(1).uniform(0.2, 3.0, len(y))
    oracle = LogisticRegression(C=1e12, tol=1e-10).fit(raw[:, None], y, sample_weight=w)
    made = fit_calibrator(raw, y, "platt", w)
    assert isinstance(made, Platt)
    assert (made.a, made.b) == (
        pytest.approx(oracle.coef_[0, 0], abs=2e-3),
        pytest.approx(oracle.intercept_[0], abs=2e-3),
    )


@pytest.mark.parametrize("kind", ["platt", "isotonic", "beta"])
def test_only_the_ratios_of_weights_matter(kind: Kind) -> None:
    raw, y = scores(8_000, 0.6, -0.5)
    at = np.linspace(-5, 5, 11)
    w = np.random.default_rng(1).uniform(0.2, 3.0, len(y))
    plain = fit_calibrator(raw, y, kind, w).probability(at)
    np.testing.assert_allclose(fit_calibrator(raw, y, kind, 1_000 * w).probability(at), plain, rtol=1e-6)
    assert np.abs(fit_calibrator(raw, y, kind).probability(at) - plain).max() > 1e-4


def steps(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Risk in three steps, which no smooth curve of two or three numbers follows."""
    rng = np.random.default_rng(seed)
    raw = rng.uniform(-6, 6, n)
    return raw, (rng.random(n) < np.select([raw < -2, raw < 3], [0.02, 0.3], 0.95)).astype(np.int8)


def test_auto_takes_what_forecasts_best_and_a_line_where_nothing_is_convincing() -> None:
    line = calibrate(*scores(20_000, 0.6, -1.0))
    assert isinstance(line.calibrator, Platt)
    staircase = calibrate(*steps(20_000, 0))
    assert isinstance(staircase.calibrator, Isotonic)
    platt, beta, isotonic = staircase.tried
    assert [each.chosen for each in staircase.tried] == [False, False, True]
    assert isotonic.log_loss < beta.log_loss <= platt.log_loss + 0.01
    assert isotonic.gain > isotonic.gain_error > 0
    assert staircase.table().index.tolist() == ["platt", "beta", "isotonic"]
    raw, y = scores(30_000, 1.0, 0.0)
    bent = np.where(raw > 0, 0.3 * raw, 2.0 * raw) - 1.0
    y = (np.random.default_rng(5).random(len(raw)) < 1 / (1 + np.exp(-bent))).astype(np.int8)
    few = slice(0, 2_600)
    assert y[few].sum() < 1_000
    chosen = calibrate(raw[few], y[few])
    assert isinstance(chosen.calibrator, Beta)
    assert chosen.tried[-1].note == "fewer than 1000 positives"
    assert calibrate(raw[:200], y[:200]).tried == ()


def test_auto_looks_forward_only() -> None:
    # Its log loss is that of a forecast made by hand: each block from all rows before it.
    raw, y = steps(6_000, 1)
    block = np.minimum((np.cumsum(y) - y) * 5 // y.sum(), 4)
    losses = []
    for n in range(1, 5):
        p = fit_calibrator(raw[block < n], y[block < n], "platt").probability(raw[block == n])
        losses += np.where(y[block == n] == 1, -np.log(p), -np.log(1 - p)).tolist()
    assert calibrate(raw, y).tried[0].log_loss == pytest.approx(np.mean(losses), rel=1e-12)


@pytest.mark.parametrize("kind", ["platt", "isotonic", "beta", "auto"])
def test_a_model_that_does_not_rank_later_rows_is_refused(kind: Kind) -> None:
    y = (np.random.default_rng(0).random(3_000) < 0.5).astype(np.int8)
    with pytest.raises(ModelError, match="does not rank this period"):
        fit_calibrator(np.where(y == 1, -1.0, 1.0), y, kind)


probabilities = hnp.arrays(np.float64, st.integers(20, 200), elements=st.integers(0, 50).map(lambda n: n / 50))


@given(probabilities)
def test_cutoffs_rise_and_hold_about_their_share(p: np.ndarray) -> None:
    shares = Cutoffs(by="share", attention=0.4, warning=0.2, high=0.05, source="a test")
    if len(np.unique(p)) < len(GRADES):
        with pytest.raises(ModelError, match="expected scores that tell 3 grades apart"):
            choose_cutoffs(p, shares)
        return
    cuts = choose_cutoffs(p, shares)
    assert cuts["attention"] < cuts["warning"] < cuts["high"]
    at_least = np.mean(p >= cuts["high"])
    # Never more than the share asks for, but for ties at the cut-off itself.
    assert at_least - np.mean(p == cuts["high"]) <= 0.05 + 1 / len(p)
    codes = grade_codes(p, cuts)
    assert [(code >= 1) for code in codes] == (p >= cuts["attention"]).tolist()


def test_cutoffs_by_probability_are_as_written() -> None:
    chosen = Cutoffs(by="probability", attention=0.1, warning=0.2, high=0.5, source="a test")
    assert choose_cutoffs(np.array([0.3]), chosen) == {"attention": 0.1, "warning": 0.2, "high": 0.5}
