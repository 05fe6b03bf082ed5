"""Neither trivial nor hopeless: history must earn its place, and must not see everything.

A LightGBM on what a request says by itself, against the same one with the catalogue's history features; both
learn from the earlier days and are measured on later days, with the labels known at the end.
"""

from __future__ import annotations

from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from data.simulator.load import journal_simulation
from data.simulator.settings import SimulationSettings
from data.simulator.simulate import simulate
from data.simulator.simulation import Simulation
from domain.events import KINDS, ColumnType
from domain.labels import Verdict
from domain.settings import PlatformSettings
from domain.time import DAY, HOUR
from features.catalogue import load
from features.replay import build_snapshot
from features.settings import FeatureSettings
from stores.database import Database
from stores.journal import Journal
from stores.settings_files import load_settings
from stores.vault import Vault

PLATFORM = Path(__file__).parents[2] / "configs" / "platform.yaml"
MODEL = {
    "n_estimators": 120, "learning_rate": 0.07, "num_leaves": 12, "min_child_samples": 20, "colsample_bytree": 0.4,
    "subsample": 0.8, "subsample_freq": 1, "reg_lambda": 5.0, "verbose": -1, "n_jobs": 1, "random_state": 0,
}  # fmt: skip


def _history(made: Simulation, product: str, folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """Features of every subject, by event_id, and the names of those that need history."""
    made.write(folder)
    database = Database(folder / "assay.db")
    journal = Journal(database, folder / "journal")
    journal_simulation(folder, journal, Vault(database, bytes(32)))
    platform = load_settings(PLATFORM, PlatformSettings)
    chosen = load(FeatureSettings.model_validate({"product": product}), platform)
    snapshot = build_snapshot(chosen, journal, platform, threads=1)
    names = [feature.name for feature in chosen.features if feature.form in ("aggregate", "derived")]
    frame = snapshot.table.select(["event_id", *names]).to_pandas().set_index("event_id")
    return frame, names


def _raw(made: Simulation, kind: str) -> pd.DataFrame:
    """What the request says: every column but keys and protected ones, and the hour."""
    frame = made.tables[kind].to_pandas().set_index("event_id")
    if kind == "transaction":
        frame = frame[frame["stage"].isna() | (frame["stage"] == "authorisation")]
    columns = [c.name for c in KINDS[kind].values() if c.type is not ColumnType.KEY and not c.protected]
    raw = frame[columns].copy()
    for column in KINDS[kind].values():
        if column.name in raw and column.type in (ColumnType.CATEGORY, ColumnType.FLAG):
            raw[column.name] = raw[column.name].astype("category")
    raw["hour"] = frame["event_time"] // HOUR % 24
    raw["at"] = frame["event_time"]
    return raw


def _scores(X: pd.DataFrame, y: pd.Series, learn: pd.Series, test: pd.Series) -> np.ndarray:
    fitted = lgb.LGBMClassifier(**MODEL).fit(X[learn], y[learn])
    return np.asarray(fitted.predict_proba(X[test]))[:, 1]


@pytest.mark.slow
def test_fraud_needs_history_and_stays_hard(tmp_path: Path) -> None:
    gaps = []
    for seed in range(1, 6):
        settings = SimulationSettings(seed=seed, n_customers=1400, payment_days=72, n_borrowers=100, loan_months=14)
        made = simulate(settings)
        raw = _raw(made, "transaction")
        history, names = _history(made, "payment", tmp_path / str(seed))
        verdict = raw.index.map(made.settled("transaction"))
        y = pd.Series(verdict == Verdict.POSITIVE, index=raw.index).astype(int)
        told = ~pd.Series(verdict, index=raw.index).isin([Verdict.CENSORED, Verdict.INDETERMINATE])
        day = (raw.pop("at") - made.start) / DAY
        learn, test = told & (day > 4) & (day < 42), told & (day >= 42) & (day < 59)
        assert y[test].sum() > 40
        plain = average_precision_score(y[test], _scores(raw, y, learn, test))
        X = raw.join(history)
        assert len(names) > 50
        known = average_precision_score(y[test], _scores(X, y, learn, test))
        assert known < 0.90, f"seed {seed}: {known:.3f} with history is trivial"
        assert known - plain >= 0.10, f"seed {seed}: {plain:.3f} raw, {known:.3f} with history"
        gaps.append(known - plain)
    assert np.mean(gaps) > 0.2


@pytest.mark.slow
def test_default_is_told_by_history_better_than_by_the_form(tmp_path: Path) -> None:
    gains = []
    for seed in (1, 2):
        settings = SimulationSettings(seed=seed, n_customers=100, payment_days=14, n_borrowers=2500)
        made = simulate(settings)
        raw = _raw(made, "application")
        history, _ = _history(made, "loan", tmp_path / str(seed))
        verdict = pd.Series(raw.index.map(made.settled("application")), index=raw.index)
        y = (verdict == Verdict.POSITIVE).astype(int)
        at = raw.pop("at")
        matured = verdict.isin([Verdict.POSITIVE, Verdict.NEGATIVE]) & (at < made.end - 375 * DAY)
        cut = at[matured].quantile(0.6)
        learn, test = matured & (at < cut), matured & (at >= cut)
        form = roc_auc_score(y[test], _scores(raw, y, learn, test))
        full = roc_auc_score(y[test], _scores(raw.join(history), y, learn, test))
        assert full < 0.92
        assert form < 0.80
        gains.append(full - form)
    assert np.mean(gains) > 0.04
