"""Segments: does the model rank and calibrate as well for one part of the traffic as for the next.

Rows are cut along one dimension at a time: a category, bands of a number, new and known entities, the time of day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from training.group_measures import observed_to_expected
from training.intervals import Interval, bootstrap
from training.metrics import Ranking

MISSING, OTHER = "missing", "other"
NEW, SOME, MANY = "new", "some", "many"
WORDED = (MISSING, OTHER, NEW, SOME, MANY)
"""Labels that are words; all others are values."""

LEAST_EVENTS = 20
"""With fewer events, or fewer rows without, nothing is said of how a segment is ranked."""

_ENTITIES = ("customer", "card", "account", "loan", "application")
_LEVELS = 7
_BANDS = 5


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
    return _tidy(key, (*(values[each] for each in kept), OTHER, MISSING), code)


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
    """Figures of every segment of every dimension, all from the same resamples.

    Parameters
    ----------
    y : int8[n]. raw, probability : float64[n]. cost : float64[n] or None.
    cluster : int64[n], days that stand or fall together, or None.
    """
    parts = [
        (f"{dimension.key}\n{label}", np.flatnonzero(dimension.code == place))
        for dimension in dimensions
        for place, label in enumerate(dimension.labels)
    ]
    ranked = {
        name: Ranking.of(y[mine], raw[mine])
        for name, mine in parts
        if LEAST_EVENTS <= y[mine].sum() <= len(mine) - LEAST_EVENTS
    }
    places = dict(parts)

    def statistic(counts: np.ndarray) -> dict[str, float]:
        found = {}
        for name, ranking in ranked.items():
            mine = places[name]
            weight = counts[mine]
            figures = ranking.figures(weight)
            found |= {f"{name}\nauc": figures["auc"], f"{name}\nap": figures["average_precision"]}
            found[f"{name}\nratio"] = float(weight @ y[mine]) / max(float(weight @ probability[mine]), 1e-12)
        return found

    whole = statistic(np.ones(len(y), np.int64))
    spread = bootstrap(statistic, len(y), cluster, n_draws, seed) if ranked else {}
    return tuple(_segment(name, mine, y, probability, cost, whole, spread) for name, mine in parts)


def _segment(
    name: str, mine: np.ndarray, y: np.ndarray, probability: np.ndarray, cost: np.ndarray | None,
    whole: Mapping[str, float], spread: Mapping[str, Interval],
) -> Segment:  # fmt: skip
    dimension, label = name.split("\n")
    n, n_events, expected = len(mine), int(y[mine].sum()), float(probability[mine].sum())
    made = observed_to_expected(n_events, n, expected)
    drawn = spread.get(f"{name}\nratio", Interval(made.low, made.high))
    return Segment(
        dimension, label, n, n_events, n_events / n, expected / n, made.value, min(made.low, drawn.low),
        max(made.high, drawn.high), whole.get(f"{name}\nauc"), spread.get(f"{name}\nauc"), whole.get(f"{name}\nap"),
        spread.get(f"{name}\nap"), None if cost is None else float(cost[mine].mean()),
    )  # fmt: skip


def _tidy(key: str, labels: Sequence[str], code: np.ndarray) -> Dimension:
    """Without the segments that hold no row."""
    held, place = np.unique(code, return_inverse=True)
    return Dimension(key, tuple(labels[int(each)] for each in held), np.asarray(place, np.int64))
