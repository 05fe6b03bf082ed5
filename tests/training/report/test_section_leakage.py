"""A random split, a feature that knows the answer, an unwaived finding and a test that is not later are red."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scoring.pages.page import Table
from scoring.pages.status import Status
from scoring.pages.words import Words
from tests.training.report.changed import built, with_about, with_files, with_parts
from tests.training.report.every_word import every_word, named
from training.alone import strongest
from training.intake.checks import CHECK_NAMES
from training.report.assemble import catalogue
from training.report.evidence import Evidence
from training.report.sections import leakage
from training.splits import UNVERIFIED


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_an_honest_world_is_not_red(request: pytest.FixtureRequest, name: str) -> None:
    section = built(leakage, request.getfixturevalue(name))
    assert section.status in (Status.PASS, Status.AMBER)
    assert named(section, "gap").status is Status.PASS
    assert named(section, "intake_red").value == 0.0


def test_a_feature_that_knows_the_answer_is_red_and_named(fraud_evidence: Evidence) -> None:
    X = fraud_evidence.test.X.copy()
    X[:, 4] = fraud_evidence.test.y + np.random.default_rng(0).normal(0, 0.3, len(X))
    leaky = with_parts(fraud_evidence, test=replace(fraud_evidence.test, X=X))
    section = built(leakage, leaky)
    assert named(section, "alone").status is Status.RED
    assert leaky.bundle.feature_set.names[4] in " ".join(every_word(section, "en"))


def test_a_random_split_is_red_with_its_warning(fraud_evidence: Evidence) -> None:
    section = built(leakage, with_about(fraud_evidence, split="random_unverified", split_warning=UNVERIFIED))
    assert [(each.key, each.status) for each in section.findings] == [("random_split", Status.RED)]
    assert UNVERIFIED in " ".join(every_word(section, "en"))
    assert "随机划分，未经核实" in (zh := " ".join(every_word(section, "zh")))
    assert UNVERIFIED not in zh
    assert named(section, "gap").status is Status.NOT_ASSESSED
    timeless = built(leakage, with_about(fraud_evidence, split="stratified"))
    assert [(each.key, each.status) for each in timeless.findings] == [("no_time", Status.AMBER)]


def test_a_test_that_is_not_later_is_red(fraud_evidence: Evidence) -> None:
    swapped = with_parts(fraud_evidence, test=fraud_evidence.train, train=fraud_evidence.test)
    assert named(built(leakage, swapped), "gap").status is Status.RED


def test_findings_count_and_waivers_are_printed(fraud_evidence: Evidence, tmp_path: Path) -> None:
    told = fraud_evidence.json("intake.json")
    first = {**told["findings"][0], "grade": "red", "counts_as": "red"}
    (tmp_path / "red").mkdir()
    text = json.dumps({**told, "findings": [first, *told["findings"][1:]]})
    section = built(leakage, with_files(fraud_evidence, tmp_path / "red", intake_json=text))
    assert named(section, "intake_red").status is Status.RED
    waiver = {"by": "wang", "until": "2027-01-31", "reason": "it is known then", "check": "leaked_column"}
    text = json.dumps({**told, "findings": [{**first, "counts_as": "amber", "waived": waiver}, *told["findings"][1:]]})
    (tmp_path / "waived").mkdir()
    section = built(leakage, with_files(fraud_evidence, tmp_path / "waived", intake_json=text))
    assert named(section, "intake_red").value == 0.0
    assert [each.key for each in section.findings] == ["waived.0"]
    assert "by wang until 2027-01-31: it is known then" in " ".join(every_word(section, "en"))
    (tmp_path / "none").mkdir()
    section = built(leakage, with_files(fraud_evidence, tmp_path / "none", "intake.json", "parts.csv"))
    assert named(section, "intake_red").status is Status.NOT_ASSESSED


def test_every_check_has_a_name_in_both_languages(fraud_evidence: Evidence) -> None:
    assert {f"leakage.check_{name}" for name in CHECK_NAMES} <= set(catalogue().keys)
    section = built(leakage, fraud_evidence)
    zh, en = (" ".join(every_word(section, lang)) for lang in ("zh", "en"))
    assert "训练与测试中的重复行" in zh
    assert "rows that stand in training and test" in en


def test_strongest_beside_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.normal(size=400), rng.normal(size=400), rng.integers(0, 4, 400)])
    y = (X[:, 1] + rng.normal(size=400) < -1).astype(np.int8)
    X[rng.random(400) < 0.1, 1] = np.nan
    found = strongest(X, y, ("a", "b", "c"), ("c",), n_draws=100)
    low, high = (roc_auc_score(y, np.where(np.isnan(X[:, 1]), value, X[:, 1])) for value in (-1e9, 1e9))
    assert found.name == "b"
    assert found.auc == pytest.approx(max(low, high, 1 - low, 1 - high))
    assert found.interval.low < found.auc < found.interval.high
    X[:, 2] = y
    assert strongest(X, y, ("a", "b", "c"), ("c",), n_draws=20).name == "c"
    assert strongest(X, np.zeros(400, np.int8), ("a", "b", "c"), ()).name == ""


def test_what_the_audit_found_is_chinese_on_the_chinese_page(fraud_evidence: Evidence, tmp_path: Path) -> None:
    (table,) = (each for each in built(leakage, fraud_evidence).blocks if getattr(each, "key", "") == "intake")
    assert isinstance(table, Table)
    tongue = catalogue().tongue("zh")
    for row in table.rows:
        assert re.search("[一-鿿]", tongue(cast("Words", row[3])))
    # A model of an earlier version told it in one language: its text stays.
    told = fraud_evidence.json("intake.json")
    old = [{name: value for name, value in each.items() if name != "summary_zh"} for each in told["findings"]]
    before = with_files(fraud_evidence, tmp_path, intake_json=json.dumps({**told, "findings": old}))
    assert old[0]["summary"] in "\n".join(every_word(built(leakage, before), "zh"))
