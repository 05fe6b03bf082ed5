"""The applicants of a training run, for its reject-inference sensitivity."""

from __future__ import annotations

import numpy as np

from features.catalogue import FeatureSet
from scoring.labels import CENSORED
from training.dataset import Dataset
from training.families.family import Columns
from training.fitting import Fitted, make_family
from training.imbalance import thinning
from training.progress import Progress
from training.reject_inference import Applicants, Recipe, Sensitivity, sensitivity
from training.settings import TrainingSettings
from training.splits import Part, Split


def for_training(
    settings: TrainingSettings,
    feature_set: FeatureSet,
    dataset: Dataset,
    split: Split,
    fitted: Fitted,
    progress: Progress,
) -> Sensitivity | None:
    """The sensitivity that settings ask for, of a model that is fitted already; None where they ask for none."""
    chosen = settings.reject_inference
    if chosen is None:
        return None
    progress("reject inference", 0, 1, ", ".join(chosen.methods))
    X = fitted.X
    censored = dataset.status(dataset.as_of) == CENSORED
    learnt = thinning(settings.imbalance, dataset.table, settings.seed)(split.train)
    applicants = Applicants(
        train=learnt.labelled(X),
        refused=X[_refused(dataset, censored, split.train)],
        calibration=split.calibration.labelled(X),
        later=split.test.labelled(X),
        all_later=X[np.concatenate([split.test.rows, _refused(dataset, censored, split.test)])],
    )
    columns = Columns(feature_set.names, feature_set.categorical)
    recipe = Recipe(make_family(settings, feature_set), columns, fitted.searched.params, fitted.searched.rounds)
    return sensitivity(
        applicants, recipe, chosen, cutoff=fitted.cutoffs["high"], calibration=settings.calibration,
        resamples=settings.resamples, seed=settings.seed,
    )  # fmt: skip


def _refused(dataset: Dataset, censored: np.ndarray, part: Part) -> np.ndarray:
    """Refused rows of the part's time; of a table without time all of them."""
    if part.period is None:
        return np.flatnonzero(censored)
    rows = part.period.rows(dataset.event_time)
    return np.asarray(rows[censored[rows]])
