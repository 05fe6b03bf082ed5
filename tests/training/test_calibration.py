"""Calibration and cut-offs on scores whose truth is known."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.isotonic import IsotonicRegression

from domain.errors import ModelError
from scoring.calibrator import Isotonic, Platt
from training.calibration import fit_calibrator
from training.cutoffs import GRADES, choose_cutoffs, grade_codes
from training.metrics import calibration_line
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


def test_isotonic_is_chosen_with_enough_events_and_is_scikit_learns() -> None:
    raw, y = scores(20_000, 1.0, -0.5)
    made = fit_calibrator(raw, y)
    assert isinstance(made, Isotonic)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(raw, y)
    at = np.linspace(-6, 5, 50)
    np.testing.assert_allclose(made.probability(at), oracle.predict(at), atol=1e-4)
    few = slice(0, 1_500)
    assert isinstance(fit_calibrator(raw[few], y[few]), Platt)
    with pytest.raises(ModelError, match="expected 1000 positives for isotonic calibration"):
        fit_calibrator(raw[few], y[few], "isotonic")


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_a_model_that_does_not_rank_later_rows_is_refused(kind: Literal["platt", "isotonic"]) -> None:
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
