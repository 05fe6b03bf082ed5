"""The fitted model: search, fit, calibrate, freeze; the labels of the test are not touched here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from domain.errors import DefinitionError, expected_got
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from scoring.calibrator import Calibrator
from scoring.encode import Encoder
from scoring.scorer import Scorer
from training.calendar import day_numbers
from training.calibration import fit_calibrator
from training.cutoffs import choose_cutoffs
from training.dataset import Dataset
from training.evaluation import Scored
from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.progress import Progress, silent
from training.search import Searched, search
from training.settings import TrainingSettings
from training.splits import Part, Split


@dataclass(frozen=True)
class Traffic:
    """All requests of the calibration period, labelled or not: what the model will meet.

    Parameters
    ----------
    table : their snapshot rows. X : float64[n, m], encoded. raw, probability : float64[n].
    """

    table: pa.Table
    X: np.ndarray
    raw: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """A model and what was frozen on calibration rows, before the test was looked at."""

    encoder: Encoder
    X: np.ndarray
    searched: Searched
    scorer: Scorer
    model_text: str
    calibrator: Calibrator
    cutoffs: Mapping[str, float]
    traffic: Traffic


def fit(
    settings: TrainingSettings,
    feature_set: FeatureSet,
    dataset: Dataset,
    split: Split,
    progress: Progress = silent,
    given: Searched | None = None,
) -> Fitted:
    """Search, fit, calibrate and freeze the cut-offs; the test rows' labels are not touched.

    Parameters
    ----------
    given : what an earlier search found; nothing is searched then.
    """
    encoder = Encoder.fit(dataset.table.take(pa.array(split.train.rows)), feature_set)
    X = encoder.matrix(dataset.table)
    columns = Columns(feature_set.names, feature_set.categorical)
    family = make_family(settings)
    folds = ((Labelled(X[f.train.rows], f.train.y), Labelled(X[f.valid.rows], f.valid.y)) for f in split.folds)
    searched = given or search(
        family, columns, folds, settings.search, objective=settings.objective, seed=settings.seed, progress=progress
    )
    progress("fit", 0, 1, f"{len(split.train.rows):,} rows, {searched.rounds} rounds")
    learnt = Labelled(X[split.train.rows], split.train.y)
    text = family.fit(columns, learnt, searched.params, searched.rounds).text
    scorer = Scorer(text)
    later = split.calibration
    raw = scorer.raw_many(X[later.rows], threads=settings.threads)
    calibrator = fit_calibrator(raw, later.y, settings.calibration)
    rows = later.rows if later.period is None else later.period.rows(dataset.event_time)
    met = scorer.raw_many(X[rows], threads=settings.threads)
    traffic = Traffic(dataset.table.take(pa.array(rows)), X[rows], met, calibrator.probability(met))
    cutoffs = choose_cutoffs(traffic.probability, settings.cutoffs)
    return Fitted(encoder, X, searched, scorer, text, calibrator, cutoffs, traffic)


def make_family(settings: TrainingSettings) -> LightGBM:
    """The family the settings name."""
    weighted = settings.imbalance == "weights"
    return LightGBM(settings.seed, settings.threads, weighted, settings.max_bin, settings.max_bin_of)


def score_part(
    settings: TrainingSettings, platform: PlatformSettings, dataset: Dataset, part: Part, fitted: Fitted
) -> Scored:
    """Labelled rows of a part with the scores of the fitted model."""
    table = dataset.table.take(pa.array(part.rows))
    if settings.card is not None and settings.card not in table.column_names:
        raise DefinitionError(expected_got(f"a key column of {settings.subject_kind}", settings.card, "card"))
    raw = fitted.scorer.raw_many(fitted.X[part.rows], threads=settings.threads)
    return Scored(
        y=part.y,
        raw=raw,
        probability=fitted.calibrator.probability(raw),
        day=day_numbers(dataset.event_time[part.rows], platform.time_zone),
        amount=table["amount_base"].to_numpy() if "amount_base" in table.column_names else None,
        card=None if settings.card is None else table[settings.card].to_numpy(zero_copy_only=False),
    )
