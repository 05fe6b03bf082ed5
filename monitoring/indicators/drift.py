"""Drift of the score and of each feature: today's decisions against those of the past four weeks, bundle by bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc
import yaml

from domain.decision import Product
from domain.errors import ModelError
from monitoring.baseline import LEAST_PAST, extremes
from monitoring.indicator import Indicator
from monitoring.population import decided_population
from monitoring.reading import Reading, not_assessed
from monitoring.sight import Sight
from scoring.drift import psi
from scoring.pages.words import say
from stores.breaches import Breaches, KeptReading
from stores.bundles import pointed, verify_files

_PAST = 28
_LEAST = 100
_BINS = 10
_CONFIDENCE = 0.999
_BEYOND = 3.0
_NAMED = 5

DRIFTED = 0.25
"""Stability index from which a feature counts as drifted, where chance does not explain it: customary in scorecards."""


def _score(sight: Sight) -> Iterator[Reading]:
    earlier = _earlier(sight, "score_drift")
    for product in Product:
        before, today, where = _raw_scores(sight, product)
        if len(before) or len(today):
            yield _unlike_past(_index(before, today, where, _CONFIDENCE), earlier.get(where, []))


def _raw_scores(sight: Sight, product: Product) -> tuple[np.ndarray, np.ndarray, str]:
    """Raw scores by the newest model of the chunk, before it and in it."""
    table = sight.decisions(product.value, since=sight.chunks_before(_PAST)[0].since)
    table = table.filter(pc.is_valid(table["raw_score"]))
    if not table.num_rows:
        return np.zeros(0), np.zeros(0), ""
    mine = table.filter(pc.equal(table["model"], table["model"][-1]))
    raw, now = mine["raw_score"].to_numpy(), mine["decided_at"].to_numpy() >= sight.since
    return raw[~now], raw[now], f"product={product.value}"


def _features(sight: Sight) -> list[Reading]:
    """Each feature of each deployed model, read once for both indicators."""
    return sight.once(
        f"feature drift {sight.since} {sight.until}",
        lambda: [each for product in Product for each in _features_of(sight, product)],
    )


def _features_of(sight: Sight, product: Product) -> list[Reading]:
    digest = pointed(sight.look.home.pointers, product.value)
    if digest is None:
        return []
    made = sight.once(f"vectors {digest}", lambda: _Vectors.of(sight, product, digest))
    before = made.between(sight.chunks_before(_PAST)[0].since, sight.since)
    today = made.between(sight.since, sight.until)
    confidence = 1 - (1 - _CONFIDENCE) / max(1, len(made.names))
    earlier = _earlier(sight, "feature_drift")
    found = []
    for place, name in enumerate(made.names):
        where = f"product={product.value},feature={name}"
        reading = _index(
            before[:, place], today[:, place], where, confidence, categorical=name in made.categorical
        )  # fmt: skip
        found.append(_unlike_past(reading, earlier.get(where, [])))
    return found


def _together(sight: Sight) -> Iterator[Reading]:
    """How many features of a model drifted; one cause moves many of them, and is one breach."""
    for product in Product:
        where = f"product={product.value}"
        mine = [each for each in _features(sight) if each.where.startswith(f"{where},")]
        told = [each for each in mine if each.value is not None]
        if not told:
            if mine:
                yield not_assessed(mine[0].note, mine[0].n, where)
            continue
        drifted = [each for each in told if not each.within_chance and (each.value or 0.0) >= DRIFTED]
        worst = sorted(drifted, key=lambda each: -(each.value or 0.0))[:_NAMED]
        names = [f"{each.where.partition('feature=')[2]} {each.value:.2f}" for each in worst]
        more = f" and {len(drifted) - len(worst)} more" if len(drifted) > len(worst) else ""
        note = f"of {len(told)} features: {', '.join(names) or 'none'}{more}"
        yield Reading(float(len(drifted)), told[0].n, where, note=note)


@dataclass(frozen=True)
class _Vectors:
    """Vectors that a model was given, in order of time."""

    names: tuple[str, ...]
    categorical: frozenset[str]
    decided_at: np.ndarray
    vectors: np.ndarray

    @classmethod
    def of(cls, sight: Sight, product: Product, digest: str) -> _Vectors:
        """Of every decision by a bundle."""
        names, categorical = _names(sight, digest)
        table = sight.all_decisions(product.value)
        table = table.filter(pc.and_kleene(pc.equal(table["model"], digest), pc.is_valid(table["vector"])))
        decided_at = table["decided_at"].to_numpy()
        order = np.argsort(decided_at, kind="stable")
        vectors = decided_population(table, names).vectors
        return cls(names, categorical, decided_at[order], vectors[order])

    def between(self, since: int, until: int) -> np.ndarray:
        """Those of ``since <= decided_at < until``."""
        first, last = np.searchsorted(self.decided_at, [since, until], side="left")
        return self.vectors[int(first) : int(last)]


def _index(
    before: np.ndarray, today: np.ndarray, where: str, confidence: float, *, categorical: bool = False
) -> Reading:
    n = min(len(before), len(today))
    if n < _LEAST:
        return not_assessed(f"{n} rows, at least {_LEAST} are needed", len(today), where)
    found = psi(before, today, n_bins=_BINS, categorical=categorical, confidence=confidence)
    note = f"chance alone stays below {found.by_chance:.3f}"
    return Reading(found.value, len(today), where, within_chance=found.value <= found.by_chance, note=note)


def _earlier(sight: Sight, key: str) -> dict[str, list[float]]:
    """Place → what it read on the days before, oldest first."""
    found: dict[str, list[KeptReading]] = {}
    for each in Breaches(sight.look.database).readings(key, until=sight.since):
        found.setdefault(each.place, []).append(each)
    return {place: [one.value for one in kept[-_PAST:] if one.value is not None] for place, kept in found.items()}


def _unlike_past(reading: Reading, earlier: Sequence[float]) -> Reading:
    """The same, within chance unless it is well beyond what earlier days of this place read.

    Rows of one day share their merchant's, their channel's or the platform's hour, so that a day differs from four
    weeks by far more than independent rows would. How much is seen from the days before; until there are enough of
    them, and up to three times what they reached, a value is chance.
    """
    if reading.value is None:
        return reading
    past = np.array(earlier)
    if len(past) < LEAST_PAST:
        return replace(reading, within_chance=True, note=f"{reading.note}; {len(past)} days before it")
    most = extremes(past)[1]
    within = reading.within_chance or reading.value <= _BEYOND * most
    return replace(reading, within_chance=within, note=f"{reading.note}; days before reached {most:.3f}")


def _names(sight: Sight, digest: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Names of a deployed bundle's features, and which of them are categories."""
    folder = sight.look.home.bundles / digest
    said = yaml.safe_load(verify_files(folder).read("settings.yaml"))
    try:
        return tuple(said["names"]), frozenset(said["categories"])
    except (KeyError, TypeError) as error:
        raise ModelError(f"{folder}/settings.yaml: expected names and categories, got {error!r}") from error


INDICATORS = (
    Indicator("score_drift", say("early_warning.score_drift"), _score, form=".3f"),
    Indicator("feature_drift", say("early_warning.feature_drift"), _features, form=".3f"),
    Indicator("features_drifted", say("early_warning.features_drifted"), _together, form=",.0f"),
)
