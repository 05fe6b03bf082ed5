"""Each statistic of the rows of one window, in Python's own integers and floats, written to be obviously right."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from domain.events import KINDS, ColumnType, Event, Value
from domain.labels import Verdict
from domain.money import exponent
from domain.settings import PlatformSettings
from domain.time import DAY, HOUR, SECOND, from_micros
from features.aggregates import (
    Aggregate,
    CircularTime,
    CoefficientOfVariation,
    Concentration,
    Count,
    CountWhere,
    Decayed,
    Degree,
    Distinct,
    Entropy,
    First,
    InterArrival,
    Last,
    LastK,
    Max,
    Mean,
    Min,
    Novelty,
    Rate,
    Ratio,
    Share,
    SharedWith,
    SinceLast,
    SpeedFromLast,
    Std,
    Streak,
    Sum,
    SumWhere,
    TopShare,
    Trend,
)
from features.conditions import AtLeast, Condition, IsTrue, MultipleOf, OneOf
from features.view import FeatureView

NAN = math.nan


def naive_value(
    aggregate: Aggregate,
    output: int,
    view: FeatureView,
    window: list[Event],
    request: Event,
    platform: PlatformSettings,
) -> float:
    """One output, from the rows of its window, oldest first."""
    column, scale, t = aggregate.column, aggregate.scale or 1, request.event_time
    match aggregate:
        case Count():
            return float(len(window))
        case CountWhere():
            return float(sum(holds(aggregate.where, e.body) for e in window))
        case Share():
            return sum(holds(aggregate.where, e.body) for e in window) / len(window) if window else NAN
        case Streak():
            n = 0
            while n < len(window) and holds(aggregate.where, window[-1 - n].body):
                n += 1
            return float(n)
        case SinceLast():
            found = window
            if aggregate.where is not None:
                found = [e for e in window if holds(aggregate.where, e.body)]
            elif column is not None:
                wanted = request.body.get(column)
                found = [e for e in window if wanted is not None and e.body.get(column) == wanted]
            return (t - found[-1].event_time) / SECOND if found else NAN
        case InterArrival():
            gaps = [b.event_time - a.event_time for a, b in pairwise(window)]
            if aggregate.statistic == "mean":
                return sum(gaps) / (len(gaps) * SECOND) if gaps else NAN
            return variation(gaps)
        case CircularTime():
            return time_deviance([e.event_time for e in window], t, platform)
        case SpeedFromLast():
            return from_last(aggregate.statistic, window, request)
        case Decayed() if column is None:
            half = aggregate.half_lives[output]
            return added([weight(t - e.event_time, half) for e in window])
        case Ratio():
            edge = t - aggregate.windows[0]
            edge -= edge % view.retain.hop if view.retain.hop else 0
            short = [e for e in window if edge <= e.event_time]
            if column is None:
                return len(short) / len(window) if window else NAN
            near, far = (integers(view, rows, column, scale, platform) for rows in (short, window))
            if not near or sum(far) == 0:
                return NAN
            if aggregate.statistic == "mean":
                return (sum(near) / len(near)) / (sum(far) / len(far))
            return float(sum(near)) / float(sum(far))  # each rounded once, then divided
    assert column is not None
    if isinstance(aggregate, SumWhere):
        window = [e for e in window if holds(aggregate.where, e.body)]
    found_values = [value_of(view, e, column, scale, platform) for e in window]
    known = [(e, x) for e, x in zip(window, found_values, strict=True) if x is not None]
    values = [x for _, x in known]
    own = value_of(view, request, column, scale, platform)
    match aggregate:
        case Distinct() | Degree():
            return float(len(set(values)))
        case SharedWith():
            return float(len(set(values) - {own}))
        case Novelty() if aggregate.age:
            first = next((e for e, x in known if x == own), None)
            return NAN if first is None or own is None else (t - first.event_time) / SECOND
        case Novelty():
            return NAN if own is None else float(own not in values)
    if not values:
        return NAN
    n, counts = len(values), Counter(values)
    match aggregate:
        case Concentration():
            return sum(c * c for c in counts.values()) / (n * n)
        case TopShare():
            return max(counts.values()) / n
        case Entropy():
            by_newest = sorted(counts, key=lambda x: max(i for i, y in enumerate(values) if y == x))
            return added([counts[x] / n * math.log(n / counts[x]) for x in by_newest])
    # Numbers from here on; in major units of money, or of the scale.
    xs = [x for x in values if isinstance(x, int)]
    assert len(xs) == n
    declared = KINDS[view.source].get(column)
    if declared is not None and declared.type is ColumnType.MONEY:
        scale = 10 ** exponent(platform.base_currency)
    match aggregate:
        case Decayed():
            half = aggregate.half_lives[output]
            return added([x * weight(t - e.event_time, half) for (e, _), x in zip(known, xs, strict=True)]) / scale
        case Trend():
            return slope([(e.event_time - t) / DAY for e, _ in known], xs) / scale
        case Rate():
            return (sum(xs) / scale + aggregate.prior * aggregate.strength) / (n + aggregate.strength)
        case First():
            return xs[0] / scale
        case Last():
            return xs[-1] / scale
        case LastK():
            return statistic(aggregate.statistic, xs[-aggregate.k :], scale)
        case CoefficientOfVariation():
            return statistic("cv", xs, scale)
        case Sum() | SumWhere():
            return statistic("sum", xs, scale)
        case Mean():
            return statistic("mean", xs, scale)
        case Std():
            return statistic("std", xs, scale)
        case Min():
            return statistic("min", xs, scale)
        case Max():
            return statistic("max", xs, scale)
    raise AssertionError(aggregate)


def statistic(name: str, xs: list[int], scale: int) -> float:
    """Of at least one value."""
    match name:
        case "sum":
            return sum(xs) / scale
        case "mean":
            return sum(xs) / (len(xs) * scale)
        case "min":
            return min(xs) / scale
        case "max":
            return max(xs) / scale
        case "cv":
            return variation(xs)
    return deviation(xs) / scale


def deviation(xs: list[int]) -> float:
    n = len(xs)
    return math.sqrt(float(n * sum(x * x for x in xs) - sum(xs) ** 2) / (n * (n - 1))) if n > 1 else NAN


def variation(xs: list[int]) -> float:
    return deviation(xs) / abs(sum(xs) / len(xs)) if len(xs) > 1 and sum(xs) != 0 else NAN


def weight(age: int, half: int) -> float:
    return math.exp(-math.log(2.0) * (age / half))


def slope(days: list[float], xs: list[int]) -> float:
    if days[0] == days[-1]:
        return NAN
    day_mean = added(days) / len(days)
    x_mean = added([float(x) for x in xs]) / len(xs)
    across = added([(d - day_mean) * (x - x_mean) for d, x in zip(days, xs, strict=True)])
    return across / added([(d - day_mean) * (d - day_mean) for d in days])


def added(values: list[float]) -> float:
    """Added one by one: Python's own sum of floats compensates for rounding."""
    total = 0.0
    for value in values:
        total += value
    return total


def time_deviance(times: list[int], t: int, platform: PlatformSettings) -> float:
    """κ(1 − cos(θ − μ)); the clock face in whole units of 10⁻⁹."""
    if not times:
        return NAN

    def face(time: int) -> tuple[int, int]:
        local = from_micros(time).astimezone(ZoneInfo(platform.time_zone))
        angle = 2.0 * math.pi / 86400 * (local.hour * 3600 + local.minute * 60 + local.second)
        return round(math.cos(angle) * 10**9), round(math.sin(angle) * 10**9)

    n = len(times)
    x, y = sum(face(time)[0] for time in times) / 1e9, sum(face(time)[1] for time in times) / 1e9
    length = math.sqrt(x * x + y * y)
    if length == 0.0:
        return 0.0
    cosine = (x * (face(t)[0] / 1e9) + y * (face(t)[1] / 1e9)) / length
    return best_and_fisher(length / n, n) * (1.0 - max(-1.0, min(1.0, cosine)))


def best_and_fisher(r: float, n: int) -> float:
    if r < 0.53:
        kappa = 2.0 * r + r * r * r + 5.0 * r * r * r * r * r / 6.0
    elif r < 0.85:
        kappa = -0.4 + 1.39 * r + 0.43 / (1.0 - r)
    else:
        rest = r * r * r - 4.0 * r * r + 3.0 * r
        kappa = 1.0 / rest if rest > 1 / 500 else 500.0
    if n > 15:
        return kappa
    return max(kappa - 2.0 / (n * kappa), 0.0) if kappa < 2.0 else (n - 1) ** 3 * kappa / (n**3 + n)


def from_last(what: str, window: list[Event], request: Event) -> float:
    placed = [e for e in window if "latitude" in e.body and "longitude" in e.body]
    if not placed or "latitude" not in request.body or "longitude" not in request.body:
        return NAN
    (north, east), (to_north, to_east) = (
        (round(float(e.body["latitude"]) * 10**6), round(float(e.body["longitude"]) * 10**6))
        for e in (placed[-1], request)
    )
    radians = math.pi / 180.0
    a, b = north / 1e6 * radians, to_north / 1e6 * radians
    half_north, half_east = (b - a) / 2.0, (to_east - east) / 1e6 * radians / 2.0
    s, r = math.sin(half_north), math.sin(half_east)
    km = 2.0 * 6371.0088 * math.asin(math.sqrt(min(1.0, s * s + math.cos(a) * math.cos(b) * r * r)))
    if what == "km":
        return km
    return km / (max(request.event_time - placed[-1].event_time, SECOND) / HOUR)


def holds(condition: Condition | None, body: Mapping[str, Value]) -> bool:
    assert condition is not None
    value = body.get(condition.column)
    if isinstance(condition, OneOf):
        return condition.or_null if value is None else value in condition.values
    if value is None:
        return False
    if isinstance(condition, IsTrue):
        return value is True
    places = 0
    if condition.column in ("amount", "shortfall", "balance"):
        if "currency" not in body:
            return False
        places = {"JPY": 0}.get(str(body["currency"]), 2)
    assert not isinstance(value, str)
    if isinstance(value, float):
        assert isinstance(condition, AtLeast)
        return value >= float(condition.bound)
    major = Fraction(value) / 10**places
    if isinstance(condition, AtLeast):
        return major >= Fraction(str(condition.bound))
    assert isinstance(condition, MultipleOf)
    return major != 0 and major / condition.units == int(major / condition.units)


def integers(view: FeatureView, rows: list[Event], column: str, scale: int, platform: PlatformSettings) -> list[int]:
    found = [value_of(view, e, column, scale, platform) for e in rows]
    return [x for x in found if isinstance(x, int)]


def value_of(view: FeatureView, event: Event, column: str, scale: int, platform: PlatformSettings) -> int | str | None:
    if column == "is_positive":
        verdict = view.policy.verdicts.get(str(event.body.get("code")), Verdict.UNKNOWN)
        return {Verdict.POSITIVE: 1, Verdict.NEGATIVE: 0}.get(verdict)
    if column == "is_night":
        return int(from_micros(event.event_time).astimezone(ZoneInfo(platform.time_zone)).hour < 6)
    value = event.body.get(column)
    if value is None:
        return None
    declared = KINDS[event.kind].get(column)
    if declared is not None and declared.type is ColumnType.MONEY:
        return platform.fx_table().to_base(int(value), str(event.body["currency"]), event.known_at)
    if isinstance(value, str):
        return value
    return round(value * scale) if isinstance(value, float) else int(value)
