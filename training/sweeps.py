"""Proof that a score keeps to the expected signs: each feature is swept over its whole range, the rest of a row held.

rows        n_rows of X, drawn once                                        float64[n_rows, m]
values      of one feature, rising: for a LightGBM text one on each side of all its thresholds, so that no step of the
            score can lie between two of them; otherwise quantiles of X    float64[k]
raw         of each row with each value                                    float64[n_rows, k]
fall        the greatest drop from an earlier value to a later one (for a sign of −1 the greatest rise)

A missing value has no place in the order and is not swept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.errors import InputError, expected_got

ROUNDING = 1e-9
"""Falls up to this are rounding: sums of rising terms rise in floating point too, but a product need not."""

_QUANTILES = 256
_AT_ONCE = 200_000
_CATEGORICAL = 1


@dataclass(frozen=True)
class Violation:
    """Where a score moves against the sign of a feature.

    Parameters
    ----------
    worst : how far the raw score moves the wrong way, above 0.
    low, high : the two values of the feature, the second the greater, between which it does.
    row : feature → value of the row it happens in; the swept feature as it was in the row.
    """

    feature: str
    sign: int
    worst: float
    low: float
    high: float
    row: Mapping[str, float]

    def __str__(self) -> str:
        way = "falls" if self.sign > 0 else "rises"
        return f"{self.feature} from {self.low:g} to {self.high:g}: the raw score {way} by {self.worst:.3g}"


def monotone_violations(
    raw: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    names: Sequence[str],
    signs: Mapping[str, int],
    *,
    model_text: str | None = None,
    n_rows: int = 200,
    seed: int = 0,
) -> list[Violation]:
    """Features along which some row's score moves against the expected sign, the worst first.

    Parameters
    ----------
    raw : encoded rows float64[n, m] → raw scores float64[n].
    X : float64[n, m], rows to start from; ``n_rows`` of them are used.
    names : of the columns. signs : feature → +1 or −1.
    model_text : of a LightGBM model; its thresholds make the sweep of each row exact.

    Raises
    ------
    InputError
        When there are no rows, a sign is neither 1 nor −1, or belongs to no column.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> hump = lambda rows: -np.abs(rows[:, 0]) - rows[:, 1]
    >>> [(each.feature, each.sign) for each in monotone_violations(hump, X, ["a", "b"], {"a": 1, "b": -1})]
    [('a', 1)]
    """
    wrong = {name: sign for name, sign in signs.items() if name not in names or sign not in (1, -1)}
    if wrong or not len(X):
        raise InputError(expected_got("rows, and signs of 1 or -1 for their columns", wrong or "no rows", "sweep"))
    chosen = np.sort(np.random.default_rng(seed).permutation(len(X))[:n_rows])
    rows = np.array(X[chosen], np.float64)
    cuts = None if model_text is None else thresholds(model_text)
    found = []
    for name, sign in signs.items():
        place = list(names).index(name)
        values = _values(X[:, place]) if cuts is None else _sides(cuts.get(name, np.zeros(0)))
        worst = _worst(raw, rows, place, values, sign)
        if worst is not None and worst[0] > ROUNDING:
            fall, row, low, high = worst
            told = dict(zip(names, rows[row].tolist(), strict=True))
            found.append(Violation(name, sign, fall, float(values[low]), float(values[high]), told))
    return sorted(found, key=lambda each: -each.worst)


def thresholds(model_text: str) -> dict[str, np.ndarray]:
    r"""Feature → all values at which some tree of a LightGBM text splits on it as a number, rising.

    Examples
    --------
    >>> text = "feature_names=a b\n\nTree=0\nsplit_feature=1 1\nthreshold=0.5 -2\ndecision_type=2 2\n"
    >>> thresholds(text)["b"].tolist()
    [-2.0, 0.5]
    """
    names: list[str] = []
    found: dict[str, set[float]] = {}
    features: list[str] = []
    cuts: list[str] = []
    for line in model_text.splitlines():
        key, _, value = line.partition("=")
        if key == "feature_names":
            names = value.split(" ")
        elif key == "split_feature":
            features = value.split()
        elif key == "threshold":
            cuts = value.split()
        elif key == "decision_type":
            for feature, cut, decision in zip(features, cuts, value.split(), strict=True):
                if not int(decision) & _CATEGORICAL:
                    found.setdefault(names[int(feature)], set()).add(float(cut))
    return {name: np.array(sorted(values)) for name, values in found.items()}


def _sides(cuts: np.ndarray) -> np.ndarray:
    """A row goes left at a threshold and right just above it; thresholds near 0 mean 0, so ±0 are among them."""
    return np.unique(np.concatenate([cuts, np.nextafter(cuts, np.inf), [0.0] if len(cuts) else []]))


def _values(column: np.ndarray) -> np.ndarray:
    finite = column[np.isfinite(column)]
    known = np.unique(finite)
    if len(known) <= _QUANTILES:
        return known
    return np.unique(np.quantile(finite, np.linspace(0, 1, _QUANTILES), method="inverted_cdf"))


def _worst(
    raw: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, place: int, values: np.ndarray, sign: int
) -> tuple[float, int, int, int] | None:
    """The greatest fall, its row, and the places of the two values; None where there is nothing to sweep."""
    if len(values) < 2:
        return None
    worst: tuple[float, int, int, int] | None = None
    step = max(1, _AT_ONCE // len(values))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        swept = np.repeat(part, len(values), axis=0)
        swept[:, place] = np.tile(values, len(part))
        score = sign * np.asarray(raw(swept)).reshape(len(part), len(values))
        peak = np.maximum.accumulate(score, axis=1)
        fall = peak - score
        row, high = np.unravel_index(int(np.argmax(fall)), fall.shape)
        if worst is None or fall[row, high] > worst[0]:
            low = int(np.argmax(score[row, : high + 1]))
            worst = (float(fall[row, high]), start + int(row), low, int(high))
    return worst
