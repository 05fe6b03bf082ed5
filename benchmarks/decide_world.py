"""The world that decisions are compared in: payments journalled, a model learnt, a home to serve from.

payments ──▶ journal ──replay──▶ snapshot ──▶ LGBMClassifier, 400 trees of 63 leaves ──▶ bundle (ours), joblib (theirs)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import lightgbm
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from domain.decision import Product
from domain.events import Event
from domain.settings import PlatformSettings
from domain.time import DAY, MINUTE, parse_instant, system_clock
from features.catalogue import FeatureSet
from features.catalogue import load as load_features
from features.replay import build_snapshot
from features.settings import FeatureSettings
from scoring.bundle import BundleParts, write_bundle
from scoring.calibrator import Platt
from scoring.encode import Encoder
from scoring.explainer import Explainer
from scoring.golden import golden_table
from scoring.reasons import ReasonBook, Selector
from scoring.scorer import Scorer
from serving.auth import Role, add_key
from serving.books import Books
from serving.load.traffic import Traffic
from stores.bundles import install, point
from stores.home import Home
from stores.settings_files import load_settings

CONFIGS = Path(__file__).parents[1] / "configs"
MODEL = "model.joblib"
NOT_APPROVED = 0.04
_HISTORY, _LATELY = 30 * DAY, 10 * MINUTE


@dataclass(frozen=True)
class World:
    """A home to serve from, the key of a client, and the same model as the peers keep it."""

    home: Home
    key: str
    peers: Path
    classifier: lightgbm.LGBMClassifier
    names: tuple[str, ...]
    parts: BundleParts

    def not_approving(self, scores: Sequence[float]) -> str:
        """Deploy the same model with cut-offs that `NOT_APPROVED` of such scores reach; returns the bundle's hash."""
        cuts = np.quantile(np.array(scores), [1 - NOT_APPROVED, 1 - NOT_APPROVED / 2, 1 - NOT_APPROVED / 8])
        for place in (1, 2):
            # Few scores may tie; cut-offs must rise.
            cuts[place] = max(cuts[place], np.nextafter(cuts[place - 1], 1.0))
        named = dict(zip(("attention", "warning", "high"), map(float, cuts), strict=True))
        return _deployed(self.home, replace(self.parts, cutoffs=named), self.peers.parent / "staged-again")


def make_world(root: Path, *, n_payments: int, n_trees: int, n_leaves: int = 63, seed: int = 7) -> World:
    """Journal payments, learn from them, deploy."""
    home, platform = Home(root / "home"), load_settings(CONFIGS / "platform.yaml", PlatformSettings)
    settings = FeatureSettings(product="payment")
    features = load_features(settings, platform, {})
    # 1. A month of payments, tokenised as the service does it.
    now = system_clock()
    books = Books.open(home, {}, 30.0)
    books.journal.append(list(_history(books, n_payments, now, seed)))
    table = build_snapshot(features, books.journal, platform, threads=2).table
    books.close()
    # 2. Fraud that follows the amount and what is usual; the model sees what the service will see.
    encoder = Encoder.fit(table, features)
    X = encoder.matrix(table)
    frame = pd.DataFrame(X, columns=list(features.names))
    classifier = lightgbm.LGBMClassifier(
        n_estimators=n_trees, num_leaves=n_leaves, min_child_samples=5, learning_rate=0.05, n_jobs=1,
        random_state=seed, verbosity=-1,
    ).fit(frame, _fraud(X, features.names, seed), categorical_feature=list(features.categorical))  # fmt: skip
    # 3. The same trees as a bundle, and as the peers keep them.
    parts = _parts(classifier, encoder, X, table, settings, platform, features)
    _deployed(home, parts, root / "staged")
    peers = root / "peers"
    peers.mkdir()
    joblib.dump(classifier, peers / MODEL)
    return World(home, add_key(home, "bench", [Role.PAYMENTS_SCORER]), peers, classifier, features.names, parts)


def _deployed(home: Home, parts: BundleParts, staged: Path) -> str:
    digest = write_bundle(staged, parts)
    install(staged, home.bundles)
    point(home.pointers, Product.PAYMENT.value, digest, system_clock())
    return digest


def _history(books: Books, n: int, now: int, seed: int) -> Iterator[Event]:
    # A quarter comes in the last ten minutes, at the pace of a load: what is counted in an hour is then as high.
    rng = np.random.default_rng(seed)
    past = rng.integers(now - _HISTORY, now - _LATELY, n - n // 4)
    times = np.sort(np.concatenate([past, rng.integers(now - _LATELY, now, n // 4)]))
    traffic = Traffic("past", seed, system_clock)
    for at in times.tolist():
        body = msgspec.json.decode(traffic.body(Product.PAYMENT))
        kept = {name: value for name, value in body.items() if name not in ("event_id", "event_time")}
        yield books.vault.tokenised(Event("transaction", body["event_id"], at, at, kept, "bench"))


def _fraud(X: NDArray[np.float64], names: tuple[str, ...], seed: int) -> NDArray[np.float64]:
    # Of what a load does not change by its own pace: the share that is not approved stays what it is.
    rng = np.random.default_rng(seed)
    amount = np.log1p(X[:, names.index("amount")])
    unusual = np.log1p(np.nan_to_num(X[:, names.index("amount_to_customer_mean_30d")], nan=1.0))
    margin = 1.1 * (amount - amount.mean()) + 0.8 * unusual + rng.normal(0.0, 0.5, len(X)) - 4.0
    return (rng.random(len(X)) < 1 / (1 + np.exp(-margin))).astype(float)


def _parts(
    classifier: lightgbm.LGBMClassifier,
    encoder: Encoder,
    X: NDArray[np.float64],
    table: pa.Table,
    settings: FeatureSettings,
    platform: PlatformSettings,
    features: FeatureSet,
) -> BundleParts:
    scorer = Scorer(classifier.booster_.model_to_string(num_iteration=-1))
    explainer, calibrator = Explainer(scorer), Platt(1.0, 0.0)
    raw = scorer.raw_many(X)
    score = np.asarray(calibrator.probability(raw))
    book = load_settings(CONFIGS / "reasons" / "payment.yaml", ReasonBook)
    approved = X[score < np.quantile(score, 1 - NOT_APPROVED)][-400:]
    baseline = explainer.contributions_many(approved, threads=2).mean(axis=0)[:-1]
    resolved = book.resolved((feature.name, feature.group) for feature in features.features)
    reference = table.select([*features.names, "event_time"])
    reference = reference.append_column("raw_score", pa.array(raw)).append_column("score", pa.array(score))
    # Rows are in the order of arrival: the newest are like those that will be asked about.
    cuts = np.quantile(score[-len(score) // 8 :], [1 - NOT_APPROVED, 1 - NOT_APPROVED / 2, 1 - NOT_APPROVED / 8])
    return BundleParts(
        name="fraud",
        product=Product.PAYMENT,
        model_text=classifier.booster_.model_to_string(num_iteration=-1),
        feature_settings=settings,
        platform=platform,
        feature_hash=features.hash,
        feature_names=features.names,
        categories=encoder.categories,
        extensions={},
        calibration=calibrator,
        cutoffs=dict(zip(("attention", "warning", "high"), map(float, cuts), strict=True)),
        reason_baseline=baseline,
        reason_book=book,
        reference=reference,
        golden=golden_table(X[:10], scorer, calibrator, explainer, Selector(resolved, baseline, scorer.names)),
        about={"made": parse_instant("2026-01-01T00:00:00Z")},
    )
