"""Drift of the raw score: population stability index, and the Wasserstein distance in interquartile ranges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from monitoring.calculators.calculator import Calculator
from monitoring.distance import transport
from monitoring.result import Result
from monitoring.traffic import Traffic
from scoring.drift import psi


class ScoreDrift(Calculator):
    """How far the distribution of the raw score moved."""

    name: ClassVar[str] = "score"
    needs_columns: ClassVar[tuple[str, ...]] = ("raw",)

    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        then, now = (rows.numbers("raw") for rows in (reference, chunk))
        there = ~np.isnan(then), ~np.isnan(now)
        clusters = (
            None if reference.whose is None else reference.whose[there[0]],
            None if chunk.whose is None else chunk.whose[there[1]],
        )
        then, now = then[there[0]], now[there[1]]
        n = len(then), len(now)
        if not min(n):
            yield Result("score", "raw score", self.kind, None, *n)
            return
        confidence = self.terms.one_of(2)
        index = psi(then, now, n_bins=self.terms.bins, confidence=confidence, clusters=clusters)
        yield Result(
            "score", "raw score", self.kind, index.value, *n, expected=index.expected, by_chance=index.by_chance,
            within_chance=index.value <= index.by_chance,
        )  # fmt: skip
        moved = transport(then, now, confidence, clusters)
        yield Result(
            "distance", "raw score", self.kind, moved.value, *n, expected=moved.expected, by_chance=moved.by_chance,
            within_chance=moved.value <= moved.by_chance,
        )  # fmt: skip
