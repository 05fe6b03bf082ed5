"""Gradient-boosted trees by LightGBM's own API: rows are binned once per fold and reused by every trial."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from domain.errors import DefinitionError, expected_got
from scoring.scorer import Scorer
from training.families.averaged import averaged
from training.families.constraints import constraint_parameters
from training.families.family import Columns, Labelled, Params, Report, Suggest, Tried
from training.families.rows import check_rows

_METRICS = {"average_precision": "average_precision", "auc": "auc"}

_FARTHEST = 1e300

_STRIDE = 7919
"""Between the seeds of several fits: models of neighbouring seeds are compared with each other elsewhere."""

_LEAVES = re.compile(r"num_leaves=\d+$").match


@dataclass(frozen=True)
class LightGBM:
    """Binary log-loss boosting; deterministic for a seed and a number of threads.

    Parameters
    ----------
    weighted : weigh positives up to the mass of the negatives; calibration undoes it afterwards.
    max_bin : how finely numbers are told apart; ``max_bin_of`` for single features. On the Handbook's earlier folds
        255 bins gave AP .730, 511 with 4,095 for the amount .749, 4,095 for all .750 in twice the time.
    signs : feature → +1 or −1, along which the raw score may not fall or rise; categories have no order and are left
        free. method : LightGBM's way of keeping to them. interactions : features that may meet on a path.
    fits : models of as many seeds, of which the mean raw score is taken (`training.families.averaged`).
    loss : ``binary``, or ``cross_entropy`` for labels between 0 and 1; either way the raw score is log-odds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> y = (X[:, 0] > 1).astype(np.int8)
    >>> family = LightGBM(seed=1, threads=1)
    >>> first, again = (
    ...     family.fit(Columns(("amount", "hour")), Labelled(X, y), family.starts(300)[0], rounds=3) for _ in range(2)
    ... )
    >>> first.text == again.text
    True
    """

    seed: int
    threads: int
    weighted: bool = False
    max_bin: int = 255
    max_bin_of: Mapping[str, int] = field(default_factory=dict)
    signs: Mapping[str, int] = field(default_factory=dict)
    method: str = "basic"
    interactions: tuple[tuple[str, ...], ...] = ()
    loss: str = "binary"
    fits: int = 1
    name: str = "lightgbm"

    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        """Draw from ranges that suit rare events: small leaves overfit, so the least leaf is searched widely."""
        largest_leaf = max(20, min(1_000, n_rows // 50))
        drawn = {
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 4, 64, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, largest_leaf, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
            "lambda_l1": trial.suggest_float("lambda_l1", 1e-3, 10.0, log=True),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.01, 100.0, log=True),
        }
        if self._may_smooth:
            drawn["path_smooth"] = trial.suggest_float("path_smooth", 1e-2, 100.0, log=True)
        return drawn

    def starts(self, n_rows: int) -> list[dict[str, Any]]:
        """A calm model and LightGBM's own defaults."""
        calm = {
            "learning_rate": 0.05, "num_leaves": 12, "min_data_in_leaf": min(40, max(10, n_rows // 50)),
            "feature_fraction": 0.5, "bagging_fraction": 0.8, "lambda_l1": 0.01, "lambda_l2": 5.0,
        }  # fmt: skip
        usual = {
            "learning_rate": 0.1, "num_leaves": 31, "min_data_in_leaf": 20, "feature_fraction": 1.0,
            "bagging_fraction": 1.0, "lambda_l1": 1e-3, "lambda_l2": 0.01,
        }  # fmt: skip
        return [calm | {"path_smooth": 1.0}, usual | {"path_smooth": 0.01}] if self._may_smooth else [calm, usual]

    def grid(self, n_rows: int) -> dict[str, list[Any]]:
        """Size of the trees against speed; the rest as the calm model has it."""
        calm = {name: [value] for name, value in self.starts(n_rows)[0].items()}
        return {**calm, "learning_rate": [0.03, 0.1], "num_leaves": [6, 12, 31]}

    def prepare(self, columns: Columns, train: Labelled, valid: Labelled, objective: str) -> PreparedFold:
        """Bin both row sets with the training rows' bins."""
        check_rows(columns, train, "learn from")
        check_rows(columns, valid, "score")
        dataset = self._dataset(columns, train)
        held = self._dataset(columns, valid, reference=dataset)
        return PreparedFold(self, columns, dataset, held, _METRICS[objective], float(train.y.mean()))

    def fit(self, columns: Columns, rows: Labelled, params: Params, rounds: int) -> Boosted:
        """A model with exactly ``rounds`` trees of each fit, or fewer where no split is left."""
        import lightgbm

        check_rows(columns, rows, "learn from")
        dataset = self._dataset(columns, rows)
        settings = self.settings(columns, params, float(rows.y.mean()))
        texts = []
        for number in range(self.fits):
            seed = (self.seed + number * _STRIDE) % 2**31
            booster = lightgbm.train({**settings, "seed": seed}, dataset, num_boost_round=rounds)
            texts.append(str(booster.model_to_string(num_iteration=-1)))
        return Boosted(texts[0] if self.fits == 1 else averaged(texts), self.threads)

    def settings(self, columns: Columns, params: Params, prevalence: float) -> dict[str, Any]:
        """The full parameters LightGBM is given.

        Raises
        ------
        DefinitionError
            When ``path_smooth`` is to be above 0 beside signs.
        """
        if not self._may_smooth and params.get("path_smooth", 0.0) > 0:
            raise DefinitionError("path_smooth: expected 0 beside monotone signs, which smoothing breaks; leave it out")
        fixed: dict[str, Any] = {
            **self._binning(columns), **constraint_parameters(columns, self.signs, self.method, self.interactions),
            "objective": self.loss, "seed": self.seed, "deterministic": True, "bagging_freq": 1,
            "max_cat_to_onehot": 8, "cat_smooth": 20.0,
        }  # fmt: skip
        if self.weighted:
            fixed["scale_pos_weight"] = (1 - prevalence) / prevalence
        return {**fixed, **params}

    @property
    def _may_smooth(self) -> bool:
        """Smoothing moves a leaf towards its parent after LightGBM saw to the signs (tests/training/test_sweeps.py)."""
        return not any(self.signs.values())

    def _binning(self, columns: Columns) -> dict[str, Any]:
        unknown = sorted(set(self.max_bin_of) - set(columns.names))
        if unknown:
            raise DefinitionError(expected_got("features of the model", unknown, "max_bin_of"))
        # Without feature_pre_filter=False the bins would depend on min_data_in_leaf and could not be reused.
        binning: dict[str, Any] = {
            "max_bin": self.max_bin, "feature_pre_filter": False, "force_row_wise": True, "num_threads": self.threads,
            "data_random_seed": self.seed, "verbosity": -1,
        }  # fmt: skip
        if self.max_bin_of:
            binning["max_bin_by_feature"] = [self.max_bin_of.get(name, self.max_bin) for name in columns.names]
        return binning

    def _dataset(self, columns: Columns, rows: Labelled, reference: Any = None) -> Any:
        import lightgbm

        # The text would name an infinite end of the feature's range, from which nobody can draw a row to check it by.
        X = np.clip(rows.X, -_FARTHEST, _FARTHEST) if np.isinf(rows.X).any() else rows.X
        dataset = lightgbm.Dataset(
            X, label=rows.y, weight=rows.weight, reference=reference, free_raw_data=True,
            feature_name=list(columns.names), categorical_feature=columns.categorical_positions,
            params=self._binning(columns),
        )  # fmt: skip
        return dataset.construct()


@dataclass(frozen=True)
class Boosted:
    """A fitted LightGBM model: its text, which is all that serving needs."""

    text: str
    threads: int = 1

    def raw(self, X: np.ndarray) -> np.ndarray:
        """Log-odds margins float64[n] of encoded rows."""
        return Scorer(self.text).raw_many(X, threads=self.threads)

    @property
    def n_bytes(self) -> int:
        """Size of the text."""
        return len(self.text.encode())

    def complexity(self) -> Mapping[str, int]:
        """Trees and leaves."""
        leaves = [int(line.removeprefix("num_leaves=")) for line in self.text.splitlines() if _LEAVES(line)]
        return {"trees": len(leaves), "leaves": sum(leaves)}


@dataclass(frozen=True)
class PreparedFold:
    """A binned fold."""

    family: LightGBM
    columns: Columns
    train: Any
    valid: Any
    metric: str
    prevalence: float

    def score(self, params: Params, *, rounds: int, patience: int, report: Report | None = None) -> Tried:
        """Boost until the figure has not risen for ``patience`` rounds."""
        import lightgbm

        callbacks = [lightgbm.early_stopping(patience, first_metric_only=True, verbose=False)]
        if report is not None:
            callbacks.append(lambda env: report(int(env.iteration), float(env.evaluation_result_list[0][2])))

        booster = lightgbm.train(
            {**self.family.settings(self.columns, params, self.prevalence), "metric": self.metric},
            self.train,
            num_boost_round=rounds,
            valid_sets=[self.valid],
            valid_names=["valid"],
            callbacks=callbacks,
        )
        return Tried(float(booster.best_score["valid"][self.metric]), max(1, int(booster.best_iteration)))
