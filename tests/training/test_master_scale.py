"""The master scale: bands that rise, hold enough defaults and are tabled by plain counting."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from pydantic import ValidationError

from cli.main import main
from domain.errors import ModelError
from scoring.policy_settings import MasterScale
from scoring.pricing import suggest_price
from stores.bundles import write_manifest
from stores.home import Home
from stores.settings_files import load_settings
from tests.training.conftest import ROOT
from training.master_scale import fit_master_scale, grade_table
from training.money_settings import ScaleSettings
from training.settings import TrainingSettings
from training.tracking import Tracker

WANTED = ScaleSettings(horizon_months=12, grades=9, best=0.01, worst=0.32, least_events=8, source="a test")


def loans(n: int, seed: int = 0, bend: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = np.clip(rng.beta(0.8, 7, n), 1e-4, 0.98)
    return p, (rng.random(n) < p**bend).astype(np.int8)


@given(st.integers(40, 4_000), st.integers(0, 10**6), st.integers(1, 30), st.integers(2, 12))
@trials(max_examples=60)
def test_bands_rise_cover_everything_and_hold_enough_defaults(n: int, seed: int, least: int, grades: int) -> None:
    p, y = loans(n, seed)
    wanted = WANTED.model_copy(update={"least_events": least, "grades": grades})
    try:
        scale = fit_master_scale(p, y, wanted)
    except ModelError as error:
        assert "lower least_events" in str(error)  # noqa: PT017 - whether it is raised depends on the sample
        return
    made = grade_table(scale, y, p, None, "a test")
    assert made.rising
    assert all(line.n_events >= least for line in made.lines)
    assert made.lines[-1].upto == 1.0
    steps = {float(f"{bound:.4g}") for bound in np.geomspace(0.01, 0.32, grades - 1)} | {1.0}
    assert {line.upto for line in made.lines} <= steps


def test_with_plenty_of_defaults_every_band_stays_and_is_spaced_evenly_in_the_logarithm() -> None:
    p, y = loans(400_000)
    scale = fit_master_scale(p, y, WANTED)
    uppers = [grade.upto for grade in scale.grades]
    assert len(uppers) == 9
    assert np.diff(np.log(uppers[:-1])) == pytest.approx(np.log(32) / 7, abs=1e-3)


def test_the_table_is_a_plain_count_and_places_as_the_policy_does() -> None:
    scale = fit_master_scale(*loans(20_000), WANTED)
    p, y = loans(20_000, 1)
    pricing = load_settings(ROOT / "configs" / "credit.yaml", TrainingSettings).pricing
    assert pricing is not None
    made = grade_table(scale, y, p, pricing, "a test")
    placed = np.array([scale.place(value)[0] for value in p])
    for line in made.lines:
        mine = placed == line.grade
        assert (line.n, line.n_events) == (int(mine.sum()), int(y[mine].sum()))
        assert line.observed == pytest.approx(y[mine].mean())
        assert line.stated == pytest.approx(p[mine].mean())
        assert line.above <= p[mine].min()
        assert p[mine].max() < line.upto
        price = suggest_price(float(p[mine].mean()), pricing)
        assert line.price == (None if price.offered is None else pytest.approx(price.offered))
        assert line.expected_loss == pytest.approx(p[mine].mean() * 0.65 * 0.7)
    assert made.table()["share"].sum() == pytest.approx(1.0)
    assert [line.price is None for line in made.lines] == sorted(line.price is None for line in made.lines)
    assert made.lines[-1].note.startswith("above the cap")


def test_probabilities_that_are_too_low_turn_the_lights() -> None:
    scale = fit_master_scale(*loans(20_000), WANTED)
    right, wrong = (grade_table(scale, y, p, None, "a test") for p, y in (loans(20_000, 2), loans(20_000, 2, bend=0.7)))
    assert sum(line.light == "red" for line in right.lines) == 0
    assert sum(line.light == "red" for line in wrong.lines) >= len(wrong.lines) - 1
    assert wrong.lines[0].note == "not assessed: settings give no pricing"


def test_the_proposal_can_be_copied_into_the_policy() -> None:
    scale = fit_master_scale(*loans(20_000), WANTED)
    made = grade_table(scale, *reversed(loans(5_000, 3)), None, "a test")  # type: ignore[misc]
    content = json.loads(made.to_json())
    assert MasterScale.model_validate(yaml.safe_load(content["policy"])["master_scale"]) == scale
    assert len(content["grades"]) == len(scale.grades) == len(made.plot().axes[0].get_xticks())


def test_too_few_defaults_are_refused() -> None:
    with pytest.raises(ModelError, match="at least two grades of 8 defaults"):
        fit_master_scale(np.linspace(0.01, 0.9, 50), np.zeros(50, np.int8), WANTED)
    with pytest.raises(ValidationError, match="best below worst"):
        ScaleSettings.model_validate({**WANTED.model_dump(), "best": 0.5})


def test_the_command_prints_the_proposal_of_the_newest_model(
    make_home: Callable[[str], Home], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = make_home("home")
    tracker = Tracker.open(home, {})
    p, y = loans(20_000)
    made = grade_table(fit_master_scale(p, y, WANTED), y, p, None, "a test")
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "model.txt").write_text("trees")
    for content in (None, made.to_json()):
        if content is not None:
            (folder / "master_scale.json").write_text(content)
        with tracker.run("assay-credit", "a run", {}) as run:
            run.folder(folder)
            tracker.register("credit", run, "bundle", {"bundle": "abc"})
    assert main(["--home", str(home.root), "master-scale", "credit", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["rising"]) == (2, made.rising)
    assert [line["n"] for line in told["grades"]] == [line.n for line in made.lines]
    assert main(["--home", str(home.root), "master-scale"]) == 0
    shown = capsys.readouterr().out
    assert "not assessed: settings give no pricing" in " ".join(shown.split())
    assert all(line.grade in shown for line in made.lines)
    assert main(["--home", str(home.root), "master-scale", "--version", "1"]) != 0
    assert "got none: its record says nothing of one; give the training config" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (
            "not assessed: master_scale: expected at least two grades of 8 defaults, got '3 defaults'; lower it",
            "expected a proposed master scale, got none: master_scale: expected at least two grades of 8 defaults, "
            "got '3 defaults'; lower it",
        ),
        ("settings ask for no master_scale", "settings ask for no master_scale; give the training config a master_"),
    ],
)
def test_why_there_is_no_proposal_is_what_the_training_recorded(
    make_home: Callable[[str], Home], tmp_path: Path, capsys: pytest.CaptureFixture[str], note: str, said: str
) -> None:
    home = make_home("home")
    tracker = Tracker.open(home, {})
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "model.txt").write_text("trees")
    write_manifest(folder, {"master_scale": note})
    with tracker.run("assay-credit", "a run", {}) as run:
        run.folder(folder, "bundle")
        tracker.register("credit", run, "bundle", {"bundle": "abc"})
    assert main(["--home", str(home.root), "master-scale"]) == 3
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert ("give the training config" in told) is note.startswith("settings")
