"""Attackers: what somebody who knows the model could do with the inputs that are theirs to choose.

A column below is chosen by whoever asks: as a figure of the request, or as the device, address or payee that is used.
What was counted of the victim's card or of the borrower's past is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.describing import Feature
from training.robustness import Score

CHOSEN: Mapping[str, frozenset[str]] = {
    # Another device, address, payee or shop brings its own history along; the clock is chosen by waiting.
    "payment": frozenset(
        ("amount", "channel", "auth_method", "mcc", "country", "region", "card_present", "latitude", "longitude",
         "device_id", "ip_id", "payee_id", "merchant_id", "terminal_id", "event_time")
    ),
    # All that is declared, checked or not.
    "loan": frozenset(
        ("amount", "term_months", "product", "purpose", "channel", "region", "income_monthly", "debt_monthly",
         "employment", "employed_months", "education", "housing", "n_dependants", "device_id", "ip_id", "event_time")
    ),
}  # fmt: skip
"""Product → columns of its requests that the sender chooses."""

Follow = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Changed rows, and the same before → the changed ones with what is derived from others derived anew."""

_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)


@dataclass(frozen=True)
class Evasion:
    """How many caught ones come free.

    Parameters
    ----------
    n : events at or above the cut-off. n_free : of them below it once every chosen feature is where it helps most.
    fall : median fall of the raw score, log-odds. alone : feature → events that it frees by itself.
    """

    n: int
    n_free: int
    fall: float
    alone: Mapping[str, int]


def is_chosen(feature: Feature, product: str) -> bool:
    """Whether whoever asks chooses what a feature is computed from: the first column it reads.

    An aggregate's is its entity, so what is known of a payee follows from the payee that is chosen.

    Examples
    --------
    >>> made = dict(group="payee", unit="events", doc="", columns=("payee_id", "stage"))
    >>> is_chosen(Feature("payee_count_30d", form="aggregate", **made), "payment")
    True
    """
    return bool(feature.columns) and feature.columns[0] in CHOSEN[product]


def _alone(rows: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Nothing is derived from anything."""
    del original
    return rows


def evade(
    X: np.ndarray,
    genuine: np.ndarray,
    score: Score,
    cutoff: float,
    names: Sequence[str],
    chosen: Sequence[str],
    categorical: Sequence[str],
    follow: Follow = _alone,
) -> Evasion:
    """Move the chosen features of caught rows, one after another, to the value that lowers the score most.

    Each moves by itself among what is seen in genuine rows, though some of them move together in truth: this bounds
    from above what an attacker who knows the model gains, within one pass over the features.

    Parameters
    ----------
    X : float64[n, m], caught rows. genuine : float64[k, m]. cutoff : probability from which a row is caught.
    follow : changed rows and the same before → the changed ones with what is derived from others derived anew.

    Examples
    --------
    >>> def score(X):
    ...     return X[:, 0] + X[:, 1], 1 / (1 + np.exp(-X[:, 0] - X[:, 1]))
    >>> genuine = np.random.default_rng(0).normal(size=(200, 2))
    >>> made = evade(np.array([[3.0, 3.0], [9.0, 0.0]]), genuine, score, 0.5, ("a", "b"), ("a",), ())
    >>> made.n, made.n_free, made.alone
    (2, 1, {'a': 1})
    """
    place = {name: where for where, name in enumerate(names)}
    raw, _ = score(X)
    best, now = raw.copy(), X.copy()
    alone: dict[str, int] = {}
    for name in chosen:
        values = _values(genuine[:, place[name]], name in categorical)
        if len(values) == 0:
            continue
        _, probability = _tried(X, X, place[name], values, score, follow)
        alone[name] = int((probability.min(axis=0) < cutoff).sum())
        moved, _ = _tried(now, X, place[name], values, score, follow)
        least = np.argmin(moved, axis=0)
        lower = moved[least, np.arange(len(X))]
        better = lower < best
        now[better, place[name]] = values[least[better]]
        best = np.where(better, lower, best)
    _, freed = score(follow(now, X))
    return Evasion(len(X), int((freed < cutoff).sum()), float(np.median(raw - best)), alone)


def _tried(
    X: np.ndarray, original: np.ndarray, place: int, values: np.ndarray, score: Score, follow: Follow
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of every row with every value of a feature, float64[k, n] each."""
    made = np.tile(X, (len(values), 1))
    made[:, place] = np.repeat(values, len(X))
    raw, probability = score(follow(made, np.tile(original, (len(values), 1))))
    return raw.reshape(len(values), len(X)), probability.reshape(len(values), len(X))


def _values(column: np.ndarray, categorical: bool) -> np.ndarray:
    """What may be chosen: each category seen, or quantiles of a number."""
    seen = column[~np.isnan(column)]
    if len(seen) == 0 or categorical:
        return np.asarray(np.unique(seen))
    return np.asarray(np.unique(np.quantile(seen, _QUANTILES, method="inverted_cdf")))
