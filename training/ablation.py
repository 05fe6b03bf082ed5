"""What each group of features earns: models without it and with it alone, on the forward folds of a config.

1. folds of the config     rows to learn, later rows to score; the test is not touched
2. all features            one model per fold, calm parameters, a fixed number of trees; shares of gain per feature
3. per group               the same without the group, and with nothing but the group
4. differences             paired on the same rows, intervals over the same resampled days (loans: rows)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.decision import Product
from features.catalogue import FeatureSet
from scoring.encode import Encoder
from scoring.metrics import Ranking
from training.calendar import day_numbers
from training.dataset import Dataset
from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.imbalance import thinning
from training.intervals import Interval, paired_difference
from training.progress import Progress, silent
from training.settings import TrainingSettings
from training.splits import Split

ROUNDS = 200


@dataclass(frozen=True)
class Earned:
    """One group: what all features score above those without it, and what it scores alone.

    Parameters
    ----------
    lost : figure of all features less that without the group, mean over folds. share : of the gain of all trees.
    """

    group: str
    n: int
    lost: float
    interval: Interval
    alone: float
    share: float


@dataclass(frozen=True)
class Ablation:
    """Everything an ablation found.

    Parameters
    ----------
    figure : average_precision or auc. whole : that of all features, mean over folds.
    gains : feature → share of the gain of all trees, mean over folds.
    """

    figure: str
    whole: float
    n_rows: int
    n_events: int
    n_folds: int
    groups: tuple[Earned, ...]
    gains: dict[str, float]

    def table(self) -> pd.DataFrame:
        """Groups, the dearest first."""
        rows = [
            (each.group, each.n, each.lost, each.interval.low, each.interval.high, each.alone, each.share)
            for each in self.groups
        ]
        return pd.DataFrame(rows, columns=["group", "features", "lost without", "low", "high", "alone", "gain share"])


def ablate(
    settings: TrainingSettings,
    feature_set: FeatureSet,
    dataset: Dataset,
    split: Split,
    zone: str,
    *,
    rounds: int = ROUNDS,
    progress: Progress = silent,
) -> Ablation:
    """Train without each group and with each alone; no label of calibration or test is used.

    Parameters
    ----------
    rounds : trees of every model; fixed, so that no model is stopped by the rows it is judged on.
    """
    scored = np.concatenate([fold.valid.rows for fold in split.folds])
    ends = np.cumsum([len(fold.valid.rows) for fold in split.folds])
    matrices = [_fold_matrix(dataset, feature_set, fold.train.rows) for fold in split.folds]
    truth = np.concatenate([fold.valid.y for fold in split.folds])
    groups = {
        group: frozenset(feature.name for feature in feature_set.features if feature.group == group)
        for group in dict.fromkeys(feature.group for feature in feature_set.features)
    }
    thin = thinning(settings.imbalance, dataset.table, settings.seed)
    done = 0

    def run(names: Sequence[str], note: str) -> tuple[np.ndarray, dict[str, float]]:
        nonlocal done
        done += 1
        progress("ablation", done, 2 * len(groups) + 1, note)
        places = [feature_set.names.index(name) for name in names]
        columns = Columns(tuple(names), tuple(name for name in feature_set.categorical if name in names))
        known = {name: bins for name, bins in settings.max_bin_of.items() if name in names}
        family = LightGBM(settings.seed, settings.threads, settings.imbalance == "weights", settings.max_bin, known)
        raw, gains = [], dict.fromkeys(names, 0.0)
        for X, fold in zip(matrices, split.folds, strict=True):
            train = thin(fold.train)
            params = family.starts(len(train.rows))[0]
            learnt = Labelled(np.ascontiguousarray(X[train.rows][:, places]), train.y)
            model = family.fit(columns, learnt, params, rounds)
            raw.append(model.raw(X[fold.valid.rows][:, places]))
            for name, share in _gain_shares(model.text).items():
                gains[name] += share / len(split.folds)
        return np.concatenate(raw), gains

    days = None
    if settings.product is Product.PAYMENT:
        days = day_numbers(dataset.event_time[scored], zone)
    whole_raw, gains = run(feature_set.names, "all features")
    whole = _mean_figure(truth, whole_raw, ends, settings.objective)
    ones = np.ones(len(scored), np.int64)
    earned = []
    for group, members in groups.items():
        rest = [name for name in feature_set.names if name not in members]
        without = _mean_figure(truth, run(rest, f"without {group}")[0], ends, settings.objective)
        lost, interval = paired_difference(
            whole, without, len(scored), days, settings.resamples, settings.seed
        )  # fmt: skip
        alone = [name for name in feature_set.names if name in members]
        only = _mean_figure(truth, run(alone, f"{group} alone")[0], ends, settings.objective)
        share = sum(gains[name] for name in members)
        earned.append(Earned(group, len(members), lost, interval, only(ones), share))
    earned.sort(key=lambda each: -each.lost)
    return Ablation(
        settings.objective, whole(ones), len(scored), int(truth.sum()), len(split.folds), tuple(earned), gains
    )


def _fold_matrix(dataset: Dataset, feature_set: FeatureSet, rows: np.ndarray) -> np.ndarray:
    """All rows, encoded by what the fold's training rows know."""
    return Encoder.fit(dataset.table.take(rows), feature_set).matrix(dataset.table)


def _gain_shares(text: str) -> dict[str, float]:
    import lightgbm

    booster = lightgbm.Booster(model_str=text)
    gain = np.asarray(booster.feature_importance("gain"), np.float64)
    return dict(zip(booster.feature_name(), (gain / max(gain.sum(), 1e-300)).tolist(), strict=True))


def _mean_figure(truth: np.ndarray, raw: np.ndarray, ends: np.ndarray, figure: str) -> Callable[[np.ndarray], float]:
    """Weights int64[n] of all scored rows → the mean over folds of the figure."""
    cuts = ends[:-1]
    rankings = [Ranking.of(y, score) for y, score in zip(np.split(truth, cuts), np.split(raw, cuts), strict=True)]

    def mean(weight: np.ndarray) -> float:
        parts = np.split(weight, cuts)
        if figure == "auc":
            return float(np.mean([each.auc(part) for each, part in zip(rankings, parts, strict=True)]))
        return float(np.mean([each.average_precision(part) for each, part in zip(rankings, parts, strict=True)]))

    return mean
