"""A small world of payments whose fraud can be learnt, in a journal of its own, and a real MLflow store."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from domain.settings import PlatformSettings
from domain.time import DAY, HOUR, Clock
from features.settings import FeatureSettings
from scoring.reasons import ReasonBook
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.settings_files import load_settings
from training.challenger import Trained, train
from training.gates.settings import GateSettings
from training.settings import TrainingSettings
from training.tracking import Tracker

Train = Callable[..., Trained]

ROOT = Path(__file__).parents[2]
START = 1_767_196_800_000_000  # 2026-01-01 in Shanghai
N_DAYS = 60
N_PAYMENTS = 6_000


def payments(seed: int = 0) -> dict[str, pa.Table]:
    """Transactions and outcomes: fraud comes in large amounts at few merchants; chargebacks take up to 5 days."""
    rng = np.random.default_rng(seed)
    time = START + np.sort(rng.integers(0, N_DAYS * DAY, N_PAYMENTS))
    merchant = rng.integers(0, 40, N_PAYMENTS)
    amount = np.exp(rng.normal(8.5, 0.8, N_PAYMENTS)).astype(np.int64) + 100
    logit = -5.0 + 2.0 * (np.log(amount) - 8.5) + 3.5 * (merchant < 3)
    fraud = rng.random(N_PAYMENTS) < 1 / (1 + np.exp(-logit))
    ids = np.array([f"t{i:05d}" for i in range(N_PAYMENTS)])
    names = {
        "customer_id": np.array([f"c{i}" for i in rng.integers(0, 300, N_PAYMENTS)]),
        "merchant_id": np.array([f"m{i}" for i in merchant]),
    }
    names["card_id"] = np.char.replace(names["customer_id"], "c", "k")
    transactions = pa.table(
        {
            "event_id": ids, "event_time": time, "known_at": time, **names, "amount": amount,
            "currency": ["CNY"] * N_PAYMENTS, "channel": np.where(merchant % 2, "mobile", "bank_card"),
        }
    )  # fmt: skip
    known = time[fraud] + rng.integers(HOUR, 5 * DAY, int(fraud.sum()))
    told = pa.table(
        {
            "event_id": np.char.add("o-", ids[fraud]), "event_time": known, "known_at": known,
            "subject_event_id": ids[fraud], "subject_kind": ["transaction"] * len(known),
            "subject_time": time[fraud], "code": ["chargeback_fraud"] * len(known),
            "merchant_id": names["merchant_id"][fraud],
        }
    )  # fmt: skip
    return {"transaction": transactions, "outcome": told}


@pytest.fixture(scope="session")
def platform() -> PlatformSettings:
    return load_settings(ROOT / "configs" / "platform.yaml", PlatformSettings)


@pytest.fixture(scope="session")
def book() -> ReasonBook:
    return load_settings(ROOT / "configs" / "reasons" / "payment.yaml", ReasonBook)


@pytest.fixture(scope="session")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    folder = tmp_path_factory.mktemp("world")
    made = Journal(Database(folder / "assay.db"), folder / "journal")
    made.append_tables(payments(), "shop")
    return made


@pytest.fixture(scope="session")
def settings() -> TrainingSettings:
    return TrainingSettings.model_validate(
        {
            "name": "fraud",
            "product": "payment",
            "features": FeatureSettings(
                product="payment", views=["card", "merchant", "merchant_traffic"], own=["amount", "channel"]
            ).model_dump(),
            "label_policy": "fraud-2026-11",
            "maturity": {"after": "5d", "source": "the small world's chargebacks take up to 5 days"},
            "windows": {"test": "10d", "calibration": "10d"},
            "folds": {"n": 2, "valid": "7d"},
            # With fewer bins, three trials on so few rows find a model that hangs on the amount alone: rightly red.
            "search": {"trials": 3, "rounds": 40, "patience": 10, "coarse": False},
            "objective": "average_precision",
            "cutoffs": {"by": "share", "attention": 0.10, "warning": 0.04, "high": 0.01, "source": "a test"},
            "alert_budget": {"per_day": 5, "source": "a test"},
            "costs": {"review": "20.00 CNY", "friction": "50.00 CNY", "source": "a test"},
            "card": "card_id",
            "seed": 11,
            "threads": 1,
            "resamples": 60,
        }
    )


@pytest.fixture
def clock() -> Clock:
    """A second later at each look, from the day after the small world ends."""
    ticks = count(START + (N_DAYS + 1) * DAY, 1_000_000)
    return lambda: next(ticks)


@pytest.fixture(scope="session")
def limits() -> GateSettings:
    return load_settings(ROOT / "configs" / "gates.yaml", GateSettings)


@pytest.fixture
def train_with(
    journal: Journal, platform: PlatformSettings, book: ReasonBook, settings: TrainingSettings, clock: Clock
) -> Train:
    def run(tracker: Tracker, actor: str = "lin", **changes: object) -> Trained:
        chosen = settings.model_copy(update=changes)
        return train(chosen, platform, journal, book, tracker, actor=actor, clock=clock, root=ROOT)

    return run


@pytest.fixture(scope="session")
def trained_once(
    tmp_path_factory: pytest.TempPathFactory, empty_registry: bytes, journal: Journal, platform: PlatformSettings,
    book: ReasonBook, settings: TrainingSettings,
) -> tuple[Tracker, Trained]:  # fmt: skip
    """One challenger in a store of its own, for tests that leave it as it is."""
    home = Home(tmp_path_factory.mktemp("trained"))
    (home.root / "mlflow.db").write_bytes(empty_registry)
    tracker = Tracker.open(home, {})
    ticks = count(START + (N_DAYS + 1) * DAY, 1_000_000)
    made = train(settings, platform, journal, book, tracker, actor="lin", clock=lambda: next(ticks), root=ROOT)
    return tracker, made


@pytest.fixture
def make_home(tmp_path: Path, empty_registry: bytes) -> Callable[[str], Home]:
    def make(name: str) -> Home:
        home = Home(tmp_path / name)
        home.root.mkdir()
        (home.root / "mlflow.db").write_bytes(empty_registry)
        return home

    return make
