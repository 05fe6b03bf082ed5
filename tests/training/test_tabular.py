"""Static tables: the published folds, nested tuning, protected columns only beside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from domain.errors import DataError, DefinitionError
from domain.settings import PlatformSettings
from features.catalogue import load
from stores.home import Home
from stores.settings_files import load_settings
from tests.training.conftest import ROOT
from training.protocols.learning_curve import tabular_curve
from training.protocols.table import BenchmarkTable
from training.protocols.tabular import TabularSettings, run_tabular, some_of, stratified

Run = Callable[..., BenchmarkTable]


def runner(protocol: Run, platform: PlatformSettings, shared_data: Path, tmp_path: Path) -> Run:
    settings = load_settings(ROOT / "configs" / "benchmarks" / "german.yaml", TabularSettings)
    short = {
        "folds": 2,
        "inner_folds": 2,
        "search": {"trials": 2, "rounds": 30},
        "resamples": 50,
        "threads": 1,
        "learning_curve": [0.3, 1.0],
    }

    def run(mapping: Path = ROOT / "data" / "mappings" / "german.yaml", **changes: Any) -> BenchmarkTable:
        chosen = TabularSettings.model_validate({**settings.model_dump(mode="json"), **short, **changes})
        data = shared_data / "german"
        return protocol(chosen, platform, mapping, data, Home(tmp_path / "home"), command="a test")

    return run


@pytest.fixture
def german(platform: PlatformSettings, shared_data: Path, tmp_path: Path) -> Run:
    return runner(run_tabular, platform, shared_data, tmp_path)


@pytest.fixture
def run_curve(platform: PlatformSettings, shared_data: Path, tmp_path: Path) -> Run:
    return runner(tabular_curve, platform, shared_data, tmp_path)


@pytest.mark.shared_data
def test_german_runs_on_all_its_rows_and_beats_a_guess(german: Run) -> None:
    table = german()
    ours = table["LightGBM, our features"]
    assert (ours.n, ours.n_events) == (1_000, 300)
    assert ours.cells["AUC"].value > 0.70
    assert ours.cells["Brier"].value < 0.21
    for cell in ours.cells.values():
        assert cell.low is not None
        assert cell.high is not None
        assert cell.low < cell.high
    assert "a test" in table.to_text()
    assert json.loads(table.to_json())["lines"][0]["source"] == "reference, same folds"
    assert table.table().loc["logistic regression", "AUC"] == 0.780
    again = german()
    assert again["LightGBM, our features"] == ours


@pytest.mark.shared_data
def test_other_rows_are_refused(german: Run) -> None:
    with pytest.raises(DataError, match="the published 999 rows"):
        german(n=999)


@pytest.mark.shared_data
def test_a_file_that_is_not_there_is_named(german: Run) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: expected the data set's file, found none"):
        german(file="gone.csv")


def test_folds_are_scikit_learns() -> None:
    y = (np.random.default_rng(0).random(200) < 0.3).astype(np.int8)
    oracle = StratifiedKFold(5, shuffle=True, random_state=42).split(np.zeros((200, 1)), y)
    for (learnt, held), (train, test) in zip(stratified(y, 5, 42), oracle, strict=True):
        assert learnt.tolist() == train.tolist()
        assert held.tolist() == test.tolist()


@pytest.mark.parametrize("name", ["german", "taiwan"])
def test_no_protected_column_is_a_feature(name: str, platform: PlatformSettings) -> None:
    settings = load_settings(ROOT / "configs" / "benchmarks" / f"{name}.yaml", TabularSettings)
    own = settings.features.own or []
    assert not set(settings.protected) & set(own)
    with pytest.raises(DefinitionError, match="protected"):
        load(settings.features.model_copy(update={"own": settings.protected}), platform)


@pytest.mark.shared_data
def test_a_learning_curve_ends_where_the_table_stands(german: Run, run_curve: Run) -> None:
    curve = run_curve()
    assert [line.model for line in curve.lines] == [
        "0.3 of the training part", "1 of the training part", "1 of the training part less 0.3 of the training part",
    ]  # fmt: skip
    less, whole, step = curve.lines
    # One trial is the calm beginning, and all of the training part is what the table's models learn from.
    assert whole.cells == german(search={"trials": 1, "rounds": 30})["LightGBM, our features"].cells
    assert step.cells["AUC"].value == pytest.approx(whole.cells["AUC"].value - less.cells["AUC"].value)


def test_a_smaller_share_is_part_of_a_larger_one() -> None:
    y = (np.random.default_rng(0).random(500) < 0.3).astype(np.int8)
    rows = np.flatnonzero(np.arange(500) % 5)
    parts = [some_of(rows, y, share, seed=3) for share in (0.125, 0.5, 1.0)]
    assert set(parts[0]) < set(parts[1]) < set(parts[2])
    assert parts[2].tolist() == rows.tolist()
    for part, share in zip(parts, (0.125, 0.5, 1.0), strict=True):
        assert y[part].sum() == round(share * y[rows].sum())
