"""How events reach the platform: most within a second, some days late, some twice; so not in order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.simulator.rows import Array
from data.simulator.settings import SimulationSettings
from domain.time import HOUR, MINUTE, SECOND

LATE = MINUTE
"""An event that took longer than this to arrive is counted as late."""

_LATENCY_MS, _LATENCY_SPREAD = 180.0, 0.8
_LATENESS_HOURS, _LATENESS_SPREAD = 2.5, 1.6
_RETRY_WITHIN = 2 * HOUR


def arrival(settings: SimulationSettings, kind: str, event_time: Array) -> Array:
    """When each event first arrives, µs UTC: that is when it could be known."""
    random = settings.random(f"arrival of {kind}")
    n = len(event_time)
    latency = np.exp(random.normal(np.log(_LATENCY_MS), _LATENCY_SPREAD, n)) * 1000
    latency = np.minimum(latency, 20 * SECOND)
    late = random.random(n) < settings.late_share
    lateness = np.exp(random.normal(np.log(_LATENESS_HOURS), _LATENESS_SPREAD, n)) * HOUR
    lateness = np.clip(lateness, min(2 * LATE, settings.max_lateness), settings.max_lateness)
    arrived: Array = event_time + np.where(late, lateness, latency).astype(np.int64)
    return arrived


def delivered(settings: SimulationSettings, kind: str, events: pa.Table) -> pa.Table:
    """The events as they arrive, some of them again: rows in order of ``arrived_at``."""
    random = settings.random(f"duplicates of {kind}")
    n = events.num_rows
    again = np.flatnonzero(random.random(n) < settings.duplicate_share)
    # Half are retries within seconds, half come from a batch sent twice.
    gap = np.where(
        random.random(len(again)) < 0.5,
        random.uniform(0.2, 30, len(again)) * SECOND,
        random.uniform(MINUTE, _RETRY_WITHIN, len(again)),
    ).astype(np.int64)
    known_at = events["known_at"].to_numpy()
    rows = np.concatenate([np.arange(n), again])
    arrived = np.concatenate([known_at, known_at[again] + gap])
    table = events.take(pa.array(rows)).add_column(3, "arrived_at", pa.array(arrived, pa.int64()))
    return table.sort_by([("arrived_at", "ascending"), ("event_time", "ascending"), ("event_id", "ascending")])


def late_share(events: pa.Table) -> float:
    """Share of the events that arrived more than a minute after they happened; outcomes never do."""
    if not events.num_rows:
        return 0.0
    lateness = pc.subtract(events["known_at"], events["event_time"])
    return float(pc.mean(pc.greater(lateness, LATE)).as_py())
