"""`assay report`, `--compare` and `validate` on a home with a trained model: files, exit codes, and bad input."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from scoring.bundle import load_bundle
from stores.home import Home
from tests.shared import RunAssay
from training.comparison_table import Comparison, Contender
from training.intervals import Interval
from training.report.evidence import ROWS
from training.settings import TrainingSettings
from training.tracking import CHALLENGER, Tracker
from training.tuning_record import log_comparison

CONFIGS = Path(__file__).parents[2] / "configs"
RED = ("discrimination.auc", "discrimination.ks")


@pytest.fixture(scope="module")
def tracker(credit_home: Path) -> Tracker:
    """The shared home with two versions more: the same model once more, and one whose run kept no evidence."""
    tracker = Tracker.open(Home(credit_home), {})
    first = tracker.version("credit", 1)
    kept = tracker.fetch(str(first.source)).parent
    for number in (2, 3):
        folder = credit_home.parent / f"again-{number}"
        shutil.copytree(kept, folder)
        if number == 3:
            (folder / ROWS).unlink()
        with tracker.run("assay-credit", f"again {number}", {}) as run:
            run.folder(folder)
            assert tracker.register("credit", run, "bundle", dict(first.tags)) == number
    tracker.client.set_registered_model_alias("assay-credit", CHALLENGER, "1")
    return tracker


@pytest.fixture
def run(credit_home: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch, run_assay: RunAssay) -> RunAssay:
    del tracker
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return partial(run_assay, "--home", str(credit_home))


def test_a_report_is_written_in_both_languages_and_kept_beside_the_bundle(
    run: RunAssay, credit_home: Path, tracker: Tracker
) -> None:
    code, out, _ = run("report", "credit", "--light")
    assert code == 0
    folder = credit_home / "reports" / "credit-1"
    assert sorted(path.name for path in folder.iterdir()) == ["report.en.html", "report.json", "report.zh.html"]
    assert all(str(path) in out.replace("\n", "") for path in folder.iterdir())
    numbers = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert f"worst status: {numbers['status']}" in out
    kept = tracker.fetch(str(tracker.version("credit", 1).source)).parent
    for path in folder.iterdir():
        assert (kept / path.name).read_bytes() == path.read_bytes()
    assert '<html lang="zh' in (folder / "report.zh.html").read_text(encoding="utf-8")


def test_versions_side_by_side(run: RunAssay, credit_home: Path, tmp_path: Path) -> None:
    code, out, _ = run("report", "--compare", "credit@1", "credit@2", "--light", "--json", "--lang", "en", "--out",
                       str(tmp_path))  # fmt: skip
    assert code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.en.html", "report.json"]
    page = json.loads(out)
    assert page == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    # The same model twice: no row is scored otherwise, so no figure differs on any resample.
    told = [each for section in page["sections"] for each in section["statistics"] if each["value"] is not None]
    paired = {each["key"]: (each["value"], each["low"], each["high"]) for each in told if each["low"] is not None}
    assert {"auc", "average_precision"} <= set(paired)
    assert set(paired.values()) == {(0.0, 0.0, 0.0)}
    assert not (credit_home / "reports" / "credit-1-credit-2").exists()


def test_a_model_within_its_limits_may_pass(run: RunAssay) -> None:
    code, out, _ = run("validate", "credit", "--light", "--json")
    found = json.loads(out)
    assert (code, found["holds"], found["version"], found["waivers_not_used"]) == (0, True, 1, [])
    assert {"pass", "amber", "not assessed"} <= {point["status"] for point in found["points"]}


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """Configs whose report asks for what no model has: two figures are red, and a finding on the first."""
    configs = tmp_path / "configs"
    shutil.copytree(CONFIGS, configs)
    path = configs / "report.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key in RED:
        settings["limits"][key] |= {"least": 1.5, "amber_least": 1.6}
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return configs


def test_validate_says_what_stops_a_pipeline_and_takes_waivers_that_hold(
    run: RunAssay, tmp_path: Path, stricter: Path
) -> None:
    first, second, finding = *RED, "discrimination.no_skill"
    expired = {"key": second, "reason": "a pilot of a hundred loans", "by": "wang", "until": "2026-01-31"}
    held = [{**expired, "key": key, "until": "2999-12-31"} for key in (first, finding)]
    waivers = [*held, expired, {**expired, "key": "no.such"}]
    path = tmp_path / "waivers.yaml"
    path.write_text(yaml.safe_dump(waivers), encoding="utf-8")
    validate = ("--configs", str(stricter), "validate", "credit@1", "--light", "--waivers", str(path))
    code, out, _ = run(*validate, "--json")
    found = json.loads(out)
    assert (code, found["holds"]) == (1, False)
    points = {point["key"]: point for point in found["points"]}
    assert [key for key, point in points.items() if point["status"] == "red"] == [first, second, finding]
    assert [key for key, point in points.items() if point["stops"]] == [second]
    assert [key for key, point in points.items() if point["waived"]] == [first, finding]
    assert points[first]["waived"]["by"] == "wang"
    assert found["waivers_not_used"] == [f"{second}: expired on 2026-01-31", "no.such: expired on 2026-01-31"]

    path.write_text(yaml.safe_dump([{**each, "until": "2999-12-31"} for each in waivers]), encoding="utf-8")
    code, out, _ = run(*validate)
    assert code == 0
    assert "3 red" in out
    assert "0 red not waived" in out
    assert "waiver no.such: nothing red needs this waiver" in out


def test_a_comparison_of_the_same_rows_stands_in_the_report(run: RunAssay, tracker: Tracker, tmp_path: Path) -> None:
    kept = tracker.fetch(str(tracker.version("credit", 1).source))
    about = load_bundle(kept, score_golden_in_child=False).manifest.about
    settings = TrainingSettings.model_validate(yaml.safe_load(str(about["settings"])))
    own = Contender("lightgbm", figures={"auc": (0.8, Interval(0.7, 0.9))})
    worse = Contender("scorecard", differences={settings.objective: (-0.02, Interval(-0.03, -0.01))})
    made = Comparison(
        "credit",
        "credit, test",
        200,
        20,
        "rows",
        settings.objective,
        4,
        10.0,
        (own, worse),
        data=str(about["data_hash"]),
    )
    log_comparison(tracker, settings, made, actor="lin", at=1_770_000_000_000_000)
    elsewhere = replace(made, contenders=(replace(worse, family="tree"),), data="f" * 64)
    log_comparison(tracker, settings, elsewhere, actor="lin", at=1_770_000_000_000_000)
    code, out, _ = run("report", "credit@2", "--light", "--lang", "en", "--json", "--out", str(tmp_path))
    (section,) = [each for each in json.loads(out)["sections"] if each["key"] == "challengers"]
    said = {each["key"]: (each["value"], each["low"], each["high"]) for each in section["statistics"]}
    assert code == 0
    assert said["over.scorecard"] == (0.02, 0.01, 0.03)
    assert set(said) == {"over.scorecard", "over.champion"}


WAIVER = {"key": "discrimination.auc", "reason": "a pilot", "by": "wang", "until": "2999-12-31"}


@pytest.mark.parametrize(
    ("waivers", "code", "says"),
    [
        ([{**WAIVER, "by": ""}], 2, "0.by: String should have at least 1 character, got ''"),
        ([{name: value for name, value in WAIVER.items() if name != "by"}], 2, "0.by: Field required"),
        ([{**WAIVER, "key": "auc"}], 2, "0.key: String should match pattern"),
        ([{**WAIVER, "until": "soon"}], 2, "0.until: Input should be a valid date"),
        ([WAIVER, WAIVER], 2, "expected each key once"),
        ([{**WAIVER, "by": " Lin"}], 4, "expected somebody other than the trainer, got 'lin'"),
    ],
)
def test_waivers_that_nobody_may_give(
    run: RunAssay, tmp_path: Path, waivers: list[dict[str, str]], code: int, says: str
) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(yaml.safe_dump(waivers), encoding="utf-8")
    got, out, err = run("validate", "credit", "--waivers", str(path))
    assert (got, out) == (code, "")
    assert says in err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["report"], 2, "expected a model, or --compare with two, got 'neither'"),
        (["report", "credit", "--compare", "credit@1", "credit@2"], 2, "expected a model, or --compare with two"),
        (["report", "fraud"], 4, "fraud: expected a model out of credit, got 'fraud'; name one of them"),
        (["report", "credit@9"], 4, "expected a version or alias out of 3, 2, 1, challenger → 1"),
        (["report", "--compare", "credit@1", "credit@nobody"], 4, "got 'nobody'"),
        (["report", "credit@3"], 3, "expected the evidence that `assay train` writes"),
        (["validate", "credit@3"], 3, "expected the evidence that `assay train` writes"),
        (["validate", "credit@9"], 4, "expected a version or alias out of 3, 2, 1, challenger → 1"),
        (["validate", "credit", "--waivers", "nowhere.yaml"], 2, "nowhere.yaml"),
    ],
)
def test_what_cannot_be_reported_is_said_and_leaves_nothing(
    run: RunAssay, credit_home: Path, arguments: list[str], code: int, says: str
) -> None:
    before: set[Any] = set((credit_home / "reports").glob("*"))
    got, out, err = run(*arguments)
    assert (got, out) == (code, "")
    assert says in err.replace("\n", " ")
    assert set((credit_home / "reports").glob("*")) == before
