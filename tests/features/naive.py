"""The naive oracle: the visibility law word for word, O(n²) or worse, with Python's own integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from domain.events import Event
from domain.settings import PlatformSettings
from features.view import FeatureView
from tests.features.naive_values import holds, naive_value

NAN = math.nan


@dataclass(frozen=True)
class Answer:
    values: dict[str, float]
    truncated: bool
    stale: bool


def naive(view: FeatureView, events: Sequence[Event], request: Event, platform: PlatformSettings) -> Answer:
    """What a request sees of one view; ``events`` are all of the journal in seq order."""
    t, longest, lateness, hop = request.event_time, max(view.windows), platform.max_lateness, view.retain.hop
    key = request.body.get(view.entity)
    if key is None:
        return Answer(dict.fromkeys(view.feature_names(), NAN), False, False)
    arrived = [e for e in events if e.seq < request.seq and of_view(view, e) and e.body.get(view.source_key) == key]

    def floored(time: int) -> int:
        return time - time % hop if hop else time

    def newest(rows: list[Event]) -> list[Event]:
        return sorted(rows, key=lambda e: (e.event_time, e.seq))[-view.retain.size :]

    def oldest(rows: list[Event]) -> list[Event]:
        return sorted(rows, key=lambda e: (e.event_time, e.seq))[: -view.retain.size]

    def bound(rows: list[Event]) -> int:
        return floored(max(e.event_time for e in rows) - longest - lateness)

    kept_since = bound(arrived) if arrived else t
    seen = [e for e in newest(arrived) if e.event_time >= kept_since]  # what retention leaves
    # Until the ring is full nothing is pushed out.
    histories = [arrived[:n] for n in range(view.retain.size + 1, len(arrived) + 1)]
    pushed_out = [e for rows in histories for e in oldest(rows) if e.event_time >= bound(rows)]
    truncated = any(e.event_time >= t - longest for e in pushed_out)
    stale = any(t < e.event_time - lateness for e in arrived)
    end = floored(t) if any(t < floored(e.event_time - lateness) for e in arrived) else t
    values = {}
    for aggregate in view.features:
        for output, (name, reach) in enumerate(zip(aggregate.names(view.stem), aggregate.reach, strict=True)):
            w = longest if reach is None else reach
            window = [e for e in seen if floored(t - w) <= e.event_time < end]
            values[name] = naive_value(aggregate, output, view, window, request, platform)
    return Answer(values, truncated, stale)


def of_view(view: FeatureView, event: Event) -> bool:
    return event.kind == view.source and all(holds(condition, event.body) for condition in view.conditions)
