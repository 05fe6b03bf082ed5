"""Segments: does the model rank and calibrate as well for one part of the traffic as for the next.

Rows are cut along one dimension at a time: a category, bands of a number, new and known entities, the time of day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scoring.metrics import Ranking
from training.group_measures import observed_to_expected
from training.intervals import Interval, interval_of

MISSING, OTHER = "missing", "other"
NEW, SOME, MANY = "new", "some", "many"
WORDED = (MISSING, OTHER, NEW, SOME, MANY)
"""Labels that are words; all others are values."""

LEAST_EVENTS = 20
"""With fewer events, or fewer rows without, nothing is said of how a segment is ranked."""

_ENTITIES = ("customer", "card", "account", "loan", "application")
_LEVELS = 7
_BANDS = 5
_N_BINS = 144


@dataclass(frozen=True)
class Dimension:
    """A way to cut rows.

    Parameters
    ----------
    key : of what it is cut by. labels : of the segments. code : int64[n], segment of each row.
    """

    key: str
    labels: tuple[str, ...]
    code: np.ndarray


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; figures are None where there are too few events.

    Parameters
    ----------
    rate, predicted : observed share of events and mean probability.
    ratio, low, high : events over their expectation, 95 %: Jeffreys', or by whole days where that is wider.
    auc, average_precision : with intervals. cost : mean of the rows' costs, None where there are none.
    """

    dimension: str
    label: str
    n: int
    n_events: int
    rate: float
    predicted: float
    ratio: float
    low: float
    high: float
    auc: float | None
    auc_interval: Interval | None
    average_precision: float | None
    average_precision_interval: Interval | None
    cost: float | None


def of_category(key: str, codes: np.ndarray, values: Sequence[str]) -> Dimension:
    """Segments of an encoded category: the most frequent values, the others together, and missing ones.

    Parameters
    ----------
    codes : float64[n], places in ``values``, NaN where missing.

    Examples
    --------
    >>> made = of_category("channel", np.array([1.0, 0.0, np.nan, 1.0]), ("app", "web"))
    >>> made.labels, made.code.tolist()
    (('app', 'web', 'missing'), [1, 0, 2, 1])
    """
    absent = np.isnan(codes)
    rows = np.bincount(codes[~absent].astype(np.int64), minlength=len(values))
    kept = np.sort(np.argsort(-rows, kind="stable")[:_LEVELS]) if len(values) > _LEVELS else np.arange(len(values))
    place = np.full(len(values) + 1, len(kept))
    place[kept] = np.arange(len(kept))
    place[-1] = len(kept) + 1
    code = place[np.where(absent, len(values), codes).astype(np.int64)]
    return _tidy(key, (*(values[int(each)] for each in kept), OTHER, MISSING), code)


def of_number(key: str, values: np.ndarray, n_bands: int = _BANDS) -> Dimension:
    """Segments of a number: its values where they are few, else bands of equally many rows, and missing ones.

    Examples
    --------
    >>> of_number("amount", np.array([1.0, 2, 3, 4, 5, 6, np.nan]), 3).labels
    ('≤ 2', '2 – 4', '> 4', 'missing')
    """
    absent = np.isnan(values)
    seen = np.unique(values[~absent])
    if len(seen) <= n_bands:
        code = np.where(absent, len(seen), np.searchsorted(seen, values))
        return _tidy(key, (*(short(each) for each in seen), MISSING), code)
    shares = np.arange(1, n_bands) / n_bands
    edges = np.unique(np.quantile(values[~absent], shares, method="inverted_cdf"))
    edges = edges[edges < seen[-1]]
    said = [short(edge) for edge in edges]
    between = [f"{low} – {high}" for low, high in pairwise(said)]
    code = np.where(absent, len(edges) + 1, np.searchsorted(edges, values, side="left"))
    return _tidy(key, (f"≤ {said[0]}", *between, f"> {said[-1]}", MISSING), code)


def short(value: float) -> str:
    """A number as a label: four significant digits, or whole with separators.

    Examples
    --------
    >>> short(0.12345), short(12345.6), short(12.0)
    ('0.1235', '12,346', '12')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def of_history(key: str, counts: np.ndarray) -> Dimension:
    """New entities, of which nothing was counted, and known ones with some history or much.

    Examples
    --------
    >>> of_history("card", np.array([0.0, 1, 9, np.nan])).code.tolist()
    [0, 1, 2, 0]
    """
    known = np.nan_to_num(counts, nan=0.0)
    middle = float(np.median(known[known > 0])) if (known > 0).any() else 0.0
    return _tidy(key, (NEW, SOME, MANY), np.where(known <= 0, 0, np.where(known <= middle, 1, 2)))


def of_hour(key: str, hours: np.ndarray) -> Dimension:
    """Quarters of the day, of hours 0 to 23.

    Examples
    --------
    >>> made = of_hour("hour", np.array([3, 23]))
    >>> made.labels, made.code.tolist()
    (('00–06', '18–24'), [0, 1])
    """
    labels = tuple(f"{start:02d}–{start + 6:02d}" for start in range(0, 24, 6))
    return _tidy(key, labels, hours.astype(np.int64) // 6)


def history_feature(names: Sequence[str]) -> str | None:
    """The feature that counts the longest history of whoever asks; None where no feature does.

    Examples
    --------
    >>> history_feature(["card_count_1h", "card_count_30d", "ip_count_90d", "customer_interarrival_cv_7d"])
    'card_count_30d'
    """
    for entity in _ENTITIES:
        found = [(int(days), name) for name in names for days in re.findall(rf"^{entity}_count_(\d+)d$", name)]
        if found:
            return max(found)[1]
    return None


def measure_segments(
    dimensions: Sequence[Dimension],
    y: np.ndarray,
    raw: np.ndarray,
    probability: np.ndarray,
    *,
    cluster: np.ndarray | None,
    cost: np.ndarray | None,
    n_draws: int,
    seed: int,
) -> tuple[Segment, ...]:
    """Figures of every segment of every dimension; resamples of a dimension serve all its segments.

    Parameters
    ----------
    y : int8[n]. raw, probability : float64[n]. cost : float64[n] or None.
    cluster : int64[n], days that stand or fall together, or None.
    """
    rng = np.random.default_rng(seed)
    found = []
    for dimension in dimensions:
        ranked = {}
        for place in range(len(dimension.labels)):
            mine = dimension.code == place
            if LEAST_EVENTS <= y[mine].sum() <= mine.sum() - LEAST_EVENTS:
                ranked[place] = Ranking.of(y[mine], raw[mine]).figures()
        spread = _spread(dimension, y, raw, probability, cluster, n_draws, rng) if ranked else {}
        for place, label in enumerate(dimension.labels):
            mine = np.flatnonzero(dimension.code == place)
            figures = (ranked[place], spread[place]) if place in ranked else None
            paid = None if cost is None else cost[mine]
            found.append(_segment(dimension.key, label, y[mine], probability[mine], paid, figures))
    return tuple(found)


_Spread = Mapping[str, tuple[float, np.ndarray]]
"""Figure → its value and its resampled values, float64[n_draws]."""


def _spread(
    dimension: Dimension, y: np.ndarray, raw: np.ndarray, probability: np.ndarray, cluster: np.ndarray | None,
    n_draws: int, rng: np.random.Generator,
) -> dict[int, _Spread]:  # fmt: skip
    """Resampled figures of each segment from counts in bins of the score.

    1. bin      quantiles of all scores and of those of events                      int64[n]
    2. cells    segment × bin × label, rows of each                                 [k, b, 2]
    3. draws    rows: multinomial counts of cells; days: counts of days @ cells     [n_draws, k, b, 2]
    4. figures  cumulated from the highest bin down
    Weighing 60,000 ranked rows in each draw took thirty times as long.
    """
    shares = np.arange(1, _N_BINS) / _N_BINS
    edges = np.unique(np.concatenate([np.quantile(raw, shares), np.quantile(raw[y == 1], shares)]))
    shape = (len(dimension.labels), len(edges) + 1, 2)
    cell = np.ravel_multi_index((dimension.code, np.searchsorted(edges, raw, side="right"), y.astype(np.int64)), shape)
    rows = np.bincount(cell, minlength=int(np.prod(shape)))
    said = np.bincount(cell, weights=probability, minlength=len(rows)) / np.maximum(rows, 1)
    if cluster is None:
        drawn = rng.multinomial(len(y), rows / len(y), n_draws)
    else:
        day = np.unique(cluster, return_inverse=True)[1]
        n_days = int(day.max()) + 1
        by_day = np.bincount(day * len(rows) + cell, minlength=n_days * len(rows)).reshape(n_days, len(rows))
        drawn = rng.multinomial(n_days, np.full(n_days, 1 / n_days), n_draws) @ by_day
    # The whole first, then the draws.
    counts = np.concatenate([rows[None], drawn]).reshape(-1, *shape).astype(np.float64)
    falling = np.cumsum(counts[:, :, ::-1, :], axis=2)
    miss, hit = falling[..., 0], falling[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        tpr, fpr = hit / hit[..., -1:], miss / miss[..., -1:]
        auc = (np.diff(fpr, axis=2, prepend=0) * (tpr + np.concatenate([0 * tpr[..., :1], tpr[..., :-1]], 2)) / 2).sum(
            2
        )
        precision = hit / np.maximum(hit + miss, 1e-12)
        ap = (np.diff(tpr, axis=2, prepend=0) * precision).sum(2)
        ratio = hit[..., -1] / np.maximum((counts * said.reshape(shape)).sum((2, 3)), 1e-12)
    made = {"auc": auc, "ap": ap, "ratio": ratio}
    return {
        place: {name: (float(values[0, place]), values[1:, place]) for name, values in made.items()}
        for place in range(shape[0])
    }


def _around(value: float, spread: _Spread, name: str) -> Interval:
    """The interval of the binned figure, moved to the exact one."""
    binned, drawn = spread[name]
    made = interval_of(drawn)
    return Interval(value + made.low - binned, value + made.high - binned)


def _segment(
    dimension: str, label: str, y: np.ndarray, probability: np.ndarray, cost: np.ndarray | None,
    figures: tuple[Mapping[str, float], _Spread] | None,
) -> Segment:  # fmt: skip
    n, n_events, expected = len(y), int(y.sum()), float(probability.sum())
    made = observed_to_expected(n_events, n, expected)
    mean = None if cost is None else float(cost.mean())
    if figures is None:
        return Segment(
            dimension, label, n, n_events, n_events / n, expected / n, made.value, made.low, made.high, None, None,
            None, None, mean,
        )  # fmt: skip
    values, spread = figures
    drawn = _around(made.value, spread, "ratio")
    return Segment(
        dimension, label, n, n_events, n_events / n, expected / n, made.value, min(made.low, drawn.low),
        max(made.high, drawn.high), values["auc"], _around(values["auc"], spread, "auc"), values["average_precision"],
        _around(values["average_precision"], spread, "ap"), mean,
    )  # fmt: skip


def _tidy(key: str, labels: Sequence[str], code: np.ndarray) -> Dimension:
    """Without the segments that hold no row."""
    held, place = np.unique(code, return_inverse=True)
    return Dimension(key, tuple(labels[int(each)] for each in held), np.asarray(place, np.int64))
