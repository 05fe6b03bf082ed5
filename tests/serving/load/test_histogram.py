"""Percentiles of buckets against those of the sorted values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.load.histogram import Histogram

MICROS = st.lists(st.integers(0, 2**40), min_size=1, max_size=300)


@given(MICROS, st.sampled_from([1.0, 50.0, 90.0, 99.0, 99.9, 100.0]))
def test_a_percentile_is_never_below_the_exact_one_and_at_most_a_thousandth_above(values: list[int], p: float) -> None:
    times = Histogram()
    times.record_all(values)
    exact = sorted(values)[max(1, math.ceil(len(values) * p / 100)) - 1]
    got = times.percentile(p)
    assert got is not None
    assert exact <= got <= exact * (1 + 1 / 1024)
    assert (times.smallest, times.largest, times.n) == (min(values), max(values), len(values))
    assert times.mean() == pytest.approx(sum(values) / len(values))


def test_nothing_counted_has_no_percentile() -> None:
    times = Histogram()
    assert (times.percentile(99), times.mean(), times.largest) == (None, None, None)


def test_a_clock_that_steps_back_counts_as_nothing() -> None:
    times = Histogram()
    times.record(-5)
    assert times.percentile(100) == 0
