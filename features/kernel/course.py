"""Operations on the course of events in time and space: gaps, trend, decay, time of day, distance.

What is no whole number is added in the order of the rows, (event_time, seq), oldest first.
"""

from __future__ import annotations

import math

import numpy as np

from features.kernel.compiling import inner
from features.kernel.layout import (
    ARGUMENT,
    ASKED,
    COLUMN,
    DECAYED_COUNT,
    DECAYED_SUM,
    GAP_MEAN,
    GAP_VARIATION,
    KIND,
    KM,
    N_PAIRS,
    NULL,
    OPERATION,
    PARAMETER,
    SCALE,
    SECOND_ARGUMENT,
    SECOND_ASKED,
    SECOND_COLUMN,
    SUM_WORDS,
    TIME,
    TIME_DEVIANCE,
    TREND,
    VALUES,
)
from features.kernel.slab import window_total
from features.kernel.totals import variation
from features.kernel.wide import add, quotient, square, widen

_SECOND = 1_000_000
_HOUR = 3_600_000_000.0
_DAY = 86_400_000_000.0
_LN2 = math.log(2.0)
_RADIANS = math.pi / 180.0
_DEGREE = 1_000_000.0  # coordinates are kept in millionths
_EARTH_KM = 6371.0088
_1 = np.int64(1)
_FACE = 1e9  # scale of the coordinates on the clock face
_MOST_CONCENTRATED = 500.0


@inner
def fold_course(  # type: ignore[no-untyped-def]
    pool, base, width, high, end, time, sums, programs, at, requests, row, out, out_row, out_at, scratch
):
    """Answer the operation at ``at`` over all its windows."""
    kind, column, scale = programs[at + KIND], VALUES + programs[at + COLUMN], programs[at + SCALE]
    pairs = at + OPERATION
    for pair in range(pairs, pairs + 2 * programs[at + N_PAIRS], 2):
        low = scratch[programs[pair]]
        value = np.nan
        if kind == GAP_MEAN:
            if high - low > 1:
                value = _reach(pool, base, width, low, high) / np.float64((high - low - 1) * _SECOND)
        elif kind == GAP_VARIATION:
            value = _gap_variation(pool, base, width, low, high)
        elif kind == TREND:
            value = _slope(pool, base, width, low, high, column, time) / np.float64(scale)
        elif kind == DECAYED_COUNT:
            value = _decayed_count(pool, base, width, low, high, time, programs[at + PARAMETER])
        elif kind == DECAYED_SUM:
            value = _decayed_sum(pool, base, width, low, high, column, time, programs[at + PARAMETER])
            value /= np.float64(scale)
        elif kind == TIME_DEVIANCE:
            value = _time_deviance(pool, base, width, low, high, end, sums, programs, at, requests, row)
        else:
            value = _distance(pool, base, width, low, high, time, programs, at, requests, row)
        out[out_row, out_at + programs[pair + 1]] = value


@inner
def _reach(pool, base, width, low, high):  # type: ignore[no-untyped-def]
    """µs from the first to the last row of [low, high), as a float: exact, for it is below 2^53."""
    return np.float64(pool[base + (high - 1) * width + TIME] - pool[base + low * width + TIME])


@inner
def _gap_variation(pool, base, width, low, high):  # type: ignore[no-untyped-def]
    """Variation of the gaps between successive rows, from exact integers; NaN below two gaps."""
    if high - low < 3:
        return np.nan
    q0, q1 = np.uint64(0), np.uint64(0)
    for index in range(low + 1, high):
        after = base + index * width + TIME
        w0, w1 = square(pool[after] - pool[after - width])
        q0, q1 = add(q0, q1, w0, w1)
    s0, s1 = widen(pool[base + (high - 1) * width + TIME] - pool[base + low * width + TIME])
    return variation(high - low - 1, s0, s1, q0, q1)


@inner
def _slope(pool, base, width, low, high, column, time):  # type: ignore[no-untyped-def]
    """Least squares: Σ(d − d̄)(x − x̄) / Σ(d − d̄)², with d in days before the request."""
    n = 0
    days, values = 0.0, 0.0
    first, last = time, time
    for index in range(low, high):
        at = base + index * width
        if pool[at + column] != NULL:
            if n == 0:
                first = pool[at + TIME]
            last = pool[at + TIME]
            days += np.float64(pool[at + TIME] - time) / _DAY
            values += np.float64(pool[at + column])
            n += 1
    if first == last:
        return np.nan
    days /= n
    values /= n
    across, along = 0.0, 0.0
    for index in range(low, high):
        at = base + index * width
        if pool[at + column] != NULL:
            day = np.float64(pool[at + TIME] - time) / _DAY - days
            across += day * (np.float64(pool[at + column]) - values)
            along += day * day
    return across / along


@inner
def _decayed_count(pool, base, width, low, high, time, half):  # type: ignore[no-untyped-def]
    """Σ exp(−ln 2 · age / half-life)."""
    total = 0.0
    for index in range(low, high):
        total += math.exp(-_LN2 * (np.float64(time - pool[base + index * width + TIME]) / np.float64(half)))
    return total


@inner
def _decayed_sum(pool, base, width, low, high, column, time, half):  # type: ignore[no-untyped-def]
    """Σ x · exp(−ln 2 · age / half-life); NaN when there is no value."""
    total = 0.0
    found = False
    for index in range(low, high):
        at = base + index * width
        if pool[at + column] != NULL:
            weight = math.exp(-_LN2 * (np.float64(time - pool[at + TIME]) / np.float64(half)))
            total += np.float64(pool[at + column]) * weight
            found = True
    return total if found else np.nan


@inner
def _time_deviance(pool, base, width, low, high, end, sums, programs, at, requests, row):  # type: ignore[no-untyped-def]
    """κ(1 − cos(θ − μ)) of the request's time of day θ, with μ and κ fitted to the rows of the window.

    The points on the clock face are whole numbers, so that their sums are exact.
    """
    offset = sums + programs[at + ARGUMENT] * SUM_WORDS
    n, c0, c1, _, _ = window_total(pool, base, width, low, high, end, offset, VALUES + programs[at + COLUMN])
    if n == 0:
        return np.nan
    offset = sums + programs[at + SECOND_ARGUMENT] * SUM_WORDS
    _, s0, s1, _, _ = window_total(pool, base, width, low, high, end, offset, VALUES + programs[at + SECOND_COLUMN])
    x, y = quotient(c0, c1, _1) / _FACE, quotient(s0, s1, _1) / _FACE
    length = math.sqrt(x * x + y * y)
    if length == 0.0:
        return 0.0
    own_x = np.float64(requests[row, programs[at + ASKED]]) / _FACE
    own_y = np.float64(requests[row, programs[at + SECOND_ASKED]]) / _FACE
    cosine = (x * own_x + y * own_y) / length
    return _concentration(length / n, n) * (1.0 - max(-1.0, min(1.0, cosine)))


@inner
def _concentration(r, n):  # type: ignore[no-untyped-def]
    """κ of a von Mises distribution with mean resultant length r (Best & Fisher 1981), capped.

    Below 16 rows with their correction for small samples, without which one row would be a certain habit.
    """
    if r < 0.53:
        kappa = 2.0 * r + r * r * r + 5.0 * r * r * r * r * r / 6.0
    elif r < 0.85:
        kappa = -0.4 + 1.39 * r + 0.43 / (1.0 - r)
    else:
        inverse = r * r * r - 4.0 * r * r + 3.0 * r
        kappa = 1.0 / inverse if inverse * _MOST_CONCENTRATED > 1.0 else _MOST_CONCENTRATED
    if n <= 15:
        if kappa < 2.0:
            kappa = max(kappa - 2.0 / (n * kappa), 0.0)
        else:
            kappa = (n - 1.0) * (n - 1.0) * (n - 1.0) * kappa / (np.float64(n) * n * n + n)
    return kappa


@inner
def _distance(pool, base, width, low, high, time, programs, at, requests, row):  # type: ignore[no-untyped-def]
    """Kilometres from the newest row with coordinates to the request, or kilometres per hour since."""
    north, east = requests[row, programs[at + ASKED]], requests[row, programs[at + SECOND_ASKED]]
    if north == NULL or east == NULL:
        return np.nan
    first, second = VALUES + programs[at + COLUMN], VALUES + programs[at + SECOND_COLUMN]
    for index in range(high - 1, low - 1, -1):
        there = base + index * width
        if pool[there + first] != NULL and pool[there + second] != NULL:
            km = _haversine(pool[there + first], pool[there + second], north, east)
            if programs[at + KIND] == KM:
                return km
            # Two payments within a second are not a journey: no division by a moment.
            return km / (np.float64(max(time - pool[there + TIME], np.int64(_SECOND))) / _HOUR)
    return np.nan


@inner
def _haversine(north, east, other_north, other_east):  # type: ignore[no-untyped-def]
    """Great-circle distance in km on a sphere of the mean radius."""
    a = np.float64(north) / _DEGREE * _RADIANS
    b = np.float64(other_north) / _DEGREE * _RADIANS
    across = math.sin((b - a) / 2.0)
    along = math.sin(np.float64(other_east - east) / _DEGREE * _RADIANS / 2.0)
    h = across * across + math.cos(a) * math.cos(b) * along * along
    return 2.0 * _EARTH_KM * math.asin(math.sqrt(min(1.0, max(0.0, h))))
