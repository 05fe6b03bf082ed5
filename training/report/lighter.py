"""Evidence cut down by lot, for a report that must be ready within seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.report.evidence import CALIBRATION, TEST, TRAIN, Evidence, Rows


def lighter(evidence: Evidence, most: int) -> Evidence:
    """With at most so many rows of each part, drawn with the model's seed, in the order of time; the rest as it is."""
    rng = np.random.default_rng(evidence.settings.seed)
    made = replace(evidence)
    for part in (TRAIN, CALIBRATION, TEST):
        # Where a cached property would put it.
        made.__dict__[part] = _cut(getattr(evidence, part), most, rng)
    return made


def _cut(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    n = len(rows.y)
    if n <= most:
        return rows
    kept = np.zeros(n, bool)
    kept[rng.permutation(n)[:most]] = True
    return rows.only(kept)
