"""The naive oracle: the visibility law word for word, O(n²) or worse, with Python's own integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from domain.events import KINDS, ColumnType, Event
from domain.labels import Verdict
from domain.money import exponent
from domain.settings import PlatformSettings
from domain.time import SECOND, from_micros
from features.aggregates import Aggregate, Count, Distinct, Max, Mean, Min, SinceLast, Std, Sum
from features.view import FeatureView

NAN = math.nan


@dataclass(frozen=True)
class Answer:
    values: dict[str, float]
    truncated: bool
    stale: bool


def naive(view: FeatureView, events: Sequence[Event], request: Event, platform: PlatformSettings) -> Answer:
    """What a request sees of one view; ``events`` are all of the journal in seq order."""
    t, longest, lateness = request.event_time, max(view.windows), platform.max_lateness
    key = request.body.get(view.entity)
    if key is None:
        return Answer(dict.fromkeys(view.feature_names(), NAN), False, False)
    arrived = [e for e in events if e.seq < request.seq and of_view(view, e) and e.body.get(view.entity) == key]

    def newest(rows: list[Event]) -> list[Event]:
        return sorted(rows, key=lambda e: (e.event_time, e.seq))[-view.retain.size :]

    def oldest(rows: list[Event]) -> list[Event]:
        return sorted(rows, key=lambda e: (e.event_time, e.seq))[: -view.retain.size]

    def bound(rows: list[Event]) -> int:
        return max(e.event_time for e in rows) - longest - lateness

    seen = [e for e in newest(arrived) if e.event_time >= bound(arrived)]  # what retention leaves
    histories = [arrived[:n] for n in range(1, len(arrived) + 1)]
    pushed_out = [e for rows in histories for e in oldest(rows) if e.event_time >= bound(rows)]
    truncated = any(e.event_time >= t - longest for e in pushed_out)
    stale = any(t < e.event_time - lateness for e in arrived)
    values = {}
    for aggregate in view.features:
        windows = aggregate.windows if aggregate.WINDOWED else (longest,)
        for name, w in zip(aggregate.names(view.stem), windows, strict=True):
            window = [e for e in seen if t - w <= e.event_time < t]
            values[name] = naive_value(aggregate, view, window, request, platform)
    return Answer(values, truncated, stale)


def of_view(view: FeatureView, event: Event) -> bool:
    if event.kind != view.source:
        return False
    held = [
        c.or_null if event.body.get(c.column) is None else event.body[c.column] in c.values for c in view.conditions
    ]
    return all(held)


def naive_value(
    aggregate: Aggregate, view: FeatureView, window: list[Event], request: Event, platform: PlatformSettings
) -> float:
    """One statistic of the rows of one window, oldest first."""
    column, scale = aggregate.column, aggregate.scale or 1
    if isinstance(aggregate, SinceLast):
        wanted = None if column is None else request.body.get(column)
        same = [e for e in window if column is None or (wanted is not None and e.body.get(column) == wanted)]
        return (request.event_time - same[-1].event_time) / SECOND if same else NAN
    if isinstance(aggregate, Count):
        return float(len(window))
    assert column is not None
    found = [value_of(view, e, column, scale, platform) for e in window]
    xs = [x for x in found if x is not None]
    if isinstance(aggregate, Distinct):
        return float(len(set(xs)))
    declared = KINDS[view.source].get(column)
    if declared is not None and declared.type is ColumnType.MONEY:
        scale = 10 ** exponent(platform.base_currency)
    n = len(xs)
    if n == 0:
        return NAN
    numbers = [x for x in xs if isinstance(x, int)]
    total = sum(numbers)
    if isinstance(aggregate, Sum):
        return total / scale
    if isinstance(aggregate, Mean):
        return total / (n * scale)
    if isinstance(aggregate, Std):
        spread = n * sum(x * x for x in numbers) - total * total
        return math.sqrt(float(spread) / (n * (n - 1))) / scale if n > 1 else NAN
    if isinstance(aggregate, Min):
        return min(numbers) / scale
    assert isinstance(aggregate, Max)
    return max(numbers) / scale


def value_of(view: FeatureView, event: Event, column: str, scale: int, platform: PlatformSettings) -> int | str | None:
    if column == "is_positive":
        verdict = view.policy.verdicts[str(event.body["code"])]
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
