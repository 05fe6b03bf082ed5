"""The logistic function with the same bits on one row, on a table and on every machine.

``math.exp`` and ``numpy.exp`` differ in the last place between libraries and processors; a bundle
trained on one machine would then fail its golden rows on another. Only additions, multiplications
and divisions are used here, which IEEE 754 fixes. The margin is first rounded to a grid of 2^-40:
neighbours on the grid differ by far more than the error of the polynomial, so the function is
monotone in every bit, and the odds move by less than one part in 10^12.
"""

from __future__ import annotations

from math import floor, ldexp

from domain.errors import ModelError, expected_got

_GRID = 2.0**40
_LIMIT = 700.0

# Reduction x = k·ln 2 + r and the Remez polynomial of e^r: fdlibm's e_exp.c (Sun Microsystems, 1993), error < 1 ulp.
_INVERSE_LN2 = 1.44269504088896338700
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_P1 = 1.66666666666666019037e-01
_P2 = -2.77777777770155933842e-03
_P3 = 6.61375632143793436117e-05
_P4 = -1.65339022054652515390e-06
_P5 = 4.13813679705723846039e-08


def logistic(margin: float) -> float:
    """Probability of a log-odds margin; 0.5 at 0.

    Raises
    ------
    ModelError
        When the margin is NaN.

    Examples
    --------
    >>> logistic(0.0), round(logistic(2.0), 12), logistic(1e9)
    (0.5, 0.880797077978, 1.0)
    """
    if margin != margin:
        raise ModelError(expected_got("a number", margin, "raw score"))
    bounded = -_LIMIT if margin < -_LIMIT else min(margin, _LIMIT)
    return 1.0 / (1.0 + _exp(-(floor(bounded * _GRID + 0.5) / _GRID)))


def _exp(x: float) -> float:
    k = floor(x * _INVERSE_LN2 + 0.5)
    high = x - k * _LN2_HIGH
    low = k * _LN2_LOW
    r = high - low
    t = r * r
    c = r - t * (_P1 + t * (_P2 + t * (_P3 + t * (_P4 + t * _P5))))
    return ldexp(1.0 - ((low - (r * c) / (2.0 - c)) - high), k)
