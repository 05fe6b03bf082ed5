"""Drift of the score and of each feature: today's decisions against those of the past four weeks, bundle by bundle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import yaml

from domain.decision import Product
from domain.errors import ModelError
from monitoring.baseline import LEAST_PAST, extremes
from monitoring.indicator import Indicator
from monitoring.population import Population, decided_population
from monitoring.reading import Reading, not_assessed
from monitoring.sight import Sight
from scoring.drift import psi
from scoring.pages.words import say
from stores.breaches import Breaches
from stores.bundles import pointed, verify_files

_PAST = 28
_LEAST = 100
_BINS = 10
_CONFIDENCE = 0.999
_BEYOND = 3.0


def _score(sight: Sight) -> Iterator[Reading]:
    for product in Product:
        before, today, where = _raw_scores(sight, product)
        if len(before) or len(today):
            yield _unlike_past(sight, "score_drift", _index(before, today, where, _CONFIDENCE))


def _raw_scores(sight: Sight, product: Product) -> tuple[np.ndarray, np.ndarray, str]:
    """Raw scores by the newest model of the chunk, before it and in it."""
    table = sight.decisions(product.value, since=sight.chunks_before(_PAST)[0].since)
    table = table.filter(pc.is_valid(table["raw_score"]))
    if not table.num_rows:
        return np.zeros(0), np.zeros(0), ""
    mine = table.filter(pc.equal(table["model"], table["model"][-1]))
    raw, now = mine["raw_score"].to_numpy(), mine["decided_at"].to_numpy() >= sight.since
    return raw[~now], raw[now], f"product={product.value}"


def _features(sight: Sight) -> Iterator[Reading]:
    for product in Product:
        digest = pointed(sight.look.home.pointers, product.value)
        if digest is None:
            continue
        names, categorical = sight.once(f"names {digest}", lambda digest=digest: _names(sight, digest))  # type: ignore[misc]
        table = sight.decisions(product.value, since=sight.chunks_before(_PAST)[0].since)
        mine = table.filter(pc.equal(table["model"], digest))
        now = pc.greater_equal(mine["decided_at"], sight.since)
        today = decided_population(mine.filter(now), names)
        before = decided_population(mine.filter(pc.invert(now)), names)
        for reading in _each(before, today, product, categorical):
            yield _unlike_past(sight, "feature_drift", reading)


def _each(before: Population, today: Population, product: Product, categorical: frozenset[str]) -> Iterator[Reading]:
    confidence = 1 - (1 - _CONFIDENCE) / max(1, len(today.names))
    for place, name in enumerate(today.names):
        where = f"product={product.value},feature={name}"
        columns = before.vectors[:, place], today.vectors[:, place]
        yield _index(*columns, where, confidence, categorical=name in categorical)


def _index(
    before: np.ndarray, today: np.ndarray, where: str, confidence: float, *, categorical: bool = False
) -> Reading:
    n = min(len(before), len(today))
    if n < _LEAST:
        return not_assessed(f"{n} rows, at least {_LEAST} are needed", len(today), where)
    found = psi(before, today, n_bins=_BINS, categorical=categorical, confidence=confidence)
    note = f"chance alone stays below {found.by_chance:.3f}"
    return Reading(found.value, len(today), where, within_chance=found.value <= found.by_chance, note=note)


def _unlike_past(sight: Sight, key: str, reading: Reading) -> Reading:
    """The same, within chance unless it is well beyond what earlier days of this place read.

    Rows of one day share their merchant's, their channel's or the platform's hour, so that a day differs from four
    weeks by far more than independent rows would. How much is seen from the days before; until there are enough of
    them, and up to three times what they reached, a value is chance.
    """
    if reading.value is None:
        return reading
    kept = Breaches(sight.look.database).readings(key, place=reading.where, until=sight.since)[-_PAST:]
    past = np.array([each.value for each in kept if each.value is not None])
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
)
