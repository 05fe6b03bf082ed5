"""The stability index against a naive one, and against chance: planted drift is found, none is quiet."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InputError
from scoring.drift import common_values, psi, quantile_edges


def naive_psi(reference: list[float], current: list[float], n_bins: int, categorical: bool) -> float:
    """The index as the definition says it, a value at a time."""
    present = sorted(value for value in reference if not math.isnan(value))
    if categorical:
        fewest = min(len(reference), len(current))
        common = {v for v in present if present.count(v) / len(reference) * fewest >= 5 - 1e-9}

        def bin_of(value: float) -> object:
            return "missing" if math.isnan(value) else value if value in common else "other"
    else:
        # The i-th quantile: the smallest value with at least i / n_bins of the rows up to it.
        edges = {present[max(0, math.ceil(len(present) * i / n_bins - 1e-12) - 1)] for i in range(1, n_bins) if present}

        def bin_of(value: float) -> object:
            if math.isnan(value):
                return "missing"
            if edges and min(edges) == present[0] and value < present[0]:
                return "below"
            return min((edge for edge in edges if value <= edge), default="above")

    bins = {bin_of(value) for value in [*reference, *current]}
    total = 0.0
    for each in bins:
        e = max(0.5, sum(bin_of(value) == each for value in reference)) / len(reference)
        a = max(0.5, sum(bin_of(value) == each for value in current)) / len(current)
        total += (a - e) * math.log(a / e)
    return total


VALUES = st.one_of(st.sampled_from([0.0, 1.0, 2.0, 3.0, math.nan]), st.integers(-40, 40).map(lambda n: n / 4))
SAMPLES = st.lists(VALUES, min_size=1, max_size=60)


@given(SAMPLES, SAMPLES, st.integers(2, 10), st.booleans())
def test_equals_the_naive_index(reference, current, n_bins, categorical):
    found = psi(np.array(reference), np.array(current), n_bins=n_bins, categorical=categorical)
    assert found.value == pytest.approx(naive_psi(reference, current, n_bins, categorical), abs=1e-12)
    assert (found.n_reference, found.n_current) == (len(reference), len(current))


@given(SAMPLES, st.integers(2, 10), st.booleans())
def test_a_sample_has_no_drift_against_itself(sample, n_bins, categorical):
    assert psi(np.array(sample), np.array(sample), n_bins=n_bins, categorical=categorical).value == 0.0


def test_values_outside_the_reference_are_seen_on_both_sides():
    constant = np.zeros(500)
    assert psi(constant, np.full(500, 5.0)).value > 1
    assert psi(constant, np.full(500, -5.0)).value > 1
    spread = np.linspace(0, 1, 500)
    assert psi(spread, spread + 10).value > 1
    assert psi(spread, spread - 10).value > 1


def test_missing_values_have_a_bin_of_their_own():
    full = np.linspace(0, 1, 1000)
    holes = full.copy()
    holes[::2] = np.nan
    assert psi(full, holes).value > 0.25
    assert psi(holes, full).value > 0.25
    empty = np.full(100, np.nan)
    assert psi(empty, empty).value == 0.0
    assert psi(empty, full[:100]).value > 1


def test_the_index_is_that_of_a_worked_example():
    """Ten bins of 10 % each; the current sample holds 5 % in five of them and 15 % in the others."""
    reference = np.arange(1000.0)
    current = np.repeat(np.arange(0, 1000.0, 100), [50, 150] * 5)
    expected = 5 * (0.05 - 0.1) * math.log(0.5) + 5 * (0.15 - 0.1) * math.log(1.5)
    assert psi(reference, current).value == pytest.approx(expected, rel=1e-12)


def test_what_chance_gives_is_scaled_by_both_sizes():
    rng = np.random.default_rng(7)
    found = psi(rng.normal(size=4000), rng.normal(size=1000))
    assert found.n_bins == 10
    assert found.expected == pytest.approx(9 * (1 / 4000 + 1 / 1000))
    assert found.by_chance == pytest.approx(16.918977604620448 * (1 / 4000 + 1 / 1000))  # 95 % of chi-square, 9 df


def _normal(rng, n):
    return rng.normal(size=n)


def _counts(rng, n):
    return rng.poisson(0.7, n).astype(float)


def _mostly_zero(rng, n):
    return np.where(rng.random(n) < 0.97, 0.0, rng.poisson(5, n) + 1.0)


def _with_holes(rng, n):
    values = rng.lognormal(size=n)
    values[rng.random(n) < 0.3] = np.nan
    return values


def _categories(rng, n):
    weights = 1 / np.arange(1, 31)
    return rng.choice(30, n, p=weights / weights.sum()).astype(float)


DRAWS = {"normal": _normal, "counts": _counts, "mostly zero": _mostly_zero, "holes": _with_holes, "mcc": _categories}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize(("n", "m"), [(500, 5000), (2000, 2000)])
def test_no_drift_is_quiet(name, n, m):
    """Unchanged samples pass the 95 % quantile in at most 12 % of 400 seeds, the 99.9 % one in at most 1.5 %.

    The quantile is that of a limit; 30 skewed categories in 500 rows (9 %) are the farthest from it.
    """
    draw = DRAWS[name]
    passed = {0.95: 0, 0.999: 0}
    for seed in range(400):
        rng = np.random.default_rng([11, seed])
        reference, current = draw(rng, m), draw(rng, n)
        for confidence in passed:
            found = psi(reference, current, categorical=name == "mcc", confidence=confidence)
            passed[confidence] += found.value > found.by_chance
    assert 0.01 < passed[0.95] / 400 <= 0.12
    assert passed[0.999] / 400 <= 0.015


@pytest.mark.parametrize("name", DRAWS)
def test_planted_drift_is_found(name):
    """A third of the rows taken from elsewhere passes both chance and the customary 0.1, every time."""
    draw = DRAWS[name]
    for seed in range(20):
        rng = np.random.default_rng([13, seed])
        current = draw(rng, 500)
        current[:170] = 29.0 if name == "mcc" else 3.0
        found = psi(draw(rng, 5000), current, categorical=name == "mcc", confidence=0.999)
        assert found.value > max(0.1, found.by_chance), (name, seed, found)


def test_a_sample_that_cannot_be_judged_is_refused():
    with pytest.raises(InputError, match=r"psi current: expected at least one row, got 0"):
        psi(np.zeros(3), np.empty(0))
    with pytest.raises(InputError, match=r"psi reference: expected finite values or NaN"):
        psi(np.array([np.inf]), np.zeros(3))


def test_edges_are_values_of_the_reference_and_rise():
    rng = np.random.default_rng(3)
    reference = rng.poisson(2, 500).astype(float)
    edges = quantile_edges(reference, 10)
    assert (np.diff(edges) > 0).all()
    assert set(edges[1:]) <= set(reference)
    assert len(quantile_edges(np.full(10, np.nan), 10)) == 0


def test_rare_categories_share_a_bin():
    reference = np.array([0.0] * 950 + [1.0] * 45 + [2.0] * 5)
    assert common_values(reference, 1000).tolist() == [0.0, 1.0, 2.0]
    assert common_values(reference, 200).tolist() == [0.0, 1.0]
