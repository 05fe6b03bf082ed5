"""All families on the same folds with the same budget, in one table, paired against LightGBM.

journal --features, labels, split--> the rows that `train` would use
each family --same folds, trials, seconds--> parameters --fit on train--> raw scores of the test
calibration part --> calibrator of each;  test --> figures, the same resamples for all, paired differences
one row at a time, every model in turns --> latency
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from domain.decision import Product
from domain.errors import DataError, ModelError
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from features.catalogue import load as load_features
from features.replay import build_snapshot
from features.snapshot import Snapshot
from scoring.encode import Encoder
from scoring.label_intake import LabelIntake
from scoring.metrics import Ranking, brier, calibration_intervals, calibration_line
from scoring.released import read_outcomes
from stores.journal import Journal
from training.calendar import day_numbers
from training.comparison_table import Comparison, Contender
from training.contest import Entry, Ring, failures, latencies
from training.dataset import Dataset, label
from training.families.catalogue import FAMILIES, make
from training.families.constraints import catalogue_groups, expected_signs
from training.families.family import Columns
from training.imbalance import thinning
from training.intervals import Interval, interval_of, resamples
from training.progress import Progress, silent
from training.record import data_hash
from training.search import StudyPlace
from training.settings import TrainingSettings
from training.splits import Split, make_split

REFERENCE = "lightgbm"
"""What the others are paired with: the family whose models can be served."""


def compare(
    settings: TrainingSettings,
    platform: PlatformSettings,
    journal: Journal,
    *,
    families: Sequence[str] = FAMILIES,
    studies: Path | None = None,
    snapshot: Snapshot | None = None,
    as_of: int | None = None,
    label_rules: LabelIntake | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Train every family as `train` would train its own, and set their figures side by side.

    Parameters
    ----------
    families : names of the contenders; each searches with the settings' trials and seconds.
    studies : folder of kept studies, where the settings name one; each family has its own.
    snapshot : features already built; built from the journal when absent.
    as_of : nothing known later, µs UTC, is used as a label; the newest known instant by default.
    label_rules : of the intake of outcomes; what they hold back is not learnt from. Nothing is held without.

    Raises
    ------
    DataError
        When the snapshot is of other features, or labels or periods do not suffice.
    ModelError
        When no family at all gave scores.
    """
    feature_set = load_features(settings.features, platform, journal.extensions(settings.subject_kind))
    if snapshot is None:
        snapshot = build_snapshot(
            feature_set, journal, platform, threads=settings.threads,
            progress=lambda done, total, what: progress("features", done, total, what),
        )  # fmt: skip
    elif snapshot.manifest["definition"] != feature_set.hash:
        raise DataError("snapshot: expected features of these settings, got others; build it again")
    upto = int(snapshot.manifest["upto_seq"])
    outcomes = read_outcomes(journal, settings.policy, label_rules, upto=upto, as_of=as_of)
    dataset = label(snapshot.table, outcomes.table, settings.policy, settings.maturity.clock, as_of)
    split = make_split(dataset, settings, platform.time_zone)
    ring = _ring(settings, feature_set, dataset, split)
    signs, groups = expected_signs(feature_set), catalogue_groups(feature_set)
    entries = []
    for name in dict.fromkeys(families):
        budget = settings.search
        place = StudyPlace.of(
            budget.model_copy(update={"study": None if budget.study is None else f"{budget.study}-{name}"}), studies
        )
        entries.append(
            ring.enter(name, lambda name=name: make(name, settings, signs, groups), progress, place)  # type: ignore[misc]
        )
    if len(failures(entries)) == len(entries):
        raise ModelError(f"comparison: every family failed: {'; '.join(f'{e.family} {e.note}' for e in entries)}")
    progress("measure", 0, 1, f"{len(split.test.rows):,} test rows")
    days = day_numbers(dataset.event_time[split.test.rows], platform.time_zone)
    return judged(settings, ring, entries, days)


def _ring(settings: TrainingSettings, feature_set: FeatureSet, dataset: Dataset, split: Split) -> Ring:
    encoder = Encoder.fit(dataset.table.take(pa.array(split.train.rows)), feature_set)
    thin = thinning(settings.imbalance, dataset.table, settings.seed)
    columns = Columns(feature_set.names, feature_set.categorical)
    return Ring(settings, columns, encoder.matrix(dataset.table), split, settings.search, thin)


def judged(settings: TrainingSettings, ring: Ring, entries: Sequence[Entry], days: np.ndarray) -> Comparison:
    """Figures of all entries over the same resamples, and what each costs to ask.

    Parameters
    ----------
    days : int64[n], business days of the test rows; payments are resampled by them.
    """
    test = ring.split.test
    scored = {entry.family: entry for entry in entries if entry.raw is not None}
    clustered = settings.product is Product.PAYMENT and len(np.unique(days)) > 1
    cluster = days if clustered else None
    whole, drawn = _figures(settings, test.y, scored, cluster)
    micros = latencies(
        {name: entry.model for name, entry in scored.items() if entry.model is not None}, ring.X[test.rows]
    )
    contenders = []
    for entry in entries:
        if entry.family not in scored:
            contenders.append(Contender(entry.family, note=entry.note))
            continue
        figures, differences = {}, {}
        for figure, value in whole[entry.family].items():
            mine = drawn[entry.family][figure]
            figures[figure] = (value, interval_of(mine))
            if entry.family != REFERENCE and figure in whole.get(REFERENCE, {}):
                theirs = drawn[REFERENCE][figure]
                differences[figure] = (value - whole[REFERENCE][figure], interval_of(mine - theirs))
        figures |= _calibration(test.y, entry, cluster)
        contenders.append(_contender(entry, figures, differences, micros))
    period = "" if test.period is None else f" {test.period}"
    return Comparison(
        name=settings.name,
        rows=f"{settings.name}, {ring.split.kind} split, test{period}",
        n=len(test.y),
        n_events=test.n_events,
        clustered=f"days ({len(np.unique(days))})" if clustered else "rows",
        objective=settings.objective,
        trials=ring.budget.trials,
        seconds=ring.budget.seconds,
        contenders=tuple(contenders),
        warning=ring.split.warning,
        data=data_hash(ring.X, ring.split),
    )


def _figures(
    settings: TrainingSettings, y: np.ndarray, scored: Mapping[str, Entry], cluster: np.ndarray | None
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, np.ndarray]]]:
    """Figures of every family on all rows, and on each resample: the same resamples for all."""
    rankings = {name: Ranking.of(y, np.asarray(entry.raw)) for name, entry in scored.items()}

    def of(weight: np.ndarray) -> dict[str, dict[str, float]]:
        found = {}
        for name, entry in scored.items():
            found[name] = rankings[name].figures(weight)
            if entry.probability is not None:
                found[name]["brier"] = brier(y, entry.probability, weight)
        return found

    draws = [of(counts) for counts in resamples(len(y), cluster, settings.resamples, settings.seed)]
    whole = of(np.ones(len(y), np.int64))
    drawn = {
        name: {figure: np.array([draw[name][figure] for draw in draws]) for figure in figures}
        for name, figures in whole.items()
    }
    return whole, drawn


def _calibration(y: np.ndarray, entry: Entry, cluster: np.ndarray | None) -> dict[str, tuple[float, Interval]]:
    if entry.probability is None:
        return {}
    line = calibration_line(y, entry.probability)
    limits = calibration_intervals(y, entry.probability, line, cluster)
    names = ("calibration_slope", "calibration_intercept")
    return {name: (value, Interval(*limit)) for name, value, limit in zip(names, line, limits, strict=True)}


def _contender(
    entry: Entry,
    figures: Mapping[str, tuple[float, Interval]],
    differences: Mapping[str, tuple[float, Interval]],
    micros: Mapping[str, float],
) -> Contender:
    assert entry.searched is not None  # noqa: S101 - who was scored was searched and fitted
    assert entry.model is not None  # noqa: S101
    searched = entry.searched
    return Contender(
        family=entry.family,
        figures=figures,
        differences=differences,
        search_value=searched.value,
        params=json.loads(json.dumps(dict(searched.params), default=str)),
        rounds=searched.rounds,
        n_complete=searched.count("complete"),
        n_pruned=searched.count("pruned"),
        search_seconds=entry.search_seconds,
        fit_seconds=entry.fit_seconds,
        latency_us=micros[entry.family],
        n_bytes=entry.model.n_bytes,
        complexity=dict(entry.model.complexity()),
        note=entry.note,
    )
