"""Measures of fairness beside shares: of scores, of the bad, of probabilities, and along the cut-off.

All from `GroupCounts`; each group is held beside the one of which the greatest share is answered favourably.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.interval import difference, two_sided
from training.fairness import GroupCounts, ratio_interval
from training.proportion import jeffreys

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Beside:
    """A figure of a group beside the best one, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Cut:
    """What a cut-off would do: those below it are answered favourably.

    Parameters
    ----------
    probability : the cut-off. approved : share of all rows below it. bad_rate : of those, the share that turned bad.
    ratio : least adverse impact ratio of a group beside the best one there, with its interval. group : which.
    """

    probability: float
    approved: float
    bad_rate: float
    ratio: float
    low: float
    high: float
    group: str


def standardised_difference(group: GroupCounts, best: GroupCounts) -> Beside:
    """Mean raw score of a group less that of the best one, in pooled standard deviations; above 0 is less favourable.

    References
    ----------
    Hedges & Olkin, Statistical Methods for Meta-Analysis, 1985, chapter 5: large-sample variance of d.

    Examples
    --------
    >>> few = GroupCounts("sex", "f", 100, 90, {}, {}, sum_raw=150.0, sum_raw_squared=325.0)
    >>> many = GroupCounts("sex", "m", 100, 90, {}, {}, sum_raw=100.0, sum_raw_squared=200.0)
    >>> made = standardised_difference(few, many)
    >>> round(made.value, 3), round(made.low, 3), round(made.high, 3)
    (0.497, 0.216, 0.779)
    """
    means, spreads = zip(*(_moments(each) for each in (group, best)), strict=True)
    n, m = group.n, best.n
    pooled = math.sqrt((spreads[0] + spreads[1]) / max(1, n + m - 2))
    d = (means[0] - means[1]) / pooled if pooled > 0 else 0.0
    reach = two_sided(_CONFIDENCE) * math.sqrt((n + m) / (n * m) + d * d / (2 * (n + m)))
    return Beside(d, d - reach, d + reach)


def predictive_equality(group: GroupCounts, best: GroupCounts, grade: str) -> Beside:
    """Favourable share among those that turned out bad, the best group's less this one's.

    References
    ----------
    Corbett-Davies, Pierson, Feller, Goel & Huq, Algorithmic decision making and the cost of fairness, KDD 2017.

    Examples
    --------
    >>> few = GroupCounts("sex", "f", 200, 160, {"high": 150}, {"high": 140})
    >>> many = GroupCounts("sex", "m", 200, 160, {"high": 190}, {"high": 160})
    >>> round(predictive_equality(few, many, "high").value, 3)
    0.5
    """
    mine, theirs = ((each.below[grade] - each.good_below[grade], each.n_bad) for each in (group, best))
    value = theirs[0] / max(1, theirs[1]) - mine[0] / max(1, mine[1])
    return Beside(value, *difference(*theirs, *mine, _CONFIDENCE))


def observed_to_expected(n_events: int, n: int, expected: float, level: float = _CONFIDENCE) -> Beside:
    """Events over the sum of probabilities; the interval is Jeffreys' of the observed rate, expectation taken as known.

    Examples
    --------
    >>> made = observed_to_expected(30, 200, 20.0)
    >>> round(made.value, 2), round(made.low, 2), round(made.high, 2)
    (1.5, 1.06, 2.04)
    """
    low, high = jeffreys(np.array([n_events]), np.array([n]), level)
    per = n / max(expected, 1e-12)
    return Beside(n_events / max(expected, 1e-12), float(low[0]) * per, float(high[0]) * per)


def calibration_gap(group: GroupCounts, best: GroupCounts) -> Beside:
    """Observed over expected of a group, over that of the best one; 1 where both are said equally well.

    The interval is Katz's of the ratio of observed rates, expectations taken as known. Kleinberg, Mullainathan &
    Raghavan, ITCS 2017, show why this and the gaps above cannot all vanish where groups differ.

    Examples
    --------
    >>> few = GroupCounts("sex", "f", 100, 90, {}, {}, sum_probability=20.0)
    >>> many = GroupCounts("sex", "m", 200, 170, {}, {}, sum_probability=30.0)
    >>> made = calibration_gap(few, many)
    >>> round(made.value, 2), round(made.low, 2), round(made.high, 2)
    (0.5, 0.25, 0.98)
    """
    ratio, (low, high) = ratio_interval(group.n_bad, group.n, best.n_bad, best.n)
    said = ((best.sum_probability or 0.0) / best.n) / max(1e-12, (group.sum_probability or 0.0) / group.n)
    return Beside(ratio * said, low * said, high * said)


def frontier(groups: Sequence[GroupCounts]) -> tuple[Cut, ...]:
    """The least impact ratio, the approvals and their bad rate for each twentieth of the score as cut-off.

    Parameters
    ----------
    groups : large enough ones of one attribute, with the same edges.

    Examples
    --------
    >>> few = GroupCounts("sex", "f", 100, 80, {}, {}, (0.1, 0.2), (40, 80), (38, 70))
    >>> many = GroupCounts("sex", "m", 100, 90, {}, {}, (0.1, 0.2), (50, 90), (50, 85))
    >>> [(cut.probability, cut.approved, round(cut.ratio, 2), cut.group) for cut in frontier([few, many])]
    [(0.1, 0.45, 0.8, 'f'), (0.2, 0.85, 0.89, 'f')]
    """
    found = []
    for place, edge in enumerate(groups[0].edges):
        below = [each.below_edge[place] for each in groups]
        good = sum(each.good_below_edge[place] for each in groups)
        if not sum(below):
            continue
        top = max(range(len(groups)), key=lambda i: below[i] / groups[i].n)
        others = [i for i in range(len(groups)) if i != top]
        ratios = [ratio_interval(below[i], groups[i].n, below[top], groups[top].n) for i in others]
        least = min(range(len(others)), key=lambda i: ratios[i][0])
        ratio, (low, high) = ratios[least]
        found.append(
            Cut(
                edge, sum(below) / sum(each.n for each in groups), 1 - good / sum(below), ratio, low, high,
                groups[others[least]].group,
            )
        )  # fmt: skip
    return tuple(found)


def auc_interval(auc: float, n_events: int, n: int) -> tuple[float, float]:
    """95 % interval of an AUC that is known by its value alone.

    References
    ----------
    Hanley & McNeil, The meaning and use of the area under a ROC curve, Radiology 1982, equation 1.

    Examples
    --------
    >>> [round(end, 3) for end in auc_interval(0.89, 50, 110)]
    [0.825, 0.955]
    """
    others = n - n_events
    both, twice = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = auc * (1 - auc) + (n_events - 1) * (both - auc * auc) + (others - 1) * (twice - auc * auc)
    reach = two_sided(_CONFIDENCE) * math.sqrt(max(0.0, spread) / (n_events * others))
    return max(0.0, auc - reach), min(1.0, auc + reach)


def _moments(group: GroupCounts) -> tuple[float, float]:
    """Mean and sum of squares around it."""
    total, squared = group.sum_raw or 0.0, group.sum_raw_squared or 0.0
    mean = total / group.n
    return mean, max(0.0, squared - group.n * mean * mean)
