"""128- and 192-bit arithmetic against Python's integers."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from features.kernel import wide

WORD = 2**64
WORDS = st.integers(0, WORD - 1)
# Numbers with long runs of zeros and ones find wrong carries and wrong rounding.
EDGES = st.builds(
    lambda a, b, c: (2**a - 2**b + c) % 2**128, st.integers(0, 128), st.integers(0, 128), st.integers(-2, 2)
)
BIG = st.one_of(EDGES, st.integers(0, 2**128 - 1))
VALUES = st.one_of(st.integers(-(2**53), 2**53), st.sampled_from([0, 1, -1, 2**53, -(2**53), 2**53 - 1]))


def words(value: int) -> tuple[np.uint64, np.uint64]:
    return np.uint64(value % WORD), np.uint64(value // WORD % WORD)


def number(*parts: int) -> int:
    return sum(int(part) << (64 * index) for index, part in enumerate(parts))


@given(BIG, BIG)
def test_add_and_subtract(a: int, b: int) -> None:
    assert number(*wide.add(*words(a), *words(b))) == (a + b) % 2**128
    assert number(*wide.subtract(*words(a), *words(b))) == (a - b) % 2**128


@given(WORDS, WORDS)
@example(WORD - 1, WORD - 1)
def test_multiply(a: int, b: int) -> None:
    assert number(*wide.multiply(np.uint64(a), np.uint64(b))) == a * b


@given(st.integers(-(2**63), 2**63 - 1))
@example(-(2**63))
def test_widen_and_square(value: int) -> None:
    assert number(*wide.widen(np.int64(value))) == value % 2**128
    assert number(*wide.square(np.int64(value))) == value * value


@given(st.lists(VALUES, min_size=1, max_size=40), st.integers(1, 2**14))
def test_spread_is_the_exact_integer(values: list[int], times: int) -> None:
    n, total, squares = len(values) * times, sum(values) * times, sum(v * v for v in values) * times
    found = wide.spread(np.uint64(n), *words(total % 2**128), *words(squares))
    assert number(*found) == n * squares - total * total


@given(st.one_of(st.integers(0, 2**192 - 1), EDGES, st.builds(lambda a, s: a << s, WORDS, st.integers(0, 128))))
@example(2**64 - 1)
@example(2**63)
@example(2**54 + 1)
@example((2**54 + 1) << 100)
@example(((2**54 + 1) << 100) + 1)
def test_to_float_rounds_once(value: int) -> None:
    parts = [np.uint64(value >> shift & (WORD - 1)) for shift in (0, 64, 128)]
    assert wide.to_float(*parts) == float(value)


@given(
    st.one_of(st.integers(-(2**127) + 1, 2**127 - 1), EDGES.map(lambda v: v % 2**126), VALUES), st.integers(1, 2**50)
)
@example(2**53 + 1, 1)
@example(-(2**54) - 2, 3)
@example(2**100 + 1, 2**50)
def test_quotient_rounds_once(value: int, divisor: int) -> None:
    found = wide.quotient(*words(value % 2**128), np.int64(divisor))
    assert found == value / divisor
    assert math.copysign(1.0, found) == math.copysign(1.0, value / divisor)
