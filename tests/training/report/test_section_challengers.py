"""A rival that is better beyond chance is red; a kept comparison goes before a quick one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from scoring.pages.status import Status
from tests.training.report.changed import built, with_files, with_parts
from tests.training.report.every_word import every_word, named
from training.champion import TEST_SCORES
from training.families.family import Columns, Labelled
from training.report.evidence import Evidence
from training.report.sections import challengers
from training.rivals import MOST_ROWS, beside, fit_rivals


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_simple_rivals_are_not_better_than_a_sound_model(request: pytest.FixtureRequest, name: str) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    section = built(challengers, evidence)
    for family in challengers.FAMILIES:
        found = named(section, f"over.{family}")
        assert found.status in (Status.PASS, Status.AMBER)
        assert found.n == evidence.test.labelled.sum()
    light = built(challengers, evidence, effort="light")
    assert named(light, "over.tree").status is Status.NOT_ASSESSED
    assert light.not_run


def test_a_model_that_ranks_by_nothing_is_red(fraud_evidence: Evidence) -> None:
    raw = -np.sort(fraud_evidence.test.raw)
    spoilt = with_parts(
        fraud_evidence, test=replace(fraud_evidence.test, raw=np.random.default_rng(0).permutation(raw))
    )
    section = built(challengers, spoilt)
    assert named(section, "over.logistic").status is Status.RED


def test_a_better_champion_is_red_and_an_equal_one_passes(fraud_evidence: Evidence, tmp_path: Path) -> None:
    table = pq.read_table(fraud_evidence.folder / TEST_SCORES)
    noise = np.random.default_rng(0).normal(size=table.num_rows)
    y = table["y"].to_numpy()
    for place, (rival, status) in enumerate([(3.0 * y + noise, Status.RED), (noise, Status.PASS)]):
        folder = tmp_path / str(place)
        folder.mkdir()
        moved = with_files(fraud_evidence, folder, TEST_SCORES)
        column = table.column_names.index("champion_raw_score")
        pq.write_table(table.set_column(column, "champion_raw_score", pa.array(rival)), folder / TEST_SCORES)
        found = named(built(challengers, replace(moved, tags={"paired_with": "7"}), effort="light"), "over.champion")
        assert found.status is status
        raw = table["raw_score"].to_numpy()
        assert found.value == pytest.approx(average_precision_score(y, raw) - average_precision_score(y, rival))


def test_a_kept_comparison_goes_before_a_quick_one(fraud_evidence: Evidence, tmp_path: Path) -> None:
    worse = [-0.04, {"low": -0.06, "high": -0.02}]
    better = [0.05, {"low": 0.01, "high": 0.09}]
    contenders = [
        {"family": "lightgbm", "figures": {"auc": [0.8, {"low": 0.7, "high": 0.9}]}, "differences": {}, "note": ""},
        {"family": "logistic", "figures": {}, "differences": {"average_precision": worse}, "note": ""},
        {"family": "scorecard", "figures": {}, "differences": {"average_precision": better}, "note": "a note"},
    ]
    text = json.dumps({"contenders": contenders, "rows": "fraud, test", "n": 900, "n_events": 40})
    section = built(challengers, with_files(fraud_evidence, tmp_path, comparison_json=text))
    kept = named(section, "over.logistic")
    assert (kept.value, kept.low, kept.high, kept.status) == (0.04, 0.02, 0.06, Status.PASS)
    assert named(section, "over.scorecard").status is Status.RED
    assert [each.key for each in section.statistics] == ["over.logistic", "over.scorecard", "over.champion"]
    assert "Families compared: fraud, test" in every_word(section, "en")


def test_differences_beside_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(600) < 0.2).astype(np.int8)
    raw, rival = y + rng.normal(size=600), y + 2 * rng.normal(size=600)
    value, interval = beside(y, raw, rival, "auc", None, 200, 0)
    assert value == pytest.approx(roc_auc_score(y, raw) - roc_auc_score(y, rival))
    assert interval.low < value < interval.high


def test_a_rival_that_cannot_be_fitted_is_told(fraud_evidence: Evidence) -> None:
    X = np.zeros((60, 2))
    rows = Labelled(X, np.zeros(60, np.int8))
    (found,) = fit_rivals(fraud_evidence.settings, Columns(("a", "b")), rows, X, ["logistic"])
    assert found.raw is None
    assert found.note
    rng = np.random.default_rng(2)
    X = rng.normal(size=(MOST_ROWS + 50, 2))
    rows = Labelled(X, (X[:, 0] > 1).astype(np.int8))
    (found,) = fit_rivals(fraud_evidence.settings, Columns(("a", "b")), rows, X[:500], ["tree"])
    assert found.n_learnt == MOST_ROWS
    assert found.raw is not None
    assert roc_auc_score(rows.y[:500], found.raw) > 0.99
