"""The prequential run on a small world: its lines, what each of them learnt from, and that nothing later is seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.errors import DataError
from domain.settings import PlatformSettings
from domain.time import DAY
from stores.home import Home
from stores.settings_files import load_settings
from tests.training.conftest import ROOT
from training.families.family import Columns
from training.protocols.handbook import HandbookSettings
from training.protocols.handbook_rows import HandbookRows
from training.protocols.learning_curve import handbook_curve
from training.protocols.prequential import run_prequential
from training.protocols.table import MEASURED, PAIRED, BenchmarkTable

PER_DAY, DAYS = 60, 90


@pytest.fixture
def settings() -> HandbookSettings:
    shipped = load_settings(ROOT / "configs" / "benchmarks" / "handbook.yaml", HandbookSettings)
    budget = {"trials": 1, "rounds": 15, "patience": 5}
    changes: dict[str, Any] = {
        "folds": [20 * DAY, 27 * DAY], "search": budget, "history_search": budget, "resamples": 20, "threads": 1,
        "max_bin": 31, "max_bin_of": {}, "learning_curve": ["30d", "7d"],
    }  # fmt: skip
    return shipped.model_copy(
        update=HandbookSettings.model_validate({**shipped.model_dump(mode="json"), **changes}).__dict__
    )


def small_world(settings: HandbookSettings) -> HandbookRows:
    """Sixty payments a day of forty customers at twenty terminals; fraud goes with the amount."""
    rng = np.random.default_rng(11)
    n = PER_DAY * DAYS
    day = np.repeat(np.arange(DAYS), PER_DAY)
    amount = rng.gamma(2.0, 30.0, n).round(2)
    y = (rng.random(n) < np.where(amount > 150, 0.6, 0.02)).astype(np.int8)
    X = np.column_stack([amount, rng.normal(size=n)])
    time = day * DAY + np.tile(np.arange(PER_DAY), DAYS) * 60_000_000
    customer, terminal = rng.integers(0, 400, n), rng.integers(0, 20, n)
    return HandbookRows(settings, X, Columns(("amount", "noise")), y, day, customer, terminal, time, amount)


def with_counts(settings: HandbookSettings, world: HandbookRows, starts: tuple[int, ...]) -> HandbookSettings:
    folds = []
    for first in starts:
        rows = world.rows(first * DAY)
        folds.append({"train_from": first * DAY, "n_train": len(rows.train), "n_test": len(rows.test)})
    told = settings.prequential.model_dump(mode="json") | {"folds": folds}
    return settings.model_copy(update={"prequential": type(settings.prequential).model_validate(told)})


@pytest.fixture
def run(settings: HandbookSettings, platform: PlatformSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def go(history: int | None, changed: dict[str, int] | None = None, *, curve: bool = False) -> BenchmarkTable:
        chosen = settings.model_copy(update={"train_from": 50 * DAY})
        world = small_world(chosen)
        chosen = with_counts(chosen, world, (64, 57))
        if changed is not None:
            fold = chosen.prequential.folds[0].model_copy(update=changed)
            told = chosen.prequential.model_copy(update={"folds": [fold, chosen.prequential.folds[1]]})
            chosen = chosen.model_copy(update={"prequential": told})
        monkeypatch.setattr(HandbookRows, "of", lambda *_: small_world(chosen))
        if curve:
            return handbook_curve(chosen, platform, tmp_path, tmp_path, Home(tmp_path), command="a test")
        return run_prequential(
            chosen, platform, tmp_path, tmp_path, Home(tmp_path), history=history, command="a test"
        )  # fmt: skip

    return go


def test_lines_are_measured_on_the_same_rows_and_paired(run: Any) -> None:
    table = run(30 * DAY)
    ours = [line for line in table.lines if line.source == MEASURED]
    assert [line.model for line in ours] == [
        "LightGBM, our features, 7d of labels, one model",
        "LightGBM, our features, 7d of labels, settings per metric",
        "LightGBM, our features, 30d of labels, one model",
        "LightGBM, our features, 30d of labels, settings per metric",
        "LightGBM defaults, the book's 15 inputs",
    ]
    assert len({(line.n, line.n_events) for line in ours}) == 1
    paired = [line for line in table.lines if line.source == PAIRED]
    for line, (first, second) in zip(paired, ((0, 4), (2, 0)), strict=True):
        for name, cell in line.cells.items():
            assert cell.value == pytest.approx(ours[first].cells[name].value - ours[second].cells[name].value)
    written = json.loads(table.to_json())
    assert written["equal"] is True
    assert "CP@100 cannot exceed" in table.to_text()
    assert written["figures"][f"{ours[0].model}: AP"] == ours[0].cells["AP"].value


def test_without_history_there_is_one_length(run: Any) -> None:
    assert not any("30d" in line.model for line in run(None).lines)


def test_a_fold_of_another_size_stops_the_run(run: Any) -> None:
    with pytest.raises(DataError, match="the published 1 training"):
        run(None, {"n_train": 1})


def test_a_learning_curve_stands_on_the_rows_of_the_table(run: Any) -> None:
    week, month, step = run(None, curve=True).lines
    table = run(30 * DAY)
    # One trial of the table is the calm beginning that the curve has everywhere.
    for point, model in ((week, "7d"), (month, "30d")):
        assert point.model.startswith(f"{model} of labels, ")
        line = table[f"LightGBM, our features, {model} of labels, one model"]
        assert (point.cells, point.n) == (line.cells, line.n)
    assert step.cells["AP"].value == pytest.approx(month.cells["AP"].value - week.cells["AP"].value)
