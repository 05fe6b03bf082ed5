"""The course of a model: its traffic, its scores, its events and its ranking in each period of each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scoring.drift import Psi, psi
from training.delong import Auc, auc_of
from training.intervals import Interval
from training.proportion import jeffreys
from training.spans import Unit, spans_of

_Z = 1.959963984540054


@dataclass(frozen=True)
class Traffic:
    """Requests of one part of the split.

    Parameters
    ----------
    day : int64[n]. y : int8[n], −1 where no label is settled. raw, probability : float64[n].
    """

    day: np.ndarray
    y: np.ndarray
    raw: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True)
class Period:
    """One period of one part.

    Parameters
    ----------
    rate : of events among labelled rows, with Jeffreys' 95 % interval; NaN without any.
    score : mean probability of all requests, with an interval over whole days.
    psi : of the raw score against the reference. n : requests; n_labelled and n_events among them.
    """

    part: str
    name: str
    n: int
    n_labelled: int
    n_events: int
    rate: float
    rate_between: Interval
    score: float
    score_between: Interval
    auc: Auc
    psi: Psi


def over_time(parts: Mapping[str, Traffic], reference: np.ndarray) -> tuple[Unit, tuple[Period, ...]]:
    """The periods of every part, in the order of the parts; all of one length.

    Parameters
    ----------
    reference : float64[k], raw scores that the index is taken against.

    Examples
    --------
    >>> part = Traffic(np.arange(90), np.tile([0, 1], 45), np.arange(90.0), np.full(90, 0.5))
    >>> unit, periods = over_time({"test": part}, np.arange(90.0))
    >>> unit, [(each.name, each.n, each.rate) for each in periods]
    ('month', [('1970-01', 31, 0.48...), ('1970-02', 28, 0.5), ('1970-03', 31, 0.51...)])
    """
    unit = spans_of(np.concatenate([each.day for each in parts.values()])).unit
    periods = []
    for part, mine in parts.items():
        spans = spans_of(mine.day, unit)
        periods += [_period(part, name, mine, spans.code == code, reference) for code, name in enumerate(spans.names)]
    return unit, tuple(periods)


def _period(part: str, name: str, mine: Traffic, rows: np.ndarray, reference: np.ndarray) -> Period:
    known = rows & (mine.y >= 0)
    n, events = int(known.sum()), int(mine.y[known].sum())
    low, high = (float(each[0]) for each in jeffreys(np.array([events]), np.array([n]))) if n else (np.nan, np.nan)
    mean, between = mean_between(mine.probability[rows], mine.day[rows])
    return Period(
        part, name, int(rows.sum()), n, events, events / n if n else float("nan"), Interval(low, high), mean, between,
        auc_of(mine.y[known], mine.raw[known]), psi(reference, mine.raw[rows]),
    )  # fmt: skip


def mean_between(values: np.ndarray, cluster: np.ndarray) -> tuple[float, Interval]:
    """Mean with its 95 % interval, robust to dependence within clusters; over rows where there is one cluster.

    References
    ----------
    Liang & Zeger, Longitudinal data analysis using generalized linear models, Biometrika 1986.

    Examples
    --------
    >>> mean_between(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]))
    (2.0, Interval(low=0.04..., high=3.95...))
    """
    mean = float(values.mean())
    off = values - mean
    _, member = np.unique(cluster, return_inverse=True)
    pulls = np.bincount(member, weights=off) if member.any() else off
    reach = _Z * float(np.sqrt((pulls**2).sum() * len(pulls) / max(1, len(pulls) - 1))) / len(values)
    return mean, Interval(mean - reach, mean + reach)
