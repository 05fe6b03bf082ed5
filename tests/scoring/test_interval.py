"""Intervals of shares against published values and against their definition."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InputError
from scoring.interval import difference, two_sided, wilson

COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# Newcombe (1998), Statistics in Medicine 17: score method without continuity correction.
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_the_published_interval(hits, n, low, high):
    assert wilson(hits, n, 0.95) == pytest.approx((low, high), abs=5e-5)


# Newcombe (1998), Statistics in Medicine 17, method 10.
@pytest.mark.parametrize(
    ("a", "m", "b", "n", "low", "high"),
    [(56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (10, 10, 0, 20, 0.6791, 1.0)],
)
def test_difference_is_the_published_interval(a, m, b, n, low, high):
    assert difference(a, m, b, n, 0.95) == pytest.approx((low, high), abs=5e-5)


@given(COUNTS, st.floats(0.55, 0.999))
def test_the_edges_solve_the_score_equation(counts, confidence):
    hits, n = counts
    z = two_sided(confidence)
    low, high = wilson(hits, n, confidence)
    assert 0 <= low <= hits / n <= high <= 1
    for edge in (low, high):
        if 0 < edge < 1:
            assert abs(hits / n - edge) == pytest.approx(z * math.sqrt(edge * (1 - edge) / n), abs=1e-9)


@given(COUNTS, COUNTS, st.floats(0.55, 0.999))
def test_the_difference_turns_round_with_its_samples(one, other, confidence):
    low, high = difference(*one, *other, confidence)
    back_low, back_high = difference(*other, *one, confidence)
    assert (low, high) == pytest.approx((-back_high, -back_low))
    assert low <= one[0] / one[1] - other[0] / other[1] <= high


def test_no_rows_say_nothing():
    assert wilson(0, 0, 0.95) == (0.0, 1.0)
    assert difference(0, 0, 3, 10, 0.95) == (-1.0, 1.0)


def test_impossible_counts_are_refused():
    with pytest.raises(InputError, match=r"wilson: expected 0 <= hits <= rows, got \(5, 3\)"):
        wilson(5, 3, 0.95)
    with pytest.raises(InputError, match=r"expected a confidence between 0 and 1, got 95"):
        wilson(1, 3, 95)
