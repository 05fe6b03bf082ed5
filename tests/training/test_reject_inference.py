"""Reject inference is shown beside the model and never enters it."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from domain.settings import PlatformSettings
from domain.time import DAY
from scoring.metrics import Ranking
from scoring.reasons import ReasonBook
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.settings_files import load_settings
from tests.training.conftest import ROOT, START
from training.challenger import Trained, train
from training.dataset_settings import RejectInference
from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.reject_inference import (
    ACCEPTED_ONLY,
    Applicants,
    Recipe,
    Sensitivity,
    acceptance_weights,
    sensitivity,
)
from training.settings import TrainingSettings
from training.tracking import Tracker

BOTH = ["parcelling", "inverse_probability"]
RECIPE = Recipe(
    LightGBM(seed=1, threads=1), Columns(("a", "b")),
    {"learning_rate": 0.1, "num_leaves": 6, "min_data_in_leaf": 40, "lambda_l2": 5.0}, 40,
)  # fmt: skip


def applicants(seed: int, pick: float, n: int = 6_000) -> Applicants:
    """Bad depends on both columns; the old policy refused by the first as far as ``pick`` says, else at random."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    bad = (rng.random(n) < 1 / (1 + np.exp(-(-1.5 + 0.8 * X[:, 0] + 0.8 * X[:, 1])))).astype(np.int8)
    accepted = pick * X[:, 0] + rng.normal(size=n) < 0.6
    first, second, third = np.split(np.arange(n), [n // 2, 3 * n // 4])

    def labelled(part: np.ndarray) -> Labelled:
        kept = part[accepted[part]]
        return Labelled(X[kept], bad[kept])

    refused = first[~accepted[first]]
    return Applicants(labelled(first), X[refused], labelled(second), labelled(third), X[third])


def run(made: Applicants, prudence: float = 1.0, cutoff: float = 0.35) -> Sensitivity:
    chosen = RejectInference(methods=BOTH, prudence=prudence, source="a test")
    return sensitivity(made, RECIPE, chosen, cutoff=cutoff, calibration="platt", resamples=100, seed=3)


def test_accepted_only_is_the_model_itself_and_all_are_measured_on_the_same_rows() -> None:
    made = applicants(0, 1.5)
    found = run(made)
    table = found.table()
    assert table.index.tolist() == [ACCEPTED_ONLY, "parcelling", "inverse probability"]
    model = RECIPE.fit(made.train)
    auc = Ranking.of(made.later.y, model.raw(made.later.X)).auc()
    own = table.loc[ACCEPTED_ONLY]
    assert own["auc"] == auc
    assert own[["difference", "low", "high", "changed_share"]].tolist() == [0, 0, 0, 0]
    for method in table.index:
        line = table.loc[method]
        assert line["auc"] - auc == pytest.approx(line["difference"])
        assert line["low"] <= line["difference"] <= line["high"]
        assert 0 < line["approved_share"] < 1
    assert (found.n, found.n_refused) == (len(made.later), len(made.refused))
    assert found == run(made)


def test_refused_at_random_nothing_is_to_be_gained() -> None:
    table = run(applicants(1, 0.0)).table()
    for method in ("parcelling", "inverse probability"):
        assert table.loc[method, "low"] < 0.02
        assert abs(table.loc[method, "difference"]) < 0.02
        assert abs(table.loc[method, "approved_share"] - table.loc[ACCEPTED_ONLY, "approved_share"]) < 0.05


def test_inverse_probability_makes_the_accepted_look_like_all_applicants() -> None:
    made = applicants(2, 1.0, n=20_000)
    weight = acceptance_weights(RECIPE, made, seed=1)
    everybody = np.concatenate([made.train.X[:, 0], made.refused[:, 0]]).mean()
    assert made.train.X[:, 0].mean() < everybody - 0.2
    assert np.average(made.train.X[:, 0], weights=weight) == pytest.approx(everybody, abs=0.08)
    assert weight.mean() == pytest.approx(1.0)


def test_the_more_prudent_the_guess_the_fewer_are_approved() -> None:
    made = applicants(3, 1.5)
    changed = [run(made, prudence).table().loc["parcelling", "changed_share"] for prudence in (1.0, 3.0)]
    assert changed[0] < changed[1]


def test_without_refused_applicants_it_is_not_assessed() -> None:
    made = applicants(4, 1.0)
    found = run(Applicants(made.train, made.refused[:0], made.calibration, made.later, made.all_later))
    assert found.table().empty
    assert found.note.startswith("not assessed: no application was refused")


def loans(n: int = 3_000) -> dict[str, pa.Table]:
    """Applications of 200 days; a quarter refused by amount, the rest settled within 20 days."""
    rng = np.random.default_rng(5)
    time = START + np.sort(rng.integers(0, 200 * DAY, n))
    amount = rng.integers(1_000, 90_000, n) * 100
    income = rng.integers(3_000, 30_000, n) * 100
    refused = amount / 100 + rng.normal(0, 20_000, n) > 75_000
    share = amount / income
    bad = rng.random(n) < 1 / (1 + np.exp(-(-2.2 + 0.5 * np.minimum(share, 8) / 2)))
    ids = np.array([f"a{i:05d}" for i in range(n)])
    known = time + rng.integers(DAY, 20 * DAY, n)
    applied = pa.table(
        {
            "event_id": ids, "event_time": time, "known_at": time, "borrower_id": np.char.replace(ids, "a", "b"),
            "amount": amount, "currency": ["CNY"] * n, "income_monthly": income,
            "term_months": rng.choice([6, 12, 24], n),
        }
    )  # fmt: skip
    told = pa.table(
        {
            "event_id": np.char.add("o-", ids), "event_time": known, "known_at": known, "subject_event_id": ids,
            "subject_kind": ["application"] * n, "subject_time": time, "borrower_id": np.char.replace(ids, "a", "b"),
            "code": np.where(refused, "refused", np.where(bad, "default_90dpd_12m", "performing_12m")),
        }
    )  # fmt: skip
    return {"application": applied, "outcome": told}


@pytest.mark.slow
def test_the_model_is_the_same_with_and_without_it(
    tmp_path: Path, platform: PlatformSettings, settings: TrainingSettings, make_home: Callable[[str], Home]
) -> None:
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    journal.append_tables(loans(), "bank")
    changes = {
        "name": "credit", "product": "loan", "label_policy": "credit-2026-11", "objective": "auc", "card": None,
        "features": {"product": "loan", "views": [], "own": ["amount", "income_monthly", "term_months"]},
        "maturity": {"after": "20d", "source": "a test"}, "windows": {"test": "40d", "calibration": "40d"},
        "cutoffs": {"by": "share", "attention": 0.4, "warning": 0.2, "high": 0.1, "source": "a test"},
        "alert_budget": None, "costs": None,
    }  # fmt: skip
    plain = TrainingSettings.model_validate({**settings.model_dump(mode="json"), **changes})
    asked = plain.model_copy(
        update={"reject_inference": RejectInference(methods=BOTH, prudence=1.5, source="an example")}
    )
    book = load_settings(ROOT / "configs" / "reasons" / "loan.yaml", ReasonBook)
    tracker = Tracker.open(make_home("home"), {})
    ticks = count(START + 201 * DAY, 1_000_000)

    def made(chosen: TrainingSettings) -> Trained:
        return train(
            chosen, platform, journal, book, tracker, actor="lin", clock=lambda: next(ticks), root=ROOT
        )  # fmt: skip

    without, with_it = made(plain), made(asked)
    assert with_it.model_text == without.model_text
    for name in ("model.txt", "calibration.json", "cutoffs.yaml", "reasons.json", "reference.parquet"):
        assert (with_it.bundle / name).read_bytes() == (without.bundle / name).read_bytes(), name
    assert without.reject_inference is None
    assert not (without.bundle.parent / "reject_inference.json").exists()
    found = with_it.reject_inference
    assert found is not None
    assert found.table().index.tolist() == [ACCEPTED_ONLY, "parcelling", "inverse probability"]
    # Accepted only, refitted here, is the champion to the last bit.
    assert found.table().loc[ACCEPTED_ONLY, "auc"] == with_it.measured.evaluation["auc"].value
    kept = json.loads((with_it.bundle.parent / "reject_inference.json").read_text())
    assert kept["note"].startswith("a sensitivity")
    assert kept["n_refused"] == with_it.split.train.left_out()["censored"] > 100
    assert len(pd.read_csv(with_it.bundle.parent / "reject_inference.csv")) == 3


def test_only_loans_are_refused(settings: TrainingSettings) -> None:
    chosen = {"methods": BOTH, "prudence": 1.5, "source": "a test"}
    with pytest.raises(ValidationError, match="only loan applications are refused"):
        TrainingSettings.model_validate({**settings.model_dump(mode="json"), "reject_inference": chosen})
