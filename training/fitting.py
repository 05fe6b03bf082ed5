"""The fitted model: search, fit, calibrate, freeze; the labels of the test are not touched here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from domain.errors import DefinitionError, ModelError, expected_got
from domain.settings import PlatformSettings
from domain.time import DAY
from features.catalogue import FeatureSet
from scoring.calibrator import Calibrator
from scoring.encode import Encoder
from scoring.policy_settings import MasterScale
from scoring.scorer import Scorer
from training.calendar import day_numbers
from training.calibration import Calibrated, calibrate
from training.cutoffs import choose_cutoffs
from training.dataset import Dataset
from training.evaluation import Scored
from training.families.catalogue import make_lightgbm
from training.families.constraints import catalogue_groups, check_named, expected_signs
from training.families.family import Columns, Params
from training.families.lightgbm import LightGBM
from training.imbalance import Correction, thinning
from training.master_scale import fit_master_scale
from training.progress import Progress, silent
from training.search import Searched, StudyPlace, search
from training.settings import TrainingSettings
from training.splits import Part, Split
from training.stakes import Stakes


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
    """A model and what was frozen on calibration rows, before the test was looked at.

    Parameters
    ----------
    correction : of the prior, where negatives were undersampled; the calibrator has it in it already.
    calibrated : the calibrator with what it was chosen from.
    scale : the proposed master scale of a credit model, where settings ask for one; else why there is none.
    """

    encoder: Encoder
    X: np.ndarray
    searched: Searched
    scorer: Scorer
    model_text: str
    calibrator: Calibrator
    cutoffs: Mapping[str, float]
    traffic: Traffic
    calibrated: Calibrated
    correction: Correction | None = None
    scale: MasterScale | None = None
    scale_note: str = ""


def fit(
    settings: TrainingSettings,
    feature_set: FeatureSet,
    dataset: Dataset,
    split: Split,
    progress: Progress = silent,
    *,
    start: Params | None = None,
    study: StudyPlace | None = None,
    given: Searched | None = None,
) -> Fitted:
    """Search, fit, calibrate and freeze the cut-offs; the test rows' labels are not touched.

    Parameters
    ----------
    start : parameters that the search tries first. study : where its trials are kept.
    given : what an earlier search found; nothing is searched then.
    """
    encoder = Encoder.fit(dataset.table.take(pa.array(split.train.rows)), feature_set)
    X = encoder.matrix(dataset.table)
    columns = Columns(feature_set.names, feature_set.categorical)
    family = make_family(settings, feature_set)
    thin = thinning(settings.imbalance, dataset.table, settings.seed)
    folds = ((thin(fold.train).labelled(X), fold.valid.labelled(X)) for fold in split.folds)
    searched = given or search(
        family, columns, folds, settings.search, objective=settings.objective, seed=settings.seed, progress=progress,
        start=start, study=study,
    )  # fmt: skip
    learnt = thin(split.train)
    progress("fit", 0, 1, f"{len(learnt.rows):,} rows, {searched.rounds} rounds")
    text = family.fit(columns, learnt.labelled(X), searched.params, searched.rounds).text
    scorer = Scorer(text)
    later = split.calibration
    raw = scorer.raw_many(X[later.rows], threads=settings.threads)
    calibrated = calibrate(raw, later.y, settings.calibration)
    calibrator = calibrated.calibrator
    rows = later.rows if later.period is None else later.period.rows(dataset.event_time)
    met = scorer.raw_many(X[rows], threads=settings.threads)
    traffic = Traffic(dataset.table.take(pa.array(rows)), X[rows], met, calibrator.probability(met))
    stakes = stakes_of(settings, dataset, later, calibrator.probability(raw))
    cutoffs = choose_cutoffs(traffic.probability, settings.cutoffs, stakes)
    scale, scale_note = _proposed_scale(settings, calibrator.probability(raw), later.y)
    thinned = len(learnt.rows) < len(split.train.rows)
    correction = Correction.of(split.train, learnt, raw, later.y) if thinned else None
    return Fitted(
        encoder, X, searched, scorer, text, calibrator, cutoffs, traffic, calibrated, correction, scale, scale_note
    )


def _proposed_scale(
    settings: TrainingSettings, probability: np.ndarray, y: np.ndarray
) -> tuple[MasterScale | None, str]:
    """The master scale, or why there is none: a model whose grades cannot be told apart can still be trained."""
    if settings.master_scale is None:
        return None, "settings ask for no master_scale"
    try:
        return fit_master_scale(probability, y, settings.master_scale), ""
    except ModelError as error:
        return None, f"not assessed: {error}"


def stakes_of(settings: TrainingSettings, dataset: Dataset, part: Part, probability: np.ndarray) -> Stakes | None:
    """Money at stake on the labelled rows of a part; None where it is not known."""
    table, times = dataset.table, dataset.event_time[part.rows]
    amount = table["amount_base"].to_numpy()[part.rows] if "amount_base" in table.column_names else None
    start, end = (times.min(), times.max()) if part.period is None else (part.period.start, part.period.end)
    n_days = max(1.0, float(end - start) / DAY)
    return Stakes.of(probability, part.y, amount, n_days, settings.costs, settings.alert_budget)


def make_family(settings: TrainingSettings, feature_set: FeatureSet) -> LightGBM:
    """The family the settings name, with the signs and groups of the features.

    Raises
    ------
    DefinitionError
        When its models cannot become bundles, or constraints name what is no feature.
    """
    if settings.family != "lightgbm":
        raise DefinitionError(
            f"family: expected lightgbm, whose models can be served, got {settings.family!r}; "
            "`assay compare` trains the other families on the same folds"
        )
    check_named(settings.constraints, feature_set)
    return make_lightgbm(settings, expected_signs(feature_set), catalogue_groups(feature_set))


def score_part(
    settings: TrainingSettings, platform: PlatformSettings, dataset: Dataset, part: Part, fitted: Fitted
) -> Scored:
    """Labelled rows of a part with the scores of the fitted model."""
    raw = fitted.scorer.raw_many(fitted.X[part.rows], threads=settings.threads)
    return as_scored(settings, platform, dataset, part, raw, fitted.calibrator)


def as_scored(
    settings: TrainingSettings,
    platform: PlatformSettings,
    dataset: Dataset,
    part: Part,
    raw: np.ndarray,
    calibrator: Calibrator,
) -> Scored:
    """Labelled rows of a part beside the raw scores that some model gave them, float64[n]."""
    table = dataset.table.take(pa.array(part.rows))
    if settings.card is not None and settings.card not in table.column_names:
        raise DefinitionError(expected_got(f"a key column of {settings.subject_kind}", settings.card, "card"))
    return Scored(
        y=part.y,
        raw=raw,
        probability=calibrator.probability(raw),
        day=day_numbers(dataset.event_time[part.rows], platform.time_zone),
        amount=table["amount_base"].to_numpy() if "amount_base" in table.column_names else None,
        card=None if settings.card is None else table[settings.card].to_numpy(zero_copy_only=False),
    )
