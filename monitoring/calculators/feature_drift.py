"""Drift of each feature: population stability index, with a bin for what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from monitoring.calculators.calculator import Calculator
from monitoring.result import Result
from monitoring.traffic import Traffic
from scoring.drift import psi


class FeatureDrift(Calculator):
    """How far the distribution of each feature moved; all features share one chance of a false alarm."""

    name: ClassVar[str] = "feature"

    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        confidence = self.terms.one_of(len(reference.names))
        then, now = reference.features, chunk.features
        whose = reference.whose_features, chunk.whose_features
        n = len(then), len(now)
        for place, name in enumerate(reference.names):
            if not min(n):
                yield Result("feature", name, self.kind, None, *n)
                continue
            found = psi(
                then[:, place], now[:, place], n_bins=self.terms.bins, categorical=name in reference.categorical,
                confidence=confidence, clusters=whose,
            )  # fmt: skip
            yield Result(
                "feature", name, self.kind, found.value, *n, expected=found.expected, by_chance=found.by_chance,
                within_chance=found.value <= found.by_chance,
            )  # fmt: skip
