"""Bootstrap intervals: resamples are counts per row, drawn over rows or over whole days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95

Statistic = Callable[[np.ndarray], Mapping[str, float]]
"""Weights int64[n] → figures by name."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A percentile interval; NaN where no resample gave a value."""

    low: float
    high: float


def resamples(n_rows: int, cluster: np.ndarray | None, n_draws: int, seed: int) -> Iterator[np.ndarray]:
    """Counts int64[n] of each row in each resample; rows of one cluster stand or fall together.

    Examples
    --------
    >>> [int(counts.sum()) for counts in resamples(4, None, 2, seed=1)]
    [4, 4]
    >>> sorted({str(counts) for counts in resamples(4, np.array([0, 0, 1, 1]), 50, seed=1)})
    ['[0 0 2 2]', '[1 1 1 1]', '[2 2 0 0]']
    """
    rng = np.random.default_rng(seed)
    if cluster is None:
        for _ in range(n_draws):
            yield np.bincount(rng.integers(0, n_rows, n_rows), minlength=n_rows)
        return
    _, member = np.unique(cluster, return_inverse=True)
    n_clusters = int(member.max()) + 1
    for _ in range(n_draws):
        yield np.bincount(rng.integers(0, n_clusters, n_clusters), minlength=n_clusters)[member]


def bootstrap(
    statistic: Statistic, n_rows: int, cluster: np.ndarray | None, n_draws: int, seed: int
) -> dict[str, Interval]:
    """Percentile intervals of every figure a statistic gives.

    Examples
    --------
    >>> x = np.arange(100.0)
    >>> made = bootstrap(lambda w: {"mean": float(np.average(x, weights=w))}, 100, None, 200, seed=3)
    >>> bool(made["mean"].low < 49.5 < made["mean"].high)
    True
    """
    drawn: dict[str, list[float]] = {}
    for counts in resamples(n_rows, cluster, n_draws, seed):
        for name, value in statistic(counts).items():
            drawn.setdefault(name, []).append(value)
    return {name: interval_of(np.array(values)) for name, values in drawn.items()}


def interval_of(values: np.ndarray) -> Interval:
    """The middle 95 % of resampled values, NaN left out.

    Examples
    --------
    >>> interval_of(np.array([3.0, 3.0, np.nan]))
    Interval(low=3.0, high=3.0)
    """
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def paired_difference(
    first: Callable[[np.ndarray], float],
    second: Callable[[np.ndarray], float],
    n_rows: int,
    cluster: np.ndarray | None,
    n_draws: int,
    seed: int,
) -> tuple[float, Interval]:
    """``first - second`` on the same rows, with the interval of the difference over the same resamples.

    Examples
    --------
    >>> paired_difference(lambda w: 0.5, lambda w: 0.25, 10, None, 20, seed=0)
    (0.25, Interval(low=0.25, high=0.25))
    """
    whole = np.ones(n_rows, np.int64)
    drawn = [first(counts) - second(counts) for counts in resamples(n_rows, cluster, n_draws, seed)]
    return first(whole) - second(whole), interval_of(np.array(drawn))
