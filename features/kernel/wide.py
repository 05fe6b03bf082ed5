"""Integers of 128 and 192 bits as uint64 words, and their correctly rounded floats.

Signed numbers are two's complement. Everything is uint64: mixing it with int64 would make floats.
"""

from __future__ import annotations

import math

import numpy as np

from features.kernel.compiling import inner

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_HALF = np.uint64(32)
_TOP = np.uint64(63)
_WORD = np.uint64(64)
_LOW = np.uint64(0xFFFFFFFF)
_EXACT = np.uint64(1 << 53)
_ROOM = np.uint64(1 << 62)


@inner
def add(a0, a1, b0, b1):  # type: ignore[no-untyped-def]
    """128-bit sum, modulo 2^128."""
    low = a0 + b0
    return low, a1 + b1 + np.uint64(low < a0)


@inner
def subtract(a0, a1, b0, b1):  # type: ignore[no-untyped-def]
    """128-bit difference, modulo 2^128."""
    return a0 - b0, a1 - b1 - np.uint64(a0 < b0)


@inner
def multiply(a, b):  # type: ignore[no-untyped-def]
    """Full product of two words."""
    a_low, a_high = a & _LOW, a >> _HALF
    b_low, b_high = b & _LOW, b >> _HALF
    low = a_low * b_low
    cross = a_high * b_low + (low >> _HALF)
    other = a_low * b_high + (cross & _LOW)
    return (other << _HALF) | (low & _LOW), a_high * b_high + (cross >> _HALF) + (other >> _HALF)


@inner
def widen(value):  # type: ignore[no-untyped-def]
    """An int64 as 128 bits."""
    return np.uint64(value), np.uint64(value >> 63)


@inner
def square(value):  # type: ignore[no-untyped-def]
    """The square of an int64 as 128 bits."""
    magnitude = np.uint64(value) if value >= 0 else _ZERO - np.uint64(value)
    return multiply(magnitude, magnitude)


@inner
def magnitude(a0, a1):  # type: ignore[no-untyped-def]
    """Sign (True when negative) and absolute value."""
    if a1 >> _TOP:
        low, high = subtract(_ZERO, _ZERO, a0, a1)
        return True, low, high
    return False, a0, a1


@inner
def spread(n, total0, total1, squares0, squares1):  # type: ignore[no-untyped-def]
    """n·Σx² − (Σx)² in 192 bits; never negative."""
    # 1. n·Σx²
    p0, carry = multiply(n, squares0)
    _, s0, s1 = magnitude(total0, total1)
    r0, r1 = multiply(s0, s0)
    if squares1 == _ZERO and s1 == _ZERO:
        d0, d1 = subtract(p0, carry, r0, r1)
        return d0, d1, _ZERO
    q0, q1 = multiply(n, squares1)
    p1, p2 = add(q0, q1, carry, _ZERO)
    # 2. (Σx)² = s0² + 2·s0·s1·2^64 + s1²·2^128
    c0, c1 = multiply(s0, s1)
    r2 = s1 * s1
    for _ in range(2):
        r1, r2 = add(r1, r2, c0, c1)
    # 3. the difference
    d0, d1 = subtract(p0, p1, r0, r1)
    borrow = np.uint64(p1 < r1 or (p1 == r1 and p0 < r0))
    return d0, d1, p2 - r2 - borrow


@inner
def to_float(w0, w1, w2):  # type: ignore[no-untyped-def]
    """A 192-bit magnitude as the nearest float64, ties to even."""
    if w1 == _ZERO and w2 == _ZERO and w0 < _ROOM:
        return np.float64(np.int64(w0))
    exponent = 0
    sticky = _ZERO
    while w2 != _ZERO:
        sticky |= np.uint64(w0 != _ZERO)
        w0, w1, w2 = w1, w2, _ZERO
        exponent += 64
    for bits in (32, 16, 8, 4, 2, 1):
        shift = np.uint64(bits)
        while w1 >> shift != _ZERO or (bits == 1 and (w1 != _ZERO or w0 >= _ROOM)):
            sticky |= np.uint64(w0 << (_WORD - shift) != _ZERO)
            w0 = (w0 >> shift) | (w1 << (_WORD - shift))
            w1 = w1 >> shift
            exponent += bits
    # 62 bits with a sticky last one round as the whole number would.
    return math.ldexp(np.float64(np.int64(w0 | sticky)), exponent)


@inner
def quotient(a0, a1, divisor):  # type: ignore[no-untyped-def]
    """A signed 128-bit number over a positive int64 below 2^53, correctly rounded."""
    negative, low, high = magnitude(a0, a1)
    if high == _ZERO and low <= _EXACT:
        # Both operands are exact floats, so the division rounds once.
        value = np.float64(np.int64(low)) / np.float64(divisor)
        return -value if negative else value
    # Long division, bit by bit, until the quotient has more bits than a float and a sticky one.
    d = np.uint64(divisor)
    remainder = _ZERO
    result = _ZERO
    exponent = 0
    bits = 128
    while bits > 0 and result < (_ROOM >> _ONE):
        remainder = (remainder << _ONE) | (high >> _TOP)
        high = (high << _ONE) | (low >> _TOP)
        low = low << _ONE
        result = result << _ONE
        if remainder >= d:
            remainder -= d
            result |= _ONE
        bits -= 1
    exponent += bits
    sticky = np.uint64(remainder != _ZERO or high != _ZERO or low != _ZERO)
    while result < (_ROOM >> _ONE) and bits == 0:
        remainder = remainder << _ONE
        result = result << _ONE
        if remainder >= d:
            remainder -= d
            result |= _ONE
        exponent -= 1
        sticky = np.uint64(remainder != _ZERO)
    rounded = math.ldexp(np.float64(np.int64(result | sticky)), exponent)
    return -rounded if negative else rounded
