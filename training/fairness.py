"""Fairness: how groups of a protected attribute fare, from counts and sums of each group alone.

They are taken on the test, for validation only, and logged as `fairness.json`; no row of a person leaves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from scoring.interval import difference, two_sided
from training.cutoffs import GRADES
from training.evaluation import Scored
from training.groups import FEWEST, NOT_KNOWN, groups_of

ARTIFACT = "fairness.json"

_CONFIDENCE = 0.95
_N_EDGES = 19


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """What is counted of one group of the test; of a group too small to be told of only its rows.

    Parameters
    ----------
    n, n_good : rows, and those of them that turned out good.
    below, good_below : grade → rows scored below it.
    edges : rising calibrated probabilities, twentieths of the whole test, the same for every group.
    below_edge, good_below_edge : rows scored below each of them.
    sum_raw, sum_raw_squared : of the raw score. sum_probability : of the calibrated one.
    """

    attribute: str
    group: str
    n: int
    n_good: int
    below: Mapping[str, int]
    good_below: Mapping[str, int]
    edges: Sequence[float] = ()
    below_edge: Sequence[int] = ()
    good_below_edge: Sequence[int] = ()
    sum_raw: float | None = None
    sum_raw_squared: float | None = None
    sum_probability: float | None = None

    @property
    def n_bad(self) -> int:
        """Rows that turned out bad."""
        return self.n - self.n_good

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Disparity:
    """One group beside the one that fares best, with 95 % intervals.

    Parameters
    ----------
    ratio : of favourable shares. gap : favourable share among the good, the best group's less this one's.
    """

    attribute: str
    group: str
    best: str
    n: int
    ratio: float
    ratio_interval: tuple[float, float]
    gap: float
    gap_interval: tuple[float, float]


def count_groups(
    scored: Scored, attributes: pa.Table, names: Sequence[str], cutoffs: Mapping[str, float]
) -> tuple[GroupCounts, ...]:
    """Rows of each group below each cut-off and each twentieth of the score, and sums of the group's scores.

    Parameters
    ----------
    attributes : rows of the test in the order of ``scored``; numbers are cut into quarters.

    Examples
    --------
    >>> import numpy as np
    >>> scored = Scored(np.array([0, 1] * 20), np.zeros(40), np.linspace(0, 1, 40), np.zeros(40, np.int64))
    >>> cuts = {"attention": 0.25, "warning": 0.5, "high": 0.75}
    >>> (women,) = count_groups(scored, pa.table({"sex": ["f"] * 40}), ["sex"], cuts)
    >>> women.n, women.n_good, women.below["high"], women.good_below["high"]
    (40, 20, 30, 15)
    """
    edges = np.unique(np.quantile(scored.probability, np.arange(1, _N_EDGES + 1) / (_N_EDGES + 1)))
    found = []
    for name in names:
        for group, mine in groups_of(attributes[name].to_pandas()):
            good = scored.y[mine] == 0
            if len(mine) < FEWEST:
                found.append(GroupCounts(name, group, len(mine), int(good.sum()), {}, {}))
                continue
            raw, probability = scored.raw[mine], scored.probability[mine]
            below, good_below = (
                {grade: int((values < cutoffs[grade]).sum()) for grade in GRADES}
                for values in (probability, probability[good])
            )
            below_edge, good_below_edge = (
                tuple(np.searchsorted(np.sort(values), edges, side="left").tolist())
                for values in (probability, probability[good])
            )
            found.append(
                GroupCounts(
                    name, group, len(mine), int(good.sum()), below, good_below, tuple(edges.tolist()), below_edge,
                    good_below_edge, float(raw.sum()), float((raw**2).sum()), float(probability.sum()),
                )
            )  # fmt: skip
    return tuple(found)


def judged(counts: Iterable[GroupCounts], grade: str, least_rows: int) -> tuple[GroupCounts, ...]:
    """The groups large enough to compare, the one with the greatest share below the grade first; none if only one is.

    Examples
    --------
    >>> groups = [GroupCounts("sex", name, n, n, {"high": n // 2}, {}) for name, n in (("f", 200), ("m", 301))]
    >>> [each.group for each in judged(groups, "high", 100)], judged(groups, "high", 250)
    (['f', 'm'], ())
    """
    large = [each for each in counts if each.n >= least_rows and each.below and each.group != NOT_KNOWN]
    if len(large) < 2:
        return ()
    best = max(large, key=lambda each: each.below[grade] / each.n)
    return (best, *(each for each in large if each is not best))


def disparities(counts: Iterable[GroupCounts], grade: str, least_rows: int) -> tuple[Disparity, ...]:
    """Each large enough group beside the best one; none where fewer than two are large enough.

    Parameters
    ----------
    counts : of one attribute. grade : from which on an answer is unfavourable.

    References
    ----------
    Adverse impact ratio: 29 CFR 1607.4(D). Equal opportunity: Hardt, Price & Srebro, NeurIPS 2016.

    Examples
    --------
    >>> groups = [
    ...     GroupCounts("sex", "f", 200, 180, {"high": 140}, {"high": 130}),
    ...     GroupCounts("sex", "m", 300, 260, {"high": 270}, {"high": 240}),
    ... ]
    >>> (women,) = disparities(groups, "high", 100)
    >>> women.best, round(women.ratio, 3), round(women.gap, 3)
    ('m', 0.778, 0.201)
    """
    groups = judged(counts, grade, least_rows)
    found = []
    for each in groups[1:]:
        best = groups[0]
        ratio, between = ratio_interval(each.below[grade], each.n, best.below[grade], best.n)
        good, best_good = (each.good_below[grade], each.n_good), (best.good_below[grade], best.n_good)
        gap = best_good[0] / max(1, best_good[1]) - good[0] / max(1, good[1])
        found.append(
            Disparity(
                each.attribute, each.group, best.group, each.n, ratio, between, gap,
                difference(*best_good, *good, _CONFIDENCE),
            )
        )  # fmt: skip
    return tuple(found)


def ratio_interval(n_hits: int, n: int, m_hits: int, m: int) -> tuple[float, tuple[float, float]]:
    """``(n_hits / n) / (m_hits / m)`` with its 95 % interval on the log scale (Katz et al., Biometrics 1978).

    Examples
    --------
    >>> ratio, (low, high) = ratio_interval(140, 200, 270, 300)
    >>> round(ratio, 3), round(low, 3), round(high, 3)
    (0.778, 0.705, 0.858)
    """
    # Half a row more where there is none keeps the logarithm finite.
    a, b = (max(0.5, float(hits)) for hits in (n_hits, m_hits))
    ratio = (a / n) / (b / m)
    reach = two_sided(_CONFIDENCE) * math.sqrt(max(0.0, 1 / a - 1 / n + 1 / b - 1 / m))
    return ratio, (ratio * math.exp(-reach), ratio * math.exp(reach))
