"""Bootstrap: whole days together, the same resamples for both sides of a comparison, seeded."""

from __future__ import annotations

import numpy as np
import pytest

from training.intervals import bootstrap, interval_of, paired_difference, resamples


def test_days_stand_or_fall_together() -> None:
    day = np.array([3, 3, 5, 5, 9])
    for counts in resamples(5, day, 50, seed=2):
        assert counts[0] == counts[1]
        assert counts[2] == counts[3]
        assert counts[[0, 2, 4]].sum() == 3


def test_the_same_seed_draws_the_same() -> None:
    first = [counts.tolist() for counts in resamples(20, None, 5, seed=4)]
    assert first == [counts.tolist() for counts in resamples(20, None, 5, seed=4)]
    assert first != [counts.tolist() for counts in resamples(20, None, 5, seed=5)]


def test_the_interval_of_a_mean_is_the_normal_one() -> None:
    x = np.random.default_rng(1).normal(size=4_000)
    made = bootstrap(lambda w: {"mean": float(np.average(x, weights=w))}, len(x), None, 600, seed=1)["mean"]
    reach = 1.96 * x.std() / np.sqrt(len(x))
    assert made.low == pytest.approx(x.mean() - reach, abs=0.005)
    assert made.high == pytest.approx(x.mean() + reach, abs=0.005)


def test_pairing_narrows_the_interval_of_a_difference() -> None:
    rng = np.random.default_rng(2)
    shared = rng.normal(size=500)
    first, second = shared + 0.1 + rng.normal(0, 0.05, 500), shared + rng.normal(0, 0.05, 500)
    difference, interval = paired_difference(
        lambda w: float(np.average(first, weights=w)), lambda w: float(np.average(second, weights=w)), 500, None, 300, 3
    )
    assert interval.low < difference < interval.high
    assert interval.low > 0
    assert interval.high - interval.low < 0.03


def test_nothing_to_resample_is_nan() -> None:
    assert np.isnan(interval_of(np.array([np.nan, np.nan])).low)
