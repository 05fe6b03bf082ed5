"""The service: share of degraded decisions, and how long each stage took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from domain.bilingual import Both
from monitoring.calculators.calculator import Calculator
from monitoring.result import Result
from monitoring.traffic import Traffic
from scoring.interval import wilson


class Degraded(Calculator):
    """Share of decisions that had to drop something; a promise is absolute, so nothing is compared with the past."""

    name: ClassVar[str] = "service"

    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        del reference
        n = len(chunk)
        if not chunk.has("degraded"):
            absent = Both("本期没有degraded列", "no column chunk: degraded")
            yield Result("service", "degraded", self.kind, None, n, n, note=absent)
            return
        hits = int(chunk.frame["degraded"].sum())
        low, high = wilson(hits, n, self.terms.confidence)
        yield Result(
            "service", "degraded", self.kind, hits / n if n else None, n, n, low=low, high=high, expected=0.0,
            within_chance=hits == 0,
        )  # fmt: skip


class Latency(Calculator):
    """Median, 95th and 99th percentile of each stage, µs, against the reference's where it was timed.

    The interval is that of order statistics; a percentile is alarming where its interval lies wholly above the
    reference's.
    """

    name: ClassVar[str] = "latency"
    quantiles: ClassVar[tuple[float, ...]] = (0.5, 0.95, 0.99)

    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        stages = [str(column) for column in chunk.frame if str(column).startswith("us_")]
        confidence = self.terms.one_of(len(stages) * len(self.quantiles))
        for stage in stages:
            now = _timed(chunk, stage)
            then = _timed(reference, stage) if reference.has(stage) else np.zeros(0)
            for q in self.quantiles:
                yield self._percentile(stage.removeprefix("us_"), then, now, q, confidence)

    def _percentile(self, stage: str, then: np.ndarray, now: np.ndarray, q: float, confidence: float) -> Result:
        name = f"{stage} p{q * 100:g}"
        if not len(now):
            return Result("latency", name, self.kind, None, len(then), 0)
        value, low, high = _with_interval(now, q, confidence)
        if not len(then):
            return Result("latency", name, self.kind, value, len(now), len(now), low=low, high=high, within_chance=True)
        usual, _, usual_high = _with_interval(then, q, confidence)
        return Result(
            "latency", name, self.kind, value, len(then), len(now), measure=value / usual if usual else 1.0, low=low,
            high=high, expected=usual, within_chance=low <= usual_high,
        )  # fmt: skip


def _timed(rows: Traffic, stage: str) -> np.ndarray:
    values = rows.numbers(stage)
    return np.sort(values[~np.isnan(values)])


def _with_interval(ordered: np.ndarray, q: float, confidence: float) -> tuple[float, float, float]:
    """A quantile with the order statistics between which it lies."""
    n = len(ordered)
    low, high = wilson(min(n, round(q * n)), n, confidence)
    places = np.clip(np.floor(np.array([low, high]) * n).astype(int), 0, n - 1)
    return float(np.quantile(ordered, q)), float(ordered[places[0]]), float(ordered[places[1]])
