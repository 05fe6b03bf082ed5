"""Quality of what arrives: facts that are absent, values beyond the reference, and events that came late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from monitoring.calculators.calculator import Calculator
from monitoring.result import Result
from monitoring.traffic import Traffic
from scoring.interval import difference

_FACTS = ("channel", "region", "product", "amount")


class DataQuality(Calculator):
    """Change of the share of rows with a fault: absent facts, features outside the reference's range, late arrival.

    The reference's own range holds nearly all of the reference, so a few values outside are expected: the least and
    greatest of ``m`` rows leave about ``2 / m`` of unchanged ones outside.
    """

    name: ClassVar[str] = "data"

    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        checks = list(self._checks(reference, chunk))
        confidence = self.terms.one_of(len(checks))
        for name, (hits_then, m), (hits, n) in checks:
            low, high = difference(hits, n, hits_then, m, confidence)
            change = hits / n - hits_then / m if n and m else None
            yield Result(
                "data", name, self.kind, change, m, n, low=low, high=high, expected=0.0, within_chance=low <= 0 <= high
            )

    def _checks(self, reference: Traffic, chunk: Traffic) -> Iterator[tuple[str, tuple[int, int], tuple[int, int]]]:
        sides = reference, chunk
        for fact in _FACTS:
            if reference.has(fact) and chunk.has(fact):
                then, now = ((int(rows.frame[fact].isna().sum()), len(rows)) for rows in sides)
                yield f"absent {fact}", then, now
        if reference.has("late") and chunk.has("late"):
            then, now = ((int(rows.frame["late"].sum()), len(rows)) for rows in sides)
            yield "late", then, now
        for place, name in enumerate(reference.names):
            then_values, now_values = reference.features[:, place], chunk.features[:, place]
            known = then_values[~np.isnan(then_values)]
            if name in reference.categorical or not len(known):
                continue
            outside = int(((now_values < known.min()) | (now_values > known.max())).sum())
            # Two rows of the reference stand for its edges: what lies outside is compared with them, not with none.
            yield f"outside {name}", (2, len(then_values)), (outside, len(now_values))
