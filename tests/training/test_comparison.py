"""A comparison: the same folds, resamples and budget for all; a failure is told and loses nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from cli.compare import show_comparison
from domain.errors import DefinitionError, ModelError
from domain.settings import PlatformSettings
from scoring.metrics import Ranking
from stores.home import Home
from stores.journal import Journal
from training import comparison
from training.challenger import Trained
from training.comparison import compare, judged
from training.comparison_table import Comparison
from training.contest import Entry, Ring, latencies
from training.families.family import Columns
from training.intervals import paired_difference
from training.search import Searched
from training.settings import TrainingSettings
from training.splits import UNVERIFIED, Part, Split
from training.tracking import PARENT_TAG, Tracker
from training.tuning_record import COMPARISON, fetch_comparison, log_comparison

FAMILIES = ("logistic", "lightgbm", "tree", "isolation_forest")


@pytest.fixture(scope="module")
def found(settings: TrainingSettings, platform: PlatformSettings, journal: Journal) -> Comparison:
    make = comparison.make

    def without_trees(name: str, *given: object) -> object:
        if name == "tree":
            raise DefinitionError("no trees today")
        return make(name, *given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "make", without_trees)
        return compare(settings, platform, journal, families=FAMILIES)


def test_every_family_is_judged_and_a_failure_loses_nobody(found: Comparison) -> None:
    assert [each.family for each in found.contenders] == list(FAMILIES)
    assert found["tree"].note == "failed: no trees today"
    assert found["tree"].figures == {}
    assert found.ranked()[-1].family == "tree"
    prevalence = found.n_events / found.n
    for name in ("lightgbm", "logistic"):
        each = found[name]
        assert each.value("average_precision") > 2 * prevalence
        assert each.n_complete + each.n_pruned == 3
        assert each.value("brier") < prevalence
        assert min(each.fit_seconds, each.search_seconds, each.latency_us, each.n_bytes) > 0
        assert each.complexity
    # Who never saw a label ranks worse.
    lost, interval = found["isolation_forest"].differences["average_precision"]
    assert interval.low < lost < 0
    assert found["lightgbm"].differences == {}


def test_the_table_and_its_json_say_the_same(found: Comparison) -> None:
    table = found.table()
    assert table.index[-1] == "tree"
    assert table.loc["lightgbm", "average_precision"] == found["lightgbm"].value("average_precision")
    assert np.isnan(table.loc["lightgbm", "auc_difference"])
    told = {each["family"]: each for each in json.loads(found.to_json())["contenders"]}
    assert told["logistic"]["figures"]["auc"][0] == found["logistic"].value("auc")
    assert "tree" in found._repr_html_()
    assert "prevalence" in found.title()
    assert found.plot().axes


def test_a_comparison_is_one_run_with_one_below_it_per_family(
    found: Comparison, settings: TrainingSettings, make_home: Callable[[str], Home]
) -> None:
    tracker = Tracker.open(make_home("home"), {})
    run_id = log_comparison(tracker, settings, found, actor="lin", at=1_770_000_000_000_000)
    parent = tracker.client.get_run(run_id)
    runs = tracker.client.search_runs([parent.info.experiment_id], f"tags.`{PARENT_TAG}` = '{run_id}'")
    assert {run.data.tags["family"] for run in runs} == set(FAMILIES)
    told = {run.data.tags["family"]: run for run in runs}
    assert told["tree"].data.tags["note"] == "failed: no trees today"
    assert told["logistic"].data.metrics["test_auc"] == pytest.approx(found["logistic"].value("auc"))
    kept = {item.path for item in tracker.client.list_artifacts(run_id)}
    assert {"comparison.json", "comparison.csv", "comparison.svg"} <= kept


def test_a_model_of_the_same_rows_finds_the_newest_comparison(
    found: Comparison, settings: TrainingSettings, trained_once: tuple[Tracker, Trained],
    make_home: Callable[[str], Home], tmp_path: Path,
) -> None:  # fmt: skip
    about = json.loads((trained_once[1].bundle / "manifest.json").read_text(encoding="utf-8"))["about"]
    assert about["data_hash"] == found.data
    tracker = Tracker.open(make_home("home"), {})
    assert not fetch_comparison(tracker, "fraud", found.data, tmp_path)
    others = (found, replace(found, rows="again"), replace(found, rows="of other rows", data="f" * 64))
    for seconds, each in enumerate(others):
        log_comparison(tracker, settings, each, actor="lin", at=1_770_000_000_000_000 + seconds * 1_000_000)
    assert fetch_comparison(tracker, "fraud", found.data, tmp_path)
    assert json.loads((tmp_path / COMPARISON).read_text(encoding="utf-8"))["rows"] == "again"
    assert not fetch_comparison(tracker, "fraud", "e" * 64, tmp_path / "none")
    assert not (tmp_path / "none").exists()


class _Told:
    """A fitted model that answers what it was told, slowly or quickly."""

    n_bytes = 8

    def __init__(self, work: int) -> None:
        self.work = work

    def raw(self, X: np.ndarray) -> np.ndarray:
        return np.array([float(np.sort(np.arange(self.work) % 7)[0]) for _ in X])

    def complexity(self) -> Mapping[str, int]:
        return {"answers": 1}


def _entry(family: str, raw: np.ndarray, work: int = 1) -> Entry:
    searched = Searched({}, 1, 0.5, 0, ({"state": "complete", "seconds": 1.0},))
    return Entry(family, searched, _Told(work), raw, 1 / (1 + np.exp(-raw)))


def _ring(settings: TrainingSettings, n: int, warning: str | None = None) -> tuple[Ring, np.ndarray]:
    rng = np.random.default_rng(1)
    part = Part(np.arange(n), (rng.random(n) < 0.1).astype(np.int8), None, {})
    split = Split("forward", part, part, part, (), warning)
    return Ring(settings, Columns(("a",)), rng.normal(size=(n, 1)), split, settings.search), rng.integers(0, 12, n)


def test_figures_and_differences_are_those_of_the_plain_way(settings: TrainingSettings) -> None:
    ring, days = _ring(settings, 900)
    y = ring.split.test.y
    rng = np.random.default_rng(2)
    best, other = (rng.normal(size=900) + lift * y for lift in (2.0, 1.5))
    found = judged(settings, ring, [_entry("lightgbm", best), _entry("svm", other)], days)
    probability = 1 / (1 + np.exp(-other))
    assert found["svm"].value("average_precision") == pytest.approx(average_precision_score(y, other))
    assert found["svm"].value("auc") == pytest.approx(roc_auc_score(y, other))
    assert found["svm"].value("brier") == pytest.approx(brier_score_loss(y, probability))
    mine, theirs = Ranking.of(y, other), Ranking.of(y, best)
    plain = paired_difference(
        mine.average_precision, theirs.average_precision, 900, days, settings.resamples, settings.seed
    )
    value, interval = found["svm"].differences["average_precision"]
    assert value == pytest.approx(plain[0])
    assert (interval.low, interval.high) == pytest.approx((plain[1].low, plain[1].high))
    assert found.clustered == "days (12)"


def test_a_random_split_is_marked_everywhere(settings: TrainingSettings) -> None:
    ring, days = _ring(settings, 300, UNVERIFIED)
    found = judged(settings, ring, [_entry("lightgbm", np.linspace(-1, 1, 300))], days)
    assert UNVERIFIED in found.title()
    assert found.table()["note"].str.contains("random split").all()
    assert json.loads(found.to_json())["warning"] == UNVERIFIED


def test_the_command_shows_every_family_and_says_what_a_random_split_is(
    found: Comparison, capsys: pytest.CaptureFixture[str]
) -> None:
    show_comparison(replace(found, warning=UNVERIFIED))
    shown = capsys.readouterr().out
    for each in found.contenders:
        assert shown.count(each.family) >= 2
    assert "failed: no trees today" in shown
    assert UNVERIFIED in shown
    assert f"{found['logistic'].value('average_precision'):.4f}" in shown


def test_without_a_reference_nothing_is_paired(settings: TrainingSettings) -> None:
    ring, days = _ring(settings, 300)
    raw = np.linspace(-1, 1, 300)
    failed = Entry("lightgbm", note="failed: no memory")
    found = judged(settings, ring, [failed, replace(_entry("svm", raw), probability=None, note="none")], days)
    assert found["svm"].differences == {}
    assert found["svm"].value("brier") is None
    assert found.plot().axes


def test_when_all_fail_the_reasons_are_told(
    settings: TrainingSettings, platform: PlatformSettings, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> object:
        raise MemoryError("no memory")

    monkeypatch.setattr(comparison, "make", refuse)
    with pytest.raises(ModelError, match="every family failed: svm failed: no memory"):
        compare(settings, platform, journal, families=("svm",))


def test_a_slower_model_takes_longer() -> None:
    found = latencies({"quick": _Told(10), "slow": _Told(200_000)}, np.zeros((20, 3)), 10)
    assert found["slow"] > 5 * found["quick"]
