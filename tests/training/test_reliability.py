"""Reliability against scipy, plain counting and truths that are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.calibration import calibration_curve

from training.grade_reliability import grade_lines, table
from training.proportion import binomial_tail, jeffreys, too_low, wilson
from training.reliability import bins_of, calibration_figures, reliability, spiegelhalter, wilson_bins


def sample(n: int, seed: int = 0, bend: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 6, n)
    return (rng.random(n) < p**bend).astype(np.int8), p


counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.floats(0.001, 0.999))
@settings(max_examples=60)
def test_intervals_and_tests_of_a_share_are_scipys(share: tuple[int, int], p: float) -> None:
    k, n = share
    many = np.array([k]), np.array([n])
    posterior = stats.beta(k + 0.5, n - k + 0.5)
    low, high = jeffreys(*many)
    assert low[0] == pytest.approx(0 if k == 0 else posterior.ppf(0.025))
    assert high[0] == pytest.approx(1 if k == n else posterior.ppf(0.975))
    assert too_low(*many, np.array([p]))[0] == pytest.approx(posterior.cdf(p), abs=1e-12)
    assert binomial_tail(*many, np.array([p]))[0] == pytest.approx(stats.binom(n, p).sf(k - 1), abs=1e-10)
    oracle = stats.binomtest(k, n).proportion_ci(method="wilson")
    low, high = wilson(*many)
    assert (float(low[0]), float(high[0])) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


@given(st.integers(1, 300), st.integers(1, 12), st.integers(0, 1_000))
def test_the_brier_score_is_the_sum_of_its_parts(n: int, n_bins: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.integers(0, 9, n) / 10
    y = (rng.random(n) < p).astype(np.int8)
    made = reliability(y, p, n_bins=n_bins, n_draws=5)
    assert made.reliability - made.resolution + made.uncertainty + made.within_bins == pytest.approx(made.brier)
    assert made.brier == pytest.approx(np.mean((p - y) ** 2))
    assert sum(each.n for each in made.bins) == n
    assert sum(each.n_events for each in made.bins) == y.sum()
    assert all(a.most < b.least for a, b in zip(made.bins, made.bins[1:], strict=False))
    if n_bins >= 9 and len(made.bins) == len(np.unique(p)):
        assert made.within_bins == pytest.approx(0, abs=1e-12)


def test_bins_are_scikit_learns_where_nothing_ties() -> None:
    y, p = sample(5_000)
    made = reliability(y, p)
    observed, predicted = calibration_curve(y, p, n_bins=10, strategy="quantile")
    np.testing.assert_allclose([each.observed for each in made.bins], observed, atol=2e-3)
    np.testing.assert_allclose([each.predicted for each in made.bins], predicted, atol=2e-4)
    assert {each.n for each in made.bins} == {500}
    assert wilson_bins(made)["low"].to_numpy() == pytest.approx(made.table()["low"].to_numpy(), abs=5e-3)


def test_right_probabilities_look_like_chance_and_wrong_ones_do_not() -> None:
    p_values = [reliability(*sample(2_000, seed), n_draws=99).p_value for seed in range(60)]
    # Under the null p-values are uniform: their mean has a standard deviation of 0.037 here.
    assert 0.38 < np.mean(p_values) < 0.62
    z = [spiegelhalter(*sample(2_000, seed))[0] for seed in range(200)]
    assert abs(np.mean(z)) < 0.25
    assert 0.85 < np.std(z) < 1.15
    wrong = reliability(*sample(5_000, 1, bend=1.3), n_draws=99)
    assert wrong.p_value == pytest.approx(0.01)
    assert wrong.calibration_error > wrong.chance[1] > wrong.chance[0] > 0
    assert wrong.spiegelhalter[1] < 1e-4


def test_the_null_of_the_calibration_error_is_what_a_loop_over_samples_finds() -> None:
    y, p = sample(400)
    made = reliability(y, p, n_bins=4, n_draws=2_000)
    rng = np.random.default_rng(9)
    place = bins_of(p, 4)
    errors = []
    for _ in range(1_000):
        drawn = rng.random(400) < p
        errors.append(sum(abs(drawn[place == b].mean() - p[place == b].mean()) * np.mean(place == b) for b in range(4)))
    assert made.chance == (pytest.approx(np.mean(errors), rel=0.05), pytest.approx(np.quantile(errors, 0.95), rel=0.07))


def test_a_constant_probability_is_one_bin() -> None:
    y = np.array([0, 1, 0, 0], np.int8)
    made = reliability(y, np.full(4, 0.25))
    assert (len(made.bins), made.calibration_error, made.resolution) == (1, 0.0, 0.0)
    assert json.loads(made.to_json())["bins"][0]["n"] == 4


def test_grades_are_judged_one_by_one() -> None:
    rng = np.random.default_rng(2)
    code = rng.integers(0, 3, 6_000)
    stated = np.array([0.01, 0.05, 0.10])[code]
    y = (rng.random(6_000) < np.array([0.01, 0.05, 0.16])[code]).astype(np.int8)
    lines = grade_lines(["A", "B", "C", "D"], code, y, stated)
    assert [line.light for line in lines] == ["green", "green", "red", "none"]
    made = table(lines)
    assert made["n"].sum() == 6_000
    assert made["n_events"].sum() == y.sum()
    for place, line in enumerate(lines[:3]):
        mine = code == place
        assert line.observed == pytest.approx(y[mine].mean())
        assert line.stated == pytest.approx(stated[mine].mean())
        assert line.binomial_p == pytest.approx(stats.binom(mine.sum(), stated[mine].mean()).sf(y[mine].sum() - 1))


def test_a_right_grade_turns_amber_about_once_in_twenty() -> None:
    rng = np.random.default_rng(4)
    events = rng.binomial(1_000, 0.05, 4_000)
    p = too_low(events, np.full(4_000, 1_000), np.full(4_000, 0.05))
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.012)
    assert np.mean(p < 0.01) == pytest.approx(0.01, abs=0.006)


def test_figures_stand_beside_chance_and_pictures_are_drawn() -> None:
    y, p = sample(3_000)
    made = reliability(y, p)
    error, z = calibration_figures(made, y)
    assert (error.value, error.n, error.n_events) == (made.calibration_error, 3_000, int(y.sum()))
    assert "by chance" in error.note
    assert z.value == made.spiegelhalter[0]
    for probability in (p, 0.4 + p / 10):  # over decades, and over a few points
        axes = reliability(y, probability).plot().axes[0]
        drawn = np.concatenate([line.get_xdata() for line in axes.lines if line.get_marker() == "o"])
        np.testing.assert_allclose(np.sort(drawn), [each.predicted for each in reliability(y, probability).bins])
