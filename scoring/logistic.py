"""The logistic function with the same bits on one row, on a table and on every machine.

``math.exp`` and ``numpy.exp`` differ in the last place between libraries and processors; a bundle
trained on one machine would then fail its golden rows on another. Only additions, multiplications
and divisions are used here, which IEEE 754 fixes. The margin is first rounded to a grid of 2^-40:
neighbours on the grid differ by far more than the error of the polynomial, so the function is
monotone in every bit, and the odds move by less than one part in 10^12.
"""

from __future__ import annotations

from math import floor, ldexp

import numpy as np
from numpy.typing import NDArray

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

# Reduction 1 + z = 2^k·(1 + f) and the polynomial of log((1 + s) / (1 - s)): fdlibm's e_log.c, error < 1 ulp.
_L1 = 6.666666666666735130e-01
_L2 = 3.999999999940941908e-01
_L3 = 2.857142874366239149e-01
_L4 = 2.222219843214978396e-01
_L5 = 1.818357216161805012e-01
_L6 = 1.531383769920937332e-01
_L7 = 1.479819860511658591e-01
_SQRT2 = 1.41421356237309514547


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


def logistic_many(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """As `logistic`, of each in an array, with the same bits: NumPy's basic operations are IEEE 754's too.

    Examples
    --------
    >>> logistic_many(np.array([0.0, 2.0])).tolist() == [logistic(0.0), logistic(2.0)]
    True
    """
    if np.isnan(margin).any():
        raise ModelError(expected_got("numbers", float("nan"), "raw score"))
    return np.asarray(1.0 / (1.0 + _exp_many(-on_grid(margin))))


def on_grid(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Margins within ±700, rounded to the grid of 2^-40 on which `logistic` is monotone in every bit."""
    return np.asarray(np.floor(np.clip(margin, -_LIMIT, _LIMIT) * _GRID + 0.5) / _GRID)


def softplus(margin: float) -> float:
    """``log(1 + exp(margin))``, which is ``-log(1 - logistic(margin))``; exact to a few last places and monotone.

    The margin is first rounded to the grid of `logistic`, on which neighbours differ by more than the error.

    Examples
    --------
    >>> round(softplus(0.0), 12), softplus(-1000.0) > 0.0, softplus(50.0)
    (0.69314718056, True, 50.0)
    """
    if margin != margin:
        raise ModelError(expected_got("a number", margin, "raw score"))
    bounded = -_LIMIT if margin < -_LIMIT else min(margin, _LIMIT)
    x = floor(bounded * _GRID + 0.5) / _GRID
    rest = _log1p(_exp(-abs(x)))
    return x + rest if x > 0.0 else rest


def softplus_many(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """As `softplus`, of each in an array, with the same bits."""
    if np.isnan(margin).any():
        raise ModelError(expected_got("numbers", float("nan"), "raw score"))
    x = on_grid(margin)
    rest = _log1p_many(_exp_many(-np.abs(x)))
    return np.where(x > 0.0, x + rest, rest)


def _exp(x: float) -> float:
    k = floor(x * _INVERSE_LN2 + 0.5)
    high = x - k * _LN2_HIGH
    low = k * _LN2_LOW
    r = high - low
    t = r * r
    c = r - t * (_P1 + t * (_P2 + t * (_P3 + t * (_P4 + t * _P5))))
    return ldexp(1.0 - ((low - (r * c) / (2.0 - c)) - high), k)


def _log1p(z: float) -> float:
    """``log(1 + z)`` for z in [0, 1]."""
    u = 1.0 + z
    # What was lost in 1 + z, relative to it: log(1 + z) = log(u) + lost / u, to far below the last place.
    lost = (z - (u - 1.0)) / u
    k = 1.0 if u > _SQRT2 else 0.0
    f = u * 0.5 - 1.0 if u > _SQRT2 else u - 1.0
    s = f / (2.0 + f)
    t = s * s
    w = t * t
    r = t * (_L1 + w * (_L3 + w * (_L5 + w * _L7))) + w * (_L2 + w * (_L4 + w * _L6))
    half = 0.5 * f * f
    return k * _LN2_HIGH - ((half - (s * (half + r) + (k * _LN2_LOW + lost))) - f)


def _exp_many(x: NDArray[np.float64]) -> NDArray[np.float64]:
    k = np.floor(x * _INVERSE_LN2 + 0.5)
    high = x - k * _LN2_HIGH
    low = k * _LN2_LOW
    r = high - low
    t = r * r
    c = r - t * (_P1 + t * (_P2 + t * (_P3 + t * (_P4 + t * _P5))))
    return np.ldexp(1.0 - ((low - (r * c) / (2.0 - c)) - high), k.astype(np.int32))


def _log1p_many(z: NDArray[np.float64]) -> NDArray[np.float64]:
    u = 1.0 + z
    lost = (z - (u - 1.0)) / u
    large = u > _SQRT2
    k = np.where(large, 1.0, 0.0)
    f = np.where(large, u * 0.5 - 1.0, u - 1.0)
    s = f / (2.0 + f)
    t = s * s
    w = t * t
    r = t * (_L1 + w * (_L3 + w * (_L5 + w * _L7))) + w * (_L2 + w * (_L4 + w * _L6))
    half = 0.5 * f * f
    return np.asarray(k * _LN2_HIGH - ((half - (s * (half + r) + (k * _LN2_LOW + lost))) - f))
