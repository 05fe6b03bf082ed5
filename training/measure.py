"""The test: figures on rows later than everything that was learnt or frozen, and who stands beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from stores.journal import Journal
from training.attribution import Attribution, explain_sample
from training.champion import ChampionScores, score_champion
from training.dataset import Dataset
from training.evaluation import Evaluation, Scored, evaluate
from training.fairness import GroupCounts, count_groups
from training.fitting import Fitted, score_part
from training.groups import by_group
from training.progress import Progress
from training.settings import TrainingSettings
from training.splits import Split
from training.stability import Moved, stability
from training.tracking import Tracker

SHAP_ROWS = 400


@dataclass(frozen=True)
class Measured:
    """What the test showed.

    Parameters
    ----------
    groups : the table of protected attributes, empty where settings name none. fairness : counts of those groups.
    stability : how far score and features of the test period lie from the reference.
    """

    scored: Scored
    evaluation: Evaluation
    champion: ChampionScores
    attribution: Attribution
    groups: pd.DataFrame
    fairness: tuple[GroupCounts, ...]
    stability: tuple[Moved, ...]


def measure(
    settings: TrainingSettings,
    platform: PlatformSettings,
    feature_set: FeatureSet,
    journal: Journal,
    dataset: Dataset,
    split: Split,
    fitted: Fitted,
    tracker: Tracker,
    progress: Progress,
) -> Measured:
    """Score the test rows once: measure them, let the champion score them too, explain a sample."""
    part = split.test
    progress("evaluate", 0, 1, f"{len(part.rows):,} test rows, {part.n_events} events")
    scored = score_part(settings, platform, dataset, part, fitted)
    period = "" if part.period is None else f" {part.period}"
    known = "" if settings.labels_known == "at_test_start" else ", training labels as known at the cut"
    rows = f"{settings.name}, {split.kind} split, test{period}{known}"
    evaluation = evaluate(
        scored, settings, fitted.cutoffs, rows=rows, base_currency=platform.base_currency, warning=split.warning
    )
    champion = score_champion(tracker, settings.name, feature_set.hash, dataset.table.take(pa.array(part.rows)))
    progress("explain", 0, 1, f"SHAP values of {SHAP_ROWS} rows")
    shown = explain_sample(fitted.model_text, feature_set.names, fitted.X[part.rows], SHAP_ROWS, settings.seed)
    attributes = _attributes(settings, journal, dataset.table["seq"].to_numpy()[part.rows])
    groups = by_group(scored, attributes, settings.protected)
    fairness = count_groups(scored, attributes, settings.protected, fitted.cutoffs)
    moved = _stability(settings, feature_set, dataset, split, fitted, shown)
    return Measured(scored, evaluation, champion, shown, groups, fairness, moved)


def _stability(
    settings: TrainingSettings,
    feature_set: FeatureSet,
    dataset: Dataset,
    split: Split,
    fitted: Fitted,
    shown: Attribution,
) -> tuple[Moved, ...]:
    """All requests of the test period, labelled or not, beside those of the calibration period."""
    part = split.test
    rows = part.rows if part.period is None else part.period.rows(dataset.event_time)
    met = fitted.traffic
    raw = fitted.scorer.raw_many(fitted.X[rows], threads=settings.threads)
    table = shown.table()
    shares = dict(zip(table["feature"].astype(str), table["share"].astype(float), strict=True))
    return stability(met.X, fitted.X[rows], met.raw, raw, feature_set.names, feature_set.categorical, shares)


def _attributes(settings: TrainingSettings, journal: Journal, seqs: np.ndarray) -> pa.Table:
    """Protected columns of the subjects with these places in the journal, which rise."""
    if not settings.protected:
        return pa.table({})
    table = journal.read(settings.subject_kind, columns=["seq", *settings.protected])
    return table.take(pa.array(np.searchsorted(table["seq"].to_numpy(), seqs)))
