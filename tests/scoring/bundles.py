"""Bundles of small models on the requests' own columns, and everything that decides with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
import yaml

from domain.decision import Product
from domain.events import Event
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from features.catalogue import load as load_features
from features.settings import FeatureSettings
from scoring.bundle import BundleParts
from scoring.calibrator import Platt
from scoring.encode import Encoder
from scoring.explainer import Explainer
from scoring.golden import golden_table
from scoring.lists import Lists
from scoring.policy import POLICY_FILES, Policy
from scoring.policy_settings import PolicySettings
from scoring.reasons import ReasonBook, Selector
from scoring.scorer import Scorer
from stores.settings_files import load_settings

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = {Product.PAYMENT: "fraud", Product.LOAN: "credit"}
CUTOFFS = {"attention": 0.2, "warning": 0.4, "high": 0.6}


@cache
def platform() -> PlatformSettings:
    return load_settings(CONFIGS / "platform.yaml", PlatformSettings)


@cache
def book(product: Product) -> ReasonBook:
    return load_settings(CONFIGS / "reasons" / f"{product.value}.yaml", ReasonBook)


def policy(product: Product, names: tuple[str, ...] | None, changes: Mapping[str, Any] | None = None) -> Policy:
    """The shipped policy, with top-level settings replaced."""
    content = yaml.safe_load((CONFIGS / "policy" / POLICY_FILES[product]).read_text())
    settings = PolicySettings.model_validate({**content, **(changes or {})})
    return Policy.of(settings, book(product), platform(), names)


@cache
def empty_lists() -> Lists:
    return Lists.load(CONFIGS / "policy" / "lists.yaml")


def feature_settings(product: Product) -> FeatureSettings:
    return FeatureSettings(product=product.value, views=[])


@cache
def feature_set(product: Product) -> FeatureSet:
    return load_features(feature_settings(product), platform(), {})


@cache
def requests(product: Product, n: int = 600) -> pa.Table:
    """A feature table with nulls, and risk that depends on several columns."""
    rng = np.random.default_rng(11)
    columns: dict[str, Any] = {}
    for feature in feature_set(product).features:
        missing = rng.random(n) < 0.05
        if feature.form == "category":
            values = np.array([f"{feature.name}-{code}" for code in range(5)])[rng.integers(0, 5, n)]
            columns[feature.name] = pa.array(values.tolist(), pa.string(), mask=missing)
        else:
            columns[feature.name] = pa.array(np.exp(rng.normal(3, 1, n)).round(2), mask=missing)
    return pa.table(columns)


@cache
def parts(product: Product) -> BundleParts:
    """Everything training would hand over, for a model trained in a moment."""
    features = feature_set(product)
    table = requests(product)
    encoder = Encoder.fit(table, features)
    X = encoder.matrix(table)
    rng = np.random.default_rng(5)
    F = np.nan_to_num(X, nan=2.0)
    first, second = (features.names.index(name) for name in (features.categorical[0], features.categorical[-1]))
    margin = 1.2 * (np.log1p(F[:, 0]) - 3) + 0.6 * (F[:, first] - 2) + 0.6 * (F[:, second] - 2)
    y = (rng.random(len(X)) < 1 / (1 + np.exp(-margin))).astype(float)
    data = lightgbm.Dataset(
        X, y, feature_name=list(features.names),
        categorical_feature=[features.names.index(name) for name in features.categorical],
    )  # fmt: skip
    settings = {"objective": "binary", "num_leaves": 15, "min_data_in_leaf": 5, "seed": 3}
    text = lightgbm.train({**settings, "verbosity": -1, "num_threads": 1}, data, 25).model_to_string(num_iteration=-1)
    scorer = Scorer(text)
    explainer = Explainer(scorer)
    calibrator = Platt(0.9, -0.1)
    raw = scorer.raw_many(X)
    baseline = explainer.contributions_many(X[raw < np.quantile(raw, 0.5)]).mean(axis=0)[:-1]
    resolved = book(product).resolved((feature.name, feature.group) for feature in features.features)
    reference = table.append_column("raw_score", pa.array(raw))
    reference = reference.append_column("score", pa.array(calibrator.probability(raw)))
    reference = reference.append_column("event_time", pa.array(np.arange(len(X))))
    return BundleParts(
        name=NAMES[product],
        product=product,
        model_text=text,
        feature_settings=feature_settings(product),
        platform=platform(),
        feature_hash=features.hash,
        feature_names=features.names,
        categories=encoder.categories,
        extensions={},
        calibration=calibrator,
        cutoffs=CUTOFFS,
        reason_baseline=baseline,
        reason_book=book(product),
        reference=reference,
        golden=golden_table(X[:20], scorer, calibrator, explainer, Selector(resolved, baseline, scorer.names)),
        about={"run": "r1", "seed": 3},
    )


def changed(product: Product, **changes: Any) -> BundleParts:
    """The parts with some of them replaced."""
    return replace(parts(product), **changes)


def payment(**body: Any) -> Event:
    columns = {"amount": 10_000, "currency": "CNY", "auth_method": "password", **body}
    return Event("transaction", "e1", 1_790_000_000_000_000, 1_790_000_000_000_000, columns, "local", 1)


def application(**body: Any) -> Event:
    columns = {"borrower_id": "b1", "amount": 1_200_000, "currency": "CNY", "term_months": 12}
    columns = {**columns, "income_monthly": 1_500_000, **body}
    return Event("application", "a1", 1_790_000_000_000_000, 1_790_000_000_000_000, columns, "local", 1)
