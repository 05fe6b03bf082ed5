"""From a fitted model to the parts of its bundle: reference population, reason baseline, golden rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from domain.events import ColumnType
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from scoring.bundle import BundleParts
from scoring.explainer import Explainer
from scoring.golden import golden_table
from scoring.reasons import ReasonBook, Selector
from training.cutoffs import GRADES
from training.fitting import Fitted, Traffic
from training.settings import TrainingSettings

REFERENCE_ROWS = 20_000
GOLDEN_ROWS = 64

_BASELINE_ROWS = 1_000
_NEAR = 0.10
_HOLLOW = 16


def bundle_parts(
    settings: TrainingSettings,
    platform: PlatformSettings,
    feature_set: FeatureSet,
    extensions: Mapping[str, ColumnType],
    book: ReasonBook,
    fitted: Fitted,
    about: Mapping[str, Any],
) -> BundleParts:
    """Everything a bundle holds; ``about`` goes into its manifest."""
    resolved = book.resolved((feature.name, feature.group) for feature in feature_set.features)
    explainer = Explainer(fitted.scorer)
    baseline = reason_baseline(fitted.traffic, fitted.cutoffs, explainer, settings.threads)
    selector = Selector(resolved, baseline, fitted.scorer.names)
    rows = golden_rows(fitted.traffic, settings.seed)
    return BundleParts(
        name=settings.name,
        product=settings.product,
        model_text=fitted.model_text,
        feature_settings=settings.features,
        platform=platform,
        feature_hash=feature_set.hash,
        feature_names=feature_set.names,
        categories=fitted.encoder.categories,
        extensions={name: kind for name, kind in extensions.items() if name in feature_set.names},
        calibration=fitted.calibrator,
        cutoffs=fitted.cutoffs,
        reason_baseline=baseline,
        reason_book=resolved,
        reference=reference_table(fitted.traffic, feature_set.names, settings.seed),
        golden=golden_table(rows, fitted.scorer, fitted.calibrator, explainer, selector),
        about=about,
    )


def reference_table(traffic: Traffic, names: tuple[str, ...], seed: int) -> pa.Table:
    """At most 20,000 rows, in the order of time: features as text and numbers, raw_score, score, event_time."""
    n = len(traffic.raw)
    rows = np.sort(np.random.default_rng(seed).permutation(n)[:REFERENCE_ROWS])
    table = traffic.table.select([*names, "event_time"]).take(pa.array(rows))
    table = table.append_column("raw_score", pa.array(traffic.raw[rows]))
    return table.append_column("score", pa.array(traffic.probability[rows])).sort_by("event_time")


def reason_baseline(traffic: Traffic, cutoffs: Mapping[str, float], explainer: Explainer, threads: int) -> np.ndarray:
    """Mean contributions, float64[m], of the tenth of approved requests nearest to the first cut-off.

    A reason then says what sets a request apart from those that only just passed.
    """
    near = near_threshold(traffic.raw, traffic.probability, cutoffs[GRADES[0]], _BASELINE_ROWS)
    return np.asarray(explainer.contributions_many(traffic.X[near], threads=threads)[:, :-1].mean(axis=0))


def near_threshold(raw: np.ndarray, probability: np.ndarray, cutoff: float, at_most: int) -> np.ndarray:
    """Places, intp[≤ at_most], evenly among the tenth of the rows below a cut-off that are nearest to it.

    Examples
    --------
    >>> raw = np.arange(100.0)
    >>> near_threshold(raw, raw / 100, 0.5, at_most=3).tolist()
    [49, 48, 47]
    """
    passed = np.flatnonzero(probability < cutoff)
    if len(passed) == 0:
        passed = np.arange(len(raw))
    nearest = passed[np.argsort(-raw[passed], kind="stable")]
    near = nearest[: max(1, int(_NEAR * len(nearest)))]
    step = max(1, len(near) // at_most)
    return np.asarray(near[::step][:at_most])


def golden_rows(traffic: Traffic, seed: int) -> np.ndarray:
    """64 encoded rows, float64: evenly spread over the scores, with the emptiest and hollowed-out ones among them."""
    n, width = traffic.X.shape
    order = np.argsort(traffic.raw, kind="stable")
    spread = order[np.linspace(0, n - 1, GOLDEN_ROWS - _HOLLOW).astype(np.int64)]
    emptiest = np.argsort(-np.isnan(traffic.X).sum(axis=1), kind="stable")[: _HOLLOW // 2]
    rng = np.random.default_rng(seed)
    hollow = traffic.X[spread[:: max(1, len(spread) // (_HOLLOW // 2))][: _HOLLOW // 2]].copy()
    hollow[rng.random(hollow.shape) < 0.5] = np.nan
    hollow[0] = np.full(width, np.nan)
    return np.ascontiguousarray(np.vstack([traffic.X[spread], traffic.X[emptiest], hollow]))
