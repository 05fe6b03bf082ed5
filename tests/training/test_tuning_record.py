"""What MLflow is told of a search; and the champion's parameters as its successor's first trial."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.settings import PlatformSettings
from domain.time import Clock
from features.catalogue import load
from scoring.reasons import ReasonBook
from stores.home import Home
from stores.journal import Journal
from tests.training.conftest import ROOT
from tests.training.study_worker import run as search_valley
from training.challenger import Trained, train
from training.importance import importance
from training.settings import TrainingSettings
from training.tracking import CHAMPION, PARENT_TAG, Tracker, registered_name
from training.tuning_record import search_metrics, write_search
from training.warm_start import WarmStart, warm_start


@pytest.mark.slow
def test_a_search_is_logged_below_its_run_and_starts_the_next(
    journal: Journal, platform: PlatformSettings, book: ReasonBook, settings: TrainingSettings, clock: Clock,
    make_home: Callable[[str], Home],
) -> None:  # fmt: skip
    tracker = Tracker.open(make_home("home"), {})

    def trained(**search: object) -> Trained:
        changed = settings.model_copy(update={"search": settings.search.model_copy(update=search)})
        return train(changed, platform, journal, book, tracker, actor="lin", clock=clock, root=ROOT)

    first = trained(log_trials=2)
    told = tracker.client.get_run(first.run_id)
    metrics, searched = told.data.metrics, first.searched
    test_figure = first.measured.evaluation[settings.objective].value
    assert test_figure is not None
    assert metrics["search_optimism_test"] == pytest.approx(searched.value - test_figure)
    assert metrics["search_complete"] + metrics["search_pruned"] == 3
    assert told.data.tags["search_began_with"] == "nothing (there is no champion yet)"
    runs = tracker.client.search_runs([told.info.experiment_id], f"tags.`{PARENT_TAG}` = '{first.run_id}'")
    assert len(runs) == 2
    chosen = next(run for run in runs if run.data.tags["chosen"] == "true")
    assert chosen.data.metrics["search_value"] == pytest.approx(searched.value)
    assert chosen.data.metrics["fold_2"] == pytest.approx(searched.trials[searched.chosen]["values"][0])
    assert {name: float(value) for name, value in chosen.data.params.items()} == pytest.approx(dict(searched.params))
    folder = first.bundle.parent
    assert len(pd.read_csv(folder / "course.csv")) == 3
    assert (folder / "plots" / "search.svg").read_text().startswith("<?xml")

    # The champion's parameters are read from its bundle, unless they are of other features or not asked for.
    tracker.client.set_registered_model_alias(registered_name("fraud"), CHAMPION, "1")
    features = load(settings.features, platform)
    assert warm_start(settings, features, tracker) == WarmStart(dict(searched.params), 1)
    other = load(settings.features.model_copy(update={"own": ["amount"]}), platform)
    assert warm_start(settings, other, tracker).note == "version 1 reads other features"
    quiet = settings.search.model_copy(update={"warm_start": False})
    assert warm_start(settings.model_copy(update={"search": quiet}), features, tracker).params is None
    (first.bundle / "manifest.json").write_text("{")
    assert "cannot be read" in warm_start(settings, features, tracker).note


def test_the_history_and_what_mattered_are_written(tmp_path: Path) -> None:
    found = search_valley(None, 30, budget={"pruning": "none", "method": "random"})
    write_search(tmp_path, found, "auc")
    shares = pd.read_csv(tmp_path / "importance.csv").set_index("param")["importance"]
    # Over its range the figure moves by up to .3 with x and by up to .08 with the depth.
    assert shares["x"] > shares["depth"]
    assert shares.sum() == pytest.approx(1)
    assert importance(found).equals(importance(found))
    course = pd.read_csv(tmp_path / "course.csv")
    assert course["best"].is_monotonic_increasing
    assert course["best"].iloc[-1] == pytest.approx(max(trial["value"] for trial in found.trials))
    assert (tmp_path / "plots" / "search.svg").exists()
    assert importance(search_valley(None, 4)).empty


def test_optimism_is_the_chosen_figure_less_the_later_one() -> None:
    found = search_valley(None, 6)
    told = search_metrics(found, {"calibration": 0.6, "test": 0.5})
    assert told["search_optimism_calibration"] == pytest.approx(found.value - 0.6)
    assert told["search_optimism_test"] == pytest.approx(found.value - 0.5)
    assert told["search_rounds"] == sum(trial["n_rounds"] for trial in found.trials)
    assert json.dumps(told)
    assert np.isfinite(list(told.values())).all()
