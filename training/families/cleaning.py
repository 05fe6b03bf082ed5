"""Columns as a linear model or a plain tree can read them; everything is learnt from training rows.

X          float64[n, m]     numbers with NaN and ±inf, category codes
numbers    bounded at training quantiles (so ±inf become the ends), squashed, filled with the median, scaled
missing    one column for each number that was missing in some training row
codes      one column per common code, and one for unknown: missing, rare or never seen
Z          float64[n, p]     finite, without columns that are constant in training
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.errors import DataError, expected_got
from training.families.family import Columns, Labelled
from training.families.settings import Preprocessing

LARGEST = 1e30
"""Far below the largest float32: scikit-learn adds columns up to see whether they are finite."""

_NORMAL_QUARTILES = 1.349
"""Interquartile range of a normal variable of variance 1."""


@dataclass(frozen=True)
class Number:
    """How one number is read.

    Parameters
    ----------
    position : in X. low, high : bounds. centre, unit : median and typical spread, in the column's units.
    squashed : whether the signed logarithm is taken. mean, scale : of what comes out.
    """

    position: int
    low: float
    high: float
    centre: float
    unit: float
    squashed: bool
    mean: float
    scale: float

    def read(self, column: np.ndarray) -> np.ndarray:
        """Bounded, squashed and scaled; NaN stays."""
        shifted = (np.clip(column, self.low, self.high) - self.centre) / self.unit
        return np.asarray(((np.arcsinh(shifted) if self.squashed else shifted) - self.mean) / self.scale)


@dataclass(frozen=True)
class Cleaning:
    """What was learnt about the columns.

    Parameters
    ----------
    numbers : in the order of the columns. gaps : positions in X that have a column for missing values.
    codes : position in X → codes with a column of their own. unknown : positions with a column for unknown codes.
    keep_missing : leave NaN in the numbers, unscaled, for trees that know what to do with it.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [2.0, 1.0], [np.nan, 1.0], [np.inf, np.nan]])
    >>> rows = Labelled(X, np.array([0, 1, 0, 1], np.int8))
    >>> cleaning = Cleaning.fit(Columns(("amount", "channel"), ("channel",)), rows, Preprocessing(rare=0))
    >>> cleaning.names
    ('amount', 'amount missing', 'channel=0', 'channel=1', 'channel unknown')
    >>> cleaning.matrix(np.array([[2.0, 7.0]]))[:, 1:].tolist()
    [[0.0, 0.0, 0.0, 1.0]]
    """

    names: tuple[str, ...]
    numbers: tuple[Number, ...]
    gaps: tuple[int, ...]
    codes: tuple[tuple[int, tuple[float, ...]], ...]
    unknown: tuple[int, ...]
    keep_missing: bool = False

    @classmethod
    def fit(cls, columns: Columns, rows: Labelled, settings: Preprocessing, *, keep_missing: bool = False) -> Cleaning:
        """Learn bounds, fillings, scales and codes.

        Raises
        ------
        DataError
            When no column varies.
        """
        weight = np.ones(len(rows)) if rows.weight is None else rows.weight
        numbers: list[Number] = []
        gaps, codes, unknown = [], [], []
        names: list[str] = []
        missing_names: list[str] = []
        code_names: list[str] = []
        for position, name in enumerate(columns.names):
            column = rows.X[:, position]
            if name in columns.categorical:
                common, some_unknown = _codes(column, weight, settings.rare)
                shown = [f"{name}={code:g}" for code in common]
                if len(common) + some_unknown > 1:
                    codes.append((position, common))
                    code_names += shown + [f"{name} unknown"] * some_unknown
                    unknown += [position] * some_unknown
                continue
            blank = np.isnan(column)
            number = _number(position, column, weight, settings, scaled=not keep_missing)
            if number is not None and (number.low < number.high or (keep_missing and blank.any())):
                numbers.append(number)
                names.append(name)
            if number is not None and blank.any() and not keep_missing:
                gaps.append(position)
                missing_names.append(f"{name} missing")
        every = (*names, *missing_names, *code_names)
        if not every:
            raise DataError(
                expected_got(
                    "a column that varies", f"{len(columns.names)} constant or empty ones", "rows to learn from"
                )
            )
        return cls(every, tuple(numbers), tuple(gaps), tuple(codes), tuple(unknown), keep_missing)

    def matrix(self, X: np.ndarray) -> np.ndarray:
        """Encoded rows float64[n, m] → float64[n, p]."""
        Z = np.zeros((len(X), len(self.names)))
        for place, number in enumerate(self.numbers):
            Z[:, place] = number.read(X[:, number.position])
        place = len(self.numbers)
        for position in self.gaps:
            Z[:, place] = np.isnan(X[:, position])
            place += 1
        if not self.keep_missing:
            for at, number in enumerate(self.numbers):
                blank = np.isnan(Z[:, at])
                # The median row: its squashed and shifted value is 0 before scaling.
                Z[blank, at] = -number.mean / number.scale
        for position, common in self.codes:
            hit = X[:, position, None] == np.array(common)
            Z[:, place : place + len(common)] = hit
            place += len(common)
            if position in self.unknown:
                Z[:, place] = ~hit.any(axis=1)
                place += 1
        return Z

    @property
    def n_bytes(self) -> int:
        """Size of the numbers that were learnt."""
        return 8 * (8 * len(self.numbers) + len(self.gaps) + sum(1 + len(common) for _, common in self.codes))


def weighted_quantiles(column: np.ndarray, weight: np.ndarray, shares: list[float]) -> list[float]:
    """Smallest values with at least these shares of the weight at or below them; a row of weight 2 is two rows.

    Examples
    --------
    >>> weighted_quantiles(np.array([3.0, 1.0]), np.array([1.0, 3.0]), [0.5, 0.75, 0.8])
    [1.0, 1.0, 3.0]
    """
    found: list[float] = np.quantile(column, shares, weights=weight, method="inverted_cdf").tolist()
    return found


def _number(
    position: int, column: np.ndarray, weight: np.ndarray, settings: Preprocessing, *, scaled: bool
) -> Number | None:
    """None where no finite value was seen."""
    finite = np.isfinite(column)
    value, mass = column[finite], weight[finite]
    if not len(value):
        return None
    cut = settings.winsor if scaled else 0.0
    low, q1, centre, q3, high = weighted_quantiles(value, mass, [cut, 0.25, 0.5, 0.75, 1 - cut])
    if low == high:
        low, high = float(value.min()), float(value.max())
    if not scaled or low == high:
        # scikit-learn's trees hold numbers in 32 bits.
        low, high = max(low, -LARGEST), min(high, LARGEST)
        return Number(position, low, high, 0.0, 1.0, False, 0.0, 1.0)
    bounded = np.clip(value, low, high)
    unit = (q3 - q1) / _NORMAL_QUARTILES
    if not unit:
        # Most rows share one value: the spread of the others tells the unit.
        unit = float(np.average(np.abs(bounded - centre), weights=mass))
    plain = Number(position, low, high, centre, unit, settings.squash, 0.0, 1.0)
    # Missing rows are filled with the median; they count for mean and spread like any other.
    read = np.where(finite | np.isinf(column), plain.read(column), 0.0)
    mean = float(np.average(read, weights=weight))
    scale = float(np.sqrt(np.average((read - mean) ** 2, weights=weight)))
    return Number(position, low, high, centre, unit, settings.squash, mean, scale or 1.0)


def _codes(column: np.ndarray, weight: np.ndarray, rare: float) -> tuple[tuple[float, ...], bool]:
    """Codes with at least the share, and whether some row has another one or none."""
    known, place = np.unique(column[np.isfinite(column)], return_inverse=True)
    mass = np.bincount(place, weights=weight[np.isfinite(column)], minlength=len(known))
    common = known[mass >= rare * weight.sum()]
    return tuple(common.tolist()), bool((~np.isin(column, common)).any())
