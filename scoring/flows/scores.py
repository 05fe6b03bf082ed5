"""One score of each account for each pattern, and one of all patterns together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scoring.flows.cycles import cycles
from scoring.flows.fan import fan_in, fan_out
from scoring.flows.graph import Flows
from scoring.flows.pass_through import pass_through
from scoring.flows.settings import PatternSettings

PATTERNS = ("fan_in", "fan_out", "pass_through", "cycle")


def pattern_scores(flows: Flows, settings: PatternSettings) -> dict[str, np.ndarray]:
    """Pattern → score of each account, float64[n]; ``together`` is the mean of their ranks.

    Examples
    --------
    >>> ring = Flows.of(3, [0, 1, 2], [1, 2, 0], [1, 2, 3], [100.0, 95.0, 90.0])
    >>> settings = PatternSettings(window="1d", longest=4, kept=0.5, source="an example")
    >>> sorted(pattern_scores(ring, settings))
    ['cycle', 'fan_in', 'fan_out', 'pass_through', 'together']
    """
    window = settings.window
    found = cycles(flows, window, longest=settings.longest, kept=settings.kept)
    made: dict[str, np.ndarray] = {
        "fan_in": fan_in(flows, window).astype(np.float64),
        "fan_out": fan_out(flows, window).astype(np.float64),
        "pass_through": pass_through(flows, window).score,
        "cycle": found.count(flows).astype(np.float64),
    }
    return {**made, "together": together(made)}


def together(scores: Mapping[str, np.ndarray]) -> np.ndarray:
    """The mean of the ranks, each from 0 to 1; equal scores share the mean of their ranks.

    Examples
    --------
    >>> together({"a": np.array([1.0, 2.0, 3.0]), "b": np.array([0.0, 0.0, 1.0])}).tolist()
    [0.125, 0.375, 1.0]
    """
    from scipy.stats import rankdata

    ranks = [(rankdata(score) - 1) / max(1, len(score) - 1) for score in scores.values()]
    mean: np.ndarray = np.mean(ranks, axis=0)
    return mean
