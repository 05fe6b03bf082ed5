"""From events to a challenger, a champion and a served bundle, with a real MLflow store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import DataError, ModelError, Unavailable
from domain.settings import PlatformSettings
from domain.time import Clock
from features.snapshot import Snapshot
from scoring.bundle import load_bundle
from scoring.reasons import ReasonBook
from stores.bundles import pointed
from stores.home import Home
from stores.journal import Journal
from tests.training.conftest import ROOT, Train
from tests.training.test_thresholds import COSTS
from training.challenger import train
from training.money_settings import Cutoffs
from training.registry import deploy, models
from training.settings import TrainingSettings
from training.tracking import Tracker


@pytest.mark.slow
def test_a_model_is_trained_registered_deployed_and_scores_the_same(
    train_with: Train, make_home: Callable[[str], Home], clock: Clock, settings: TrainingSettings
) -> None:
    home = make_home("home")
    tracker = Tracker.open(home, {})
    by_cost = Cutoffs(by="cost", attention=0.2, warning=0.1, high=0.05, source="a test")
    first = train_with(tracker)

    # The registered challenger is the bundle that was trained.
    listed = models(tracker, "fraud").versions
    assert [(each.version, each.aliases, each.bundle) for each in listed] == [(1, ("challenger",), first.bundle_hash)]
    run = tracker.client.get_run(first.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test_average_precision"] == first.measured.evaluation["average_precision"].value
    kept = {item.path for item in tracker.client.list_artifacts(first.run_id)}
    assert {"bundle", "evaluation.json", "plots", "shap.csv", "trials.csv", "test_scores.parquet"} <= kept
    assert {"thresholds.json", "reliability.json", "calibrators.csv", "grades.csv"} <= kept
    assert first.measured.money is None
    assert "not assessed" in first.measured.evaluation["cutoffs_cost"].note
    assert json.loads((first.bundle.parent / "labels.json").read_text())["immature"] > 0

    # Champion and deployed, it scores what the fitted model scored.
    tracker.client.set_registered_model_alias("assay-fraud", "champion", "1")
    deployed = deploy(tracker, "fraud", home, clock=clock)
    assert pointed(home.pointers, "payment") == deployed.bundle == first.bundle_hash
    bundle = load_bundle(deployed.folder, score_golden_in_child=False)
    reference = bundle.reference()
    raw = bundle.scorer.raw_many(bundle.encoder.matrix(reference))
    assert raw.tolist() == reference["raw_score"].to_pylist()
    assert bundle.calibrator.probability(raw).tolist() == reference["score"].to_pylist()

    # The same seed, data and threads give the same trees; the next version is paired with the champion.
    second = train_with(tracker, cutoffs=by_cost, costs=COSTS)
    assert second.model_text == first.model_text
    assert (second.bundle / "model.txt").read_bytes() == (first.bundle / "model.txt").read_bytes()
    assert second.version == 2
    assert second.measured.champion.note == ""
    # Cut-offs by cost are frozen into the bundle before the test prices them.
    money = second.measured.money
    assert money is not None
    assert money.cutoffs == load_bundle(second.bundle, score_golden_in_child=False).cutoffs
    assert money.values["regret"] >= 0
    assert money.values["cost"] < money.values["cost_without_model"]
    logged = tracker.client.get_run(second.run_id).data.metrics
    assert logged["test_cutoffs_regret"] == money.values["regret"]
    written = json.loads((second.bundle.parent / "thresholds.json").read_text())
    assert written["by"] == "cost"
    assert written["test"]["values"]["cost"] == money.values["cost"]
    assert written["calibration_traffic"]["warning"] <= 10 * settings.alert_budget.per_day  # ten days of calibration
    np.testing.assert_array_equal(second.measured.champion.raw, second.measured.scored.raw)

    # What lies under the champion's name must be what was registered, intact or not.
    tracker.client.set_model_version_tag("assay-fraud", "1", "bundle", second.bundle_hash)
    with pytest.raises(ModelError, match="that was registered as version 1"):
        deploy(tracker, "fraud", home, clock=clock)
    assert pointed(home.pointers, "payment") == first.bundle_hash


def test_the_environment_names_the_store(make_home: Callable[[str], Home], tmp_path: Path) -> None:
    home, other = make_home("home"), make_home("other")
    tracker = Tracker.open(home, {"MLFLOW_TRACKING_URI": other.tracking_uri})
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "model.txt").write_text("trees")
    with tracker.run("assay-fraud", "a run", {}) as run:
        run.folder(tmp_path / "files", "bundle")
        tracker.register("fraud", run, "bundle", {"bundle": "abc"})
    assert models(Tracker.open(other, {}), "fraud").versions[0].bundle == "abc"
    assert models(Tracker.open(home, {}), "fraud").versions == ()
    assert models(Tracker.open(home, {}), "fraud").table().empty


def test_a_store_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="MLFLOW_TRACKING_URI"):
        Tracker.open(Home(tmp_path), {"MLFLOW_TRACKING_URI": "sqlite:////proc/nowhere/mlflow.db"})


def test_a_run_that_fails_is_marked_failed(make_home: Callable[[str], Home]) -> None:
    tracker = Tracker.open(make_home("home"), {})
    with pytest.raises(ZeroDivisionError), tracker.run("assay-fraud", "a run", {}) as run:
        raise ZeroDivisionError
    assert tracker.client.get_run(run.run_id).info.status == "FAILED"


def test_a_version_that_is_not_there_names_those_that_are(make_home: Callable[[str], Home]) -> None:
    tracker = Tracker.open(make_home("home"), {})
    with pytest.raises(
        ModelError, match=r"^fraud: expected a version or alias out of none; train one first with `assay"
    ):
        tracker.version("fraud", "champion")
    for _ in range(2):
        with tracker.run("assay-fraud", "a run", {}) as run:
            tracker.register("fraud", run, "bundle", {"bundle": "abc"})
    tracker.client.set_registered_model_alias("assay-fraud", "champion", "1")
    tracker.client.create_registered_model("assay-empty")
    tracker.client.create_registered_model("somebody-elses")
    tracker.client.create_model_version("somebody-elses", source=run.artifact_uri)
    with pytest.raises(
        ModelError,
        match=r"^fraud: expected a version or alias out of 2, 1, challenger → 2, champion → 1, got 'previous'; "
        r"name one of them, as fraud@champion or --version champion, or train",
    ):
        tracker.version("fraud", "previous")
    with pytest.raises(ModelError, match=r"^fraudd: expected a model out of fraud, got 'fraudd'; name one of them"):
        tracker.version("fraudd", "champion")


def test_a_snapshot_of_other_features_is_refused(
    journal: Journal, platform: PlatformSettings, book: ReasonBook, settings: TrainingSettings, clock: Clock,
    make_home: Callable[[str], Home],
) -> None:  # fmt: skip
    other = Snapshot(pa.table({"seq": [1]}), {"definition": "0" * 64, "upto_seq": 1})
    with pytest.raises(DataError, match="expected features with the definition hash"):
        train(
            settings, platform, journal, book, Tracker.open(make_home("home"), {}), actor="lin", clock=clock,
            root=ROOT, snapshot=other,
        )  # fmt: skip
