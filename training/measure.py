"""The test: figures on rows later than everything that was learnt or frozen, and who stands beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.decision import Product
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from stores.journal import Journal
from training.attribution import Attribution, explain_sample
from training.champion import ChampionScores, score_champion
from training.dataset import Dataset
from training.evaluation import Evaluation, Scored, evaluate
from training.fairness import GroupCounts, count_groups
from training.fitting import Fitted, score_part, stakes_of
from training.groups import by_group
from training.master_scale import GradeTable, gini, grade_table
from training.progress import Progress
from training.proxies import Proxy, proxies_of
from training.regret import CutoffCost, cost_figures, cost_of_cutoffs
from training.reliability import Reliability, calibration_figures, reliability
from training.settings import TrainingSettings
from training.splits import Part, Split
from training.stability import Moved, stability
from training.tracking import Tracker

SHAP_ROWS = 400


@dataclass(frozen=True)
class Measured:
    """What the test showed.

    Parameters
    ----------
    groups : table of protected attributes, empty where settings name none. fairness : counts of those groups.
    proxies : how well the features tell those groups.
    stability : how far score and features of the test period lie from the reference.
    reliability : of the calibrated probabilities.
    money : what the frozen cut-offs cost; None where it is not assessed.
    grades : the master scale on the test; None where settings ask for none.
    """

    scored: Scored
    evaluation: Evaluation
    champion: ChampionScores
    attribution: Attribution
    groups: pd.DataFrame
    fairness: tuple[GroupCounts, ...]
    proxies: tuple[Proxy, ...]
    stability: tuple[Moved, ...]
    reliability: Reliability
    money: CutoffCost | None = None
    grades: GradeTable | None = None


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
    attributes = read_attributes(settings, journal, dataset.table["seq"].to_numpy()[part.rows])
    scored = with_propensity(score_part(settings, platform, dataset, part, fitted), settings, attributes)
    period = "" if part.period is None else f" {part.period}"
    known = "" if settings.labels_known == "at_test_start" else ", training labels as known at the cut"
    rows = f"{settings.name}, {split.kind} split, test{period}{known}"
    evaluation, trusted, money = evaluate_whole(
        settings, platform, dataset, part, scored, fitted.cutoffs, rows=rows, warning=split.warning
    )
    grades = None
    if fitted.scale is not None:
        grades = grade_table(fitted.scale, scored.y, scored.probability, settings.pricing, rows)
    champion = score_champion(tracker, settings.name, feature_set.hash, dataset.table.take(pa.array(part.rows)))
    progress("explain", 0, 1, f"SHAP values of {SHAP_ROWS} rows")
    shown = explain_sample(fitted.scorer, feature_set.names, fitted.X[part.rows], SHAP_ROWS, settings.seed)
    groups = by_group(scored, attributes, settings.protected)
    fairness = count_groups(scored, attributes, settings.protected, fitted.cutoffs)
    told_by = proxies_of(
        fitted.X[part.rows], feature_set.names, feature_set.categorical, attributes, settings.protected,
        seed=settings.seed, threads=settings.threads,
    )  # fmt: skip
    moved = _stability(settings, feature_set, dataset, split, fitted, shown)
    return Measured(scored, evaluation, champion, shown, groups, fairness, told_by, moved, trusted, money, grades)


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


def evaluate_whole(
    settings: TrainingSettings,
    platform: PlatformSettings,
    dataset: Dataset,
    part: Part,
    scored: Scored,
    cutoffs: Mapping[str, float],
    *,
    rows: str,
    warning: str | None,
) -> tuple[Evaluation, Reliability, CutoffCost | None]:
    """Every figure of scored rows: ranking, reliability and, for payments, what frozen cut-offs cost."""
    found = evaluate(scored, settings, cutoffs, rows=rows, base_currency=platform.base_currency, warning=warning)
    trusted = reliability(scored.y, scored.probability, seed=settings.seed)
    figures = [*found.figures, *calibration_figures(trusted, scored.y)]
    money = None
    if settings.product is Product.PAYMENT:
        money = _money(settings, platform, dataset, part, scored, cutoffs)
        figures += cost_figures(money, len(scored.y), int(scored.y.sum()))
    else:
        figures.append(gini(found["auc"]))
    return replace(found, figures=tuple(figures)), trusted, money


def _money(
    settings: TrainingSettings,
    platform: PlatformSettings,
    dataset: Dataset,
    part: Part,
    scored: Scored,
    cutoffs: Mapping[str, float],
) -> CutoffCost | None:
    """Cost and regret of the frozen cut-offs."""
    stakes = stakes_of(settings, dataset, part, scored.probability)
    if stakes is None:
        return None
    return cost_of_cutoffs(
        scored.y, scored.day, stakes, settings.cutoffs, cutoffs,
        currency=platform.base_currency, n_draws=settings.resamples, seed=settings.seed,
    )  # fmt: skip


def read_attributes(settings: TrainingSettings, journal: Journal, seqs: np.ndarray) -> pa.Table:
    """Protected columns and the propensity of the subjects with these places in the journal, which rise.

    A propensity column that no event has carried yet is left out.
    """
    carried = [settings.propensity] if settings.propensity in journal.extensions(settings.subject_kind) else []
    names = [*settings.protected, *(name for name in carried if name is not None)]
    if not names:
        return pa.table({})
    table = journal.read(settings.subject_kind, columns=["seq", *names])
    return table.take(pa.array(np.searchsorted(table["seq"].to_numpy(), seqs)))


def with_propensity(scored: Scored, settings: TrainingSettings, attributes: pa.Table) -> Scored:
    """The rows with the propensity that the settings name, where events carry it."""
    if settings.propensity is None or settings.propensity not in attributes.column_names:
        return scored
    column = attributes[settings.propensity].cast(pa.float64()).combine_chunks()
    return replace(scored, propensity=column.fill_null(float("nan")).to_numpy(zero_copy_only=False))
