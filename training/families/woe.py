"""Bins of a feature and their weight of evidence, learnt from training rows.

column    float64[n]              numbers or category codes, NaN where nothing is known
special   one bin for each value that has a meaning of its own; one bin for what is missing (or never seen)
fine      the rest, cut by a shallow classification tree (categories: by code), rising
bins      neighbours merged until the evidence moves one way, where it should, and there are few enough
woe       ln(share of the goods in the bin / share of the bads), each with half a row added: high is good
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from training.families.cleaning import LARGEST
from training.families.settings import ScorecardSettings

HALF = 0.5
"""Rows added to each class of a bin, so that an empty one has a weight of evidence."""

_FINE = 3


@dataclass(frozen=True)
class Bin:
    """One bin.

    Parameters
    ----------
    label : as the card prints it. good, bad : weight of the rows. woe : 0 where no row was seen.
    """

    label: str
    good: float
    bad: float
    woe: float


@dataclass(frozen=True)
class Bins:
    """All bins of one feature: those of the order, then the special ones, then the missing one.

    Parameters
    ----------
    edges : upper ends of all ordered bins but the last; empty for a category.
    codes : codes of each bin of a category; empty for a number.
    information : the information value (Kullback's divergence of the classes).
    """

    feature: str
    bins: tuple[Bin, ...]
    edges: tuple[float, ...]
    codes: tuple[tuple[float, ...], ...]
    special: tuple[float, ...]
    information: float

    @property
    def n_ordered(self) -> int:
        """Bins before the special ones."""
        return len(self.bins) - len(self.special) - 1

    def places(self, column: np.ndarray) -> np.ndarray:
        """The place of each value's bin, int64[n]."""
        missing = len(self.bins) - 1
        if self.codes:
            place = np.full(len(column), missing)
            for number, codes in enumerate(self.codes):
                place[np.isin(column, codes)] = number
        else:
            place = np.searchsorted(self.edges, column, side="left")
        for number, value in enumerate(self.special):
            place[column == value] = self.n_ordered + number
        place[np.isnan(column)] = missing
        return place

    def evidence(self, column: np.ndarray) -> np.ndarray:
        """Weight of evidence of each value, float64[n]."""
        return np.asarray(np.array([each.woe for each in self.bins])[self.places(column)])


def bin_number(
    feature: str, column: np.ndarray, y: np.ndarray, weight: np.ndarray, settings: ScorecardSettings, sign: int | None
) -> Bins:
    """Bins of a number.

    Parameters
    ----------
    y : int8[n], both labels among them; 1 is bad.
    sign : +1 where risk is to rise with the number, −1 where to fall, 0 either way, None where it may do both.

    Examples
    --------
    >>> x = np.repeat([1.0, 2.0, np.nan], 100)
    >>> y = np.concatenate([np.arange(100) < 10, np.arange(100) < 40, np.arange(100) < 20]).astype(np.int8)
    >>> found = bin_number("age", x, y, np.ones(300), ScorecardSettings(bins=4), 0)
    >>> [(each.label, each.bad, round(each.woe, 2)) for each in found.bins]
    [('≤ 1.5', 10.0, 0.97), ('> 1.5', 40.0, -0.78), ('missing', 20.0, 0.18)]
    """
    special = tuple(settings.special.get(feature, ()))
    ordered = ~(np.isnan(column) | np.isin(column, special))
    cuts = _cuts(column[ordered], y[ordered], weight[ordered], settings)
    place = np.searchsorted(cuts, column[ordered], side="left")
    counts = _counts(place, y[ordered], weight[ordered], len(cuts) + 1)
    total = _counts(np.zeros(len(y), np.int64), y, weight, 1)[0]
    groups = _merged(counts, total, settings.bins, sign)
    edges = tuple(float(cuts[group[-1]]) for group in groups[:-1])
    return _bins(feature, column, y, weight, total, _intervals(edges), edges, (), special)


def bin_category(
    feature: str, column: np.ndarray, y: np.ndarray, weight: np.ndarray, settings: ScorecardSettings
) -> Bins:
    """Bins of a category: codes of like evidence together, rare ones in a bin of their own.

    Examples
    --------
    >>> x = np.repeat([0.0, 1.0, 2.0], [100, 100, 1])
    >>> y = (np.arange(201) % np.repeat([2, 5, 1], [100, 100, 1]) == 0).astype(np.int8)
    >>> found = bin_category("channel", x, y, np.ones(201), ScorecardSettings(bins=4))
    >>> [each.label for each in found.bins], found.places(np.array([1.0, 7.0])).tolist()
    (['codes 1', 'codes 0', 'codes 2', 'missing'], [0, 3])
    """
    known = np.unique(column[~np.isnan(column)])
    total = _counts(np.zeros(len(y), np.int64), y, weight, 1)[0]
    seen = np.isin(column, known)
    counts = _counts(np.searchsorted(known, column[seen]), y[seen], weight[seen], len(known))
    common = counts.sum(axis=1) >= settings.least_share * weight.sum()
    order = np.argsort(-_woe(counts[common], total), kind="stable")
    listed = known[common][order]
    groups = _merged(counts[common][order], total, settings.bins, None) if len(listed) else []
    codes = [tuple(np.sort(listed[group]).tolist()) for group in groups]
    codes += [tuple(known[~common].tolist())] * bool((~common).any())
    labels = ["codes " + " ".join(f"{code:g}" for code in each) for each in codes]
    return _bins(feature, column, y, weight, total, labels, (), tuple(codes) or ((),), ())


def _bins(
    feature: str, column: np.ndarray, y: np.ndarray, weight: np.ndarray, total: np.ndarray, labels: Iterable[str],
    edges: tuple[float, ...], codes: tuple[tuple[float, ...], ...], special: tuple[float, ...],
) -> Bins:  # fmt: skip
    every = [*labels] or ["none"]
    every += [f"= {value:g}" for value in special] + ["missing"]
    blank = Bins(feature, tuple(Bin(label, 0.0, 0.0, 0.0) for label in every), edges, codes, special, 0.0)
    counts = _counts(blank.places(column), y, weight, len(every))
    woe = np.where(counts.sum(axis=1) > 0, _woe(counts, total), 0.0)
    shares = counts / total
    information = float(np.sum((shares[:, 0] - shares[:, 1]) * woe))
    bins = tuple(
        Bin(label, good, bad, each)
        for label, (good, bad), each in zip(every, counts.tolist(), woe.tolist(), strict=True)
    )
    return Bins(feature, bins, edges, codes, special, information)


def _cuts(column: np.ndarray, y: np.ndarray, weight: np.ndarray, settings: ScorecardSettings) -> np.ndarray:
    """More edges than will be kept, rising."""
    from sklearn.tree import DecisionTreeClassifier

    finite = column[np.isfinite(column)]
    if not len(finite) or y.min() == y.max():
        return np.zeros(0)
    low, high = max(finite.min(), -LARGEST), min(finite.max(), LARGEST)
    tree = DecisionTreeClassifier(
        criterion="entropy", max_leaf_nodes=_FINE * settings.bins, min_weight_fraction_leaf=settings.least_share,
        random_state=0,
    ).fit(np.clip(column, low, high)[:, None], y, sample_weight=weight).tree_  # fmt: skip
    return np.unique(tree.threshold[tree.feature >= 0])


def _counts(place: np.ndarray, y: np.ndarray, weight: np.ndarray, n: int) -> np.ndarray:
    """Goods and bads of each bin, float64[n, 2]."""
    bad = np.bincount(place, weights=weight * y, minlength=n)
    return np.column_stack([np.bincount(place, weights=weight, minlength=n) - bad, bad])


def _woe(counts: np.ndarray, total: np.ndarray) -> np.ndarray:
    shares = (counts + HALF) / (total + HALF)
    return np.asarray(np.log(shares[:, 0]) - np.log(shares[:, 1]))


def _merged(counts: np.ndarray, total: np.ndarray, most: int, sign: int | None) -> list[list[int]]:
    """Runs of neighbouring bins: at most so many, their evidence moving one way where a sign is given."""
    if sign == 0:
        ways = [_merged(counts, total, most, way) for way in (1, -1)]
        return max(ways, key=lambda groups: _information(counts, groups, total))
    groups = [[place] for place in range(len(counts))]
    while sign is not None and len(groups) > 1:
        # Risk rises where the evidence of goodness falls.
        against = sign * np.diff(_woe(_sums(counts, groups), total))
        worst = int(np.argmax(against))
        if against[worst] <= 0:
            break
        groups[worst : worst + 2] = [groups[worst] + groups[worst + 1]]
    while len(groups) > most:
        tried = [
            [*groups[:place], groups[place] + groups[place + 1], *groups[place + 2 :]]
            for place in range(len(groups) - 1)
        ]
        groups = max(tried, key=lambda each: _information(counts, each, total))
    return groups


def _sums(counts: np.ndarray, groups: list[list[int]]) -> np.ndarray:
    return np.array([counts[group].sum(axis=0) for group in groups])


def _information(counts: np.ndarray, groups: list[list[int]], total: np.ndarray) -> float:
    sums = _sums(counts, groups)
    shares = sums / total
    return float(np.sum((shares[:, 0] - shares[:, 1]) * _woe(sums, total)))


def _intervals(edges: tuple[float, ...]) -> list[str]:
    """How the card prints the bins between the edges."""
    if not edges:
        return ["any"]
    between = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"≤ {edges[0]:g}", *between, f"> {edges[-1]:g}"]
