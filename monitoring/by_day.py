"""Intervals by whole days: what happens on one day hangs together, so days are drawn and not rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.errors import InputError, expected_got

LEVEL = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval over days; NaN ends where there are too few days to tell."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float | None]:
        """As JSON, which knows no NaN."""
        return {name: _finite(getattr(self, name)) for name in ("value", "low", "high")}


class Figured(Protocol):
    """Something with figures, each with its interval."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def figures(self) -> Mapping[str, Estimate]:
        """Name → figure."""
        ...


def as_json(found: Figured) -> dict[str, Any]:
    """Its fields as they are, its figures with their ends."""
    plain = {name: getattr(found, name) for name in found.__dataclass_fields__}
    return {**plain, "figures": {name: each.as_dict() for name, each in found.figures.items()}}


@dataclass(frozen=True)
class Days:
    """Days of a period, and the resamples of them that every figure shares: differences are paired.

    Parameters
    ----------
    counts : float64[draws, days], how often each day was drawn.

    Examples
    --------
    >>> days = Days.of(4, n_draws=200, seed=1)
    >>> days.mean(np.array([2.0, 2.0, 2.0, 2.0]))
    Estimate(value=2.0, low=2.0, high=2.0)
    """

    n: int
    counts: Floats

    @classmethod
    def of(cls, n: int, n_draws: int, seed: int) -> Days:
        """Draw once."""
        if n < 1:
            raise InputError(expected_got("a period of one day or more", n, "days"))
        rng = np.random.default_rng(seed)
        return cls(n, rng.multinomial(n, np.full(n, 1 / n), size=n_draws).astype(np.float64))

    def sums(self, day: NDArray[np.int64], values: Floats) -> Floats:
        """Sum of the values of each day, float64[days]."""
        return np.bincount(day, weights=values, minlength=self.n).astype(np.float64)

    def mean(self, per_day: Floats) -> Estimate:
        """Mean of the days."""
        return self.estimate(float(per_day.mean()), self.counts @ per_day / self.n)

    def total(self, per_day: Floats) -> Estimate:
        """Sum over the period."""
        return self.estimate(float(per_day.sum()), self.counts @ per_day)

    def share(self, part: Floats, whole: Floats) -> Estimate:
        """Part of a whole, both summed over the same days; NaN where there is nothing of it."""
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = (self.counts @ part) / (self.counts @ whole)
            value = float(part.sum() / whole.sum()) if whole.sum() else float("nan")
        return self.estimate(value, drawn)

    def estimate(self, value: float, drawn: Floats) -> Estimate:
        """A value with the middle 95 % of what the resamples gave."""
        finite = drawn[np.isfinite(drawn)]
        if self.n < 2 or not len(finite):
            return Estimate(value, float("nan"), float("nan"))
        low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Estimate(value, float(low), float(high))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
