"""What would have changed the outcome of an application: the smallest changes of what the applicant can change.

free        numbers of the request whose concept the reason book calls actionable and whose expected sign is known;
            age, history and everything that the past decided stay as they are
grid        each free number moves the way its sign calls safe, in steps of its second digit (a narrower dip of the
            score is no advice), no further than 99 % of the reference
rows        every choice of one, two or three free numbers; what is derived from them is derived anew
verified    a change counts only when the changed row itself scores below the cut-off
smallest    least effort (Σ |change| / value before); two changes only where they cost less than one of them alone
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from domain.decision import Product
from domain.errors import InputError, expected_got
from scoring.bundle import Bundle
from scoring.rederiving import Rederiving

_STEPS = {1: 100, 2: 20, 3: 12}
"""Numbers changed together → values tried of each."""

_EDGE = 0.01


@dataclass(frozen=True, slots=True)
class Change:
    """One number of the application, as it was and as it would have to be."""

    feature: str
    before: float
    after: float
    unit: str


@dataclass(frozen=True, slots=True)
class Recourse:
    """Changes that together bring the calibrated score below a cut-off, all else held.

    Parameters
    ----------
    probability : of the changed row. before : of the row as it was.
    effort : sum of the relative changes.
    """

    changes: tuple[Change, ...]
    before: float
    probability: float
    effort: float


def recourse(bundle: Bundle, row: NDArray[np.float64], cutoff: float, *, at_most: int = 3) -> tuple[Recourse, ...]:
    """The smallest changes for one application, least effort first; make a `Recourses` for many.

    Parameters
    ----------
    row : float64[m], encoded.
    cutoff : calibrated probability that the score must fall below.

    Returns
    -------
    At most ``at_most``; none where the score is below the cut-off already, or nothing that may change brings it there.

    Raises
    ------
    InputError
        When the bundle decides on payments: telling how to pass a fraud check would defeat it.
    """
    return Recourses(bundle).of(row, cutoff, at_most=at_most)


class Recourses:
    """As `recourse`, for many rows of one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        if bundle.product is not Product.LOAN:
            raise InputError(expected_got("a model of loan applications", bundle.product.value, "recourse"))
        self._bundle = bundle
        self._names = bundle.encoder.names
        self._derive = Rederiving(bundle)
        reference = bundle.reference()
        self._bounds: dict[str, tuple[int, float, bool]] = {}
        for name in actionable(bundle):
            feature = bundle.feature_set.feature(name)
            known = reference[name].drop_null().to_numpy().astype(np.float64)
            known = known[np.isfinite(known)]
            if feature.sign is None or not len(known) or not self._derive.follows(name):
                continue
            bound = float(np.quantile(known, _EDGE if feature.sign > 0 else 1 - _EDGE))
            whole = bool(np.all(known == np.round(known)) and known.max() < 1_000)
            self._bounds[name] = (feature.sign, bound, whole)

    def of(self, row: NDArray[np.float64], cutoff: float, *, at_most: int = 3) -> tuple[Recourse, ...]:
        """The smallest changes of one row; see `recourse`."""
        before = self._bundle.calibrator.probability(self._bundle.scorer.raw(row))
        if before < cutoff:
            return ()
        found: dict[tuple[str, ...], Recourse] = {}
        free = [name for name in self._bounds if np.isfinite(row[self._names.index(name)])]
        for size in _STEPS:
            for names in combinations(free, size):
                dearer = [each.effort for chosen, each in found.items() if set(chosen) <= set(names)]
                best = self._best(row, names, cutoff, before, min(dearer, default=np.inf))
                if best is not None:
                    found[names] = best
        return tuple(sorted(found.values(), key=lambda each: (each.effort, each.changes[0].feature))[:at_most])

    def _best(
        self, row: NDArray[np.float64], names: Sequence[str], cutoff: float, before: float, cheaper_than: float
    ) -> Recourse | None:
        places = [self._names.index(name) for name in names]
        tried = [self._values(name, row[place], _STEPS[len(names)]) for name, place in zip(names, places, strict=True)]
        if not all(len(values) for values in tried):
            return None
        grid = np.stack(np.meshgrid(*tried, indexing="ij"), axis=-1).reshape(-1, len(names))
        was = row[places]
        effort = (np.abs(grid - was) / np.maximum(np.abs(was), 1e-9)).sum(axis=1)
        order = np.argsort(effort, kind="stable")
        order = order[effort[order] < cheaper_than]
        rows = np.repeat(row[None], len(order), axis=0)
        rows[:, places] = grid[order]
        rows = self._derive(rows, np.broadcast_to(row, rows.shape))
        below = self._bundle.calibrator.probability(self._bundle.scorer.raw_many(rows)) < cutoff
        if not below.any():
            return None
        at = int(np.argmax(below))
        changes = tuple(
            Change(name, float(old), float(new), self._bundle.feature_set.feature(name).unit)
            for name, old, new in zip(names, was, grid[order[at]], strict=True)
        )
        probability = self._bundle.calibrator.probability(self._bundle.scorer.raw(rows[at]))
        return Recourse(changes, before, probability, float(effort[order[at]]))

    def _values(self, name: str, value: float, steps: int) -> NDArray[np.float64]:
        """Round values on the safer side of one, nearest first."""
        sign, bound, whole = self._bounds[name]
        if sign * (value - bound) <= 0:
            return np.zeros(0)
        tried = np.linspace(value, bound, steps + 1)[1:]
        unit = 1.0 if whole else 10.0 ** (np.floor(np.log10(max(abs(value), 1.0))) - 1)
        # Rounded away from the value: a step is never smaller than it claims.
        rounded = (np.floor if sign > 0 else np.ceil)(tried / unit) * unit
        kept = rounded[(sign * (value - rounded) > 0) & (rounded >= 0)]
        return np.unique(kept)[:: -1 if sign > 0 else 1]


def actionable(bundle: Bundle) -> tuple[str, ...]:
    """Numbers of the request that the reason book says the applicant can change."""
    concepts = {concept.code: concept for concept in bundle.reason_book.concepts}
    return tuple(
        feature.name
        for feature in bundle.feature_set.features
        if feature.form == "own"
        and feature.name not in bundle.feature_set.categorical
        and concepts[bundle.reason_book.covers[feature.name]].actionable
    )
