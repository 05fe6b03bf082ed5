"""Missing and unseen: change of the share of each feature's rows without a value the bundle knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from monitoring.calculators.calculator import Calculator
from monitoring.result import Result
from monitoring.traffic import Traffic
from scoring.clusters import effective
from scoring.interval import difference


class MissingShare(Calculator):
    """Change of the missing share; a category the bundle has never seen is encoded as missing and counts as such."""

    name: ClassVar[str] = "missing"

    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        confidence = self.terms.one_of(len(reference.names))
        then, now = np.isnan(reference.features), np.isnan(chunk.features)
        m, n = len(then), len(now)
        hits = zip(reference.names, then.sum(axis=0).tolist(), now.sum(axis=0).tolist(), strict=True)
        for place, (name, n_then, n_now) in enumerate(hits):
            low, high = difference(
                *effective(now[:, place], chunk.whose_features), *effective(then[:, place], reference.whose_features),
                confidence,
            )  # fmt: skip
            change = n_now / n - n_then / m if n and m else None
            yield Result(
                "missing", name, self.kind, change, m, n, low=low, high=high, expected=0.0,
                within_chance=low <= 0 <= high,
            )  # fmt: skip
