"""Stability: how far the requests of the test period lie from the reference that the bundle holds.

Computed while the rows are at hand and logged as `stability.json`; the promotion gate reads that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from scoring.drift import psi

SCORE = "score"
ARTIFACT = "stability.json"

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Moved:
    """The stability index of the score or of one feature.

    Parameters
    ----------
    by_chance : what samples of this size from one population stay below; over all features together at 95 %.
    share : of the model's mean absolute contributions; 1 for the score.
    """

    name: str
    psi: float
    by_chance: float
    n_reference: int
    n_current: int
    n_bins: int
    share: float

    def beyond(self, limit: float) -> bool:
        """Whether it moved further than a limit, and further than chance explains."""
        return self.psi > max(limit, self.by_chance)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def stability(
    reference: np.ndarray,
    current: np.ndarray,
    reference_score: np.ndarray,
    current_score: np.ndarray,
    names: tuple[str, ...],
    categorical: Collection[str],
    shares: Mapping[str, float],
) -> tuple[Moved, ...]:
    """The score's index, then each feature's.

    Parameters
    ----------
    reference, current : float64[n, m] and float64[k, m], encoded rows.
    reference_score, current_score : float64[n] and float64[k], raw scores.
    shares : feature → share of the model's mean absolute contributions.

    References
    ----------
    Yurdakul & Naranjo, Statistical properties of the population stability index, J. Risk Model Validation 2020.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> then, now = rng.normal(size=(500, 1)), rng.normal(2, 1, size=(400, 1))
    >>> score, amount = stability(then, now, then[:, 0], now[:, 0], ("amount",), (), {"amount": 1.0})
    >>> score.beyond(0.25), amount.name, amount.n_current
    (True, 'amount', 400)
    """
    found = psi(reference_score, current_score, confidence=_CONFIDENCE)
    moved = [Moved(SCORE, found.value, found.by_chance, found.n_reference, found.n_current, found.n_bins, 1.0)]
    each = 1 - (1 - _CONFIDENCE) / max(1, len(names))
    for place, name in enumerate(names):
        found = psi(reference[:, place], current[:, place], categorical=name in categorical, confidence=each)
        moved.append(
            Moved(
                name, found.value, found.by_chance, found.n_reference, found.n_current, found.n_bins,
                float(shares.get(name, 0.0)),
            )
        )  # fmt: skip
    return tuple(moved)
