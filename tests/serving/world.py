"""A small world for the service: a stream of requests, bundles trained on one, and a home to serve from."""

from __future__ import annotations

import shutil
import tempfile
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
from domain.time import DAY, HOUR, MINUTE, SECOND, format_instant, parse_instant
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
from stores.bundles import install, point
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.settings_files import load_settings

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = {Product.PAYMENT: "fraud", Product.LOAN: "credit"}
START = parse_instant("2025-11-01T00:00:00Z")


PATIENT = {"default_deadline": "30s", "answer_timeout": "60s"}
"""So that a busy machine drops no model."""


def copied_configs(folder: Path, **serving: str) -> Path:
    """The shipped settings in a new folder, some of ``serving.yaml`` changed; returns the folder."""
    shutil.copytree(CONFIGS, folder)
    path = folder / "serving.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text(encoding="utf-8")), **serving}), encoding="utf-8")
    return folder


@cache
def platform() -> PlatformSettings:
    return load_settings(CONFIGS / "platform.yaml", PlatformSettings)


def payment_stream(
    n: int, seed: int, until: int, *, prefix: str = "p", n_cards: int = 60, step: int = 20 * MINUTE
) -> list[dict[str, Any]]:
    """Scoring requests that arrive in this order, at most ``step`` apart, the newest event near ``until`` (µs).

    A tenth come late by up to two days, a tenth share the very instant of an earlier one, a few columns are
    missing, a few amounts are foreign; one merchant takes a quarter of all.
    """
    rng = np.random.default_rng(seed)
    clock = until - n * step
    requests: list[dict[str, Any]] = []
    times: list[int] = []
    for index in range(n):
        clock += int(rng.integers(1, step))
        at = min(clock, until)
        lot = rng.random()
        if lot < 0.1:
            at -= int(rng.integers(1, 2 * DAY))
        elif lot < 0.2 and times:
            at = times[-int(rng.integers(1, min(len(times), 30) + 1))]
        times.append(at)
        card = int(rng.zipf(1.6)) % n_cards
        request: dict[str, Any] = {
            "event_id": f"{prefix}{index}",
            "event_time": format_instant(at),
            "amount": int(np.exp(rng.normal(8.5, 1.2))) + 1,
            "currency": "USD" if rng.random() < 0.05 else "CNY",
            "card_id": f"4000{card:08d}",
            "customer_id": f"c{card % 40}",
            "account_id": f"a{card % 45}",
            "merchant_id": "m0" if rng.random() < 0.25 else f"m{int(rng.integers(1, 40))}",
            "terminal_id": f"t{int(rng.integers(0, 60))}",
            "device_id": f"d{card % 50 if rng.random() < 0.9 else int(rng.integers(50, 200))}",
            "ip_id": f"10.0.0.{int(rng.integers(0, 80))}",
            "payee_id": f"y{int(rng.integers(0, 70))}",
            "channel": str(rng.choice(["bank_card", "mobile", "third_party_wallet"])),
            "auth_method": str(rng.choice(["password", "otp", "none"])),
            "mcc": str(rng.choice(["5411", "5812", "4829", "6011"])),
            "country": str(rng.choice(["CN", "HK", "US"])),
            "card_present": bool(rng.random() < 0.5),
        }
        for name in ("device_id", "payee_id", "country", "terminal_id", "card_present"):
            if rng.random() < 0.08:
                del request[name]
        requests.append(request)
    return requests


def application_stream(n: int, seed: int, until: int, *, prefix: str = "l") -> list[dict[str, Any]]:
    """Loan applications of returning borrowers."""
    rng = np.random.default_rng(seed)
    requests = []
    for index in range(n):
        at = until - (n - index) * HOUR - int(rng.integers(0, HOUR))
        requests.append(
            {
                "event_id": f"{prefix}{index}",
                "event_time": format_instant(at),
                "borrower_id": f"b{int(rng.integers(0, 40))}",
                "amount": int(rng.integers(100_000, 5_000_000)),
                "currency": "CNY",
                "term_months": int(rng.choice([6, 12, 24])),
                "income_monthly": int(rng.integers(300_000, 3_000_000)),
                "employment": str(rng.choice(["salaried", "self_employed"])),
                "channel": "mobile",
                "purpose": str(rng.choice(["car", "home", "study"])),
            }
        )
    return requests


def as_event(request: dict[str, Any], kind: str, client: str = "local") -> Event:
    """What a request becomes in a journal, known at its event time."""
    body = {name: value for name, value in request.items() if name not in ("event_id", "event_time", "deadline_ms")}
    at = parse_instant(request["event_time"])
    return Event(kind, request["event_id"], at, at, body, client)


@cache
def _trained(product: Product, seed: int, views: bool) -> BundleParts:
    """A model of a few trees on a replayed stream whose risk follows amount and pace."""
    subject = "transaction" if product is Product.PAYMENT else "application"
    stream = payment_stream if product is Product.PAYMENT else application_stream
    settings = FeatureSettings(product=product.value, views=None if views else [])
    features = load_features(settings, platform(), {})
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "assay.db")
        journal = Journal(database, Path(folder) / "journal")
        journal.append([as_event(request, subject) for request in stream(900, seed, START)])
        table = build_snapshot(features, journal, platform(), threads=1).table
        database.close()
    encoder = Encoder.fit(table, features)
    X = encoder.matrix(table)
    rng = np.random.default_rng(seed)
    amount = np.log1p(np.nan_to_num(X[:, features.names.index("amount")]))
    margin = 1.2 * (amount - amount.mean()) + rng.normal(0, 0.5, len(X)) - 1.2
    y = (rng.random(len(X)) < 1 / (1 + np.exp(-margin))).astype(float)
    return fitted_parts(product, table, y, features, settings, seed=seed)


def fitted_parts(
    product: Product,
    table: pa.Table,
    y: np.ndarray,
    features: FeatureSet,
    settings: FeatureSettings,
    *,
    seed: int,
    rounds: int = 40,
    shares: tuple[float, float, float] = (0.85, 0.93, 0.98),
) -> BundleParts:
    """A bundle of a few trees on rows of a snapshot; its cut-offs let through the given shares of them."""
    encoder = Encoder.fit(table, features)
    X = encoder.matrix(table)
    categorical = [features.names.index(name) for name in features.categorical]
    data = lightgbm.Dataset(X, y, feature_name=list(features.names), categorical_feature=categorical)
    tuned = {
        "objective": "binary",
        "num_leaves": 15,
        "min_data_in_leaf": 10,
        "verbosity": -1,
        "num_threads": 1,
        "seed": seed,
    }
    text = lightgbm.train(tuned, data, rounds).model_to_string(num_iteration=-1)
    scorer = Scorer(text)
    explainer, calibrator = Explainer(scorer), Platt(1.0, 0.0)
    raw = scorer.raw_many(X)
    score = np.asarray(calibrator.probability(raw))
    book = load_settings(CONFIGS / "reasons" / f"{product.value}.yaml", ReasonBook)
    baseline = explainer.contributions_many(X[raw < np.quantile(raw, 0.8)]).mean(axis=0)[:-1]
    resolved = book.resolved((feature.name, feature.group) for feature in features.features)
    reference = table.select([*features.names, "event_time"])
    reference = reference.append_column("raw_score", pa.array(raw)).append_column("score", pa.array(score))
    cuts = np.quantile(score, shares)
    return BundleParts(
        name=NAMES[product],
        product=product,
        model_text=text,
        feature_settings=settings,
        platform=platform(),
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
        about={"seed": seed},
    )


def deploy(home: Home, product: Product, *, seed: int = 5, views: bool = True, at: int = START, role: str = "") -> str:
    """Train, install and point at a bundle, as champion or in another role; returns its hash."""
    staged = home.root / "staged" / f"{product.value}-{seed}-{views}"
    if staged.exists():
        shutil.rmtree(staged)
    digest = write_bundle(staged, _trained(product, seed, views))
    install(staged, home.bundles)
    point(home.pointers, f"{product.value}.{role}" if role else product.value, digest, at)
    return digest


def with_keys(home: Home) -> dict[str, str]:
    """A client for each role, named by it, and one called ``flow`` that has all that write; client → key."""
    keys = {role.value: add_key(home, role.value, [role.value]) for role in Role}
    keys["flow"] = add_key(home, "flow", [Role.PAYMENTS_SCORER, Role.LOANS_SCORER, Role.OUTCOME_WRITER])
    keys["second"] = add_key(home, "second", [Role.PAYMENTS_SCORER])
    return keys


def now_like(seconds: int = 0) -> int:
    """A fixed moment after `START`, for clocks of tests."""
    return START + seconds * SECOND
