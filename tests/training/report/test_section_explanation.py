"""The section on global explanation: quiet on a good model, loud where one feature or one seed decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.pages.page import Picture, Table
from scoring.pages.status import Status
from tests.training.report.changed import FULL, LIGHT, learnt, with_about, with_model, with_parts
from tests.training.report.every_word import said, statuses
from training.report.evidence import Evidence
from training.report.sections.explanation import SECTION
from training.report.settings import ReportSettings


@pytest.mark.parametrize("effort", [FULL, LIGHT], ids=["full", "light"])
@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_a_good_model_is_not_red_and_everything_is_said_twice(
    name: str, effort: ReportSettings, request: pytest.FixtureRequest
) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    section = SECTION.build(evidence, effort)
    assert section.status in (Status.PASS, Status.AMBER)
    words = said(section)
    assert any("raw log-odds" in each and "path-dependent TreeSHAP" in each for each in words)
    pictures = [block.key for block in section.blocks if isinstance(block, Picture)]
    expected = ["beeswarm", "importance", "ale"] + (["pdp"] if effort is FULL else [])
    assert pictures == expected
    assert len(section.not_run) == (1 if effort is FULL else 4)


def test_the_table_of_features_holds_the_mean_absolute_contributions(fraud_evidence: Evidence) -> None:
    section = SECTION.build(fraud_evidence, FULL)
    picture = next(each for each in section.blocks if isinstance(each, Picture) and each.key == "importance")
    test = fraud_evidence.test
    assert len(test.y) <= 1_500
    mean = np.abs(fraud_evidence.bundle.scorer.contributions_many(test.X)[:, :-1]).mean(axis=0)
    told = {str(row[0]): row[2:] for row in picture.table.rows}
    for name, (value, low, high, share) in told.items():
        expected = mean[fraud_evidence.bundle.encoder.names.index(name)]
        assert value == pytest.approx(expected, abs=1e-9)
        assert low <= value <= high or value == pytest.approx(0, abs=1e-12)
        assert share == pytest.approx(expected / mean.sum(), abs=1e-9)
    assert float(next(iter(told.values()))[0]) == pytest.approx(mean.max())
    groups = next(each for each in section.blocks if isinstance(each, Table) and each.key == "groups")
    assert sum(float(row[4]) for row in groups.rows) == pytest.approx(1)
    kinds = {block.key: block for block in section.blocks if isinstance(block, Table)}
    assert {row[0] for row in kinds["kinds_groups"].rows} == {row[0] for row in groups.rows}
    assert all(float(row[3]) == pytest.approx(float(row[1]) - float(row[2])) for row in kinds["kinds"].rows)


def test_a_model_of_one_feature_is_red(fraud_evidence: Evidence) -> None:
    place = fraud_evidence.bundle.encoder.names.index("amount")
    amount = fraud_evidence.train.X[:, place]
    leak = with_model(fraud_evidence, learnt(fraud_evidence, (amount > np.median(amount)) * 1.0))
    assert statuses(SECTION.build(leak, LIGHT))["top_share"] is Status.RED


def test_a_model_that_changes_with_its_seed_is_red(credit_evidence: Evidence) -> None:
    params = {**credit_evidence.about["params"], "feature_fraction": 0.02, "num_leaves": 2}
    found = statuses(SECTION.build(with_about(credit_evidence, params=params, rounds=2), FULL))
    assert found["seed_spearman"] is found["seed_jaccard"] is Status.RED


def test_contributions_that_do_not_add_up_are_red(fraud_evidence: Evidence) -> None:
    test = replace(fraud_evidence.test, raw=fraud_evidence.test.raw + 1e-6)
    assert statuses(SECTION.build(with_parts(fraud_evidence, test=test), LIGHT))["additivity"] is Status.RED


def test_importance_that_ranking_does_not_know_of_is_red(fraud_evidence: Evidence) -> None:
    """Labels that run against the score: what moves it most is what ranking is best without."""
    test = fraud_evidence.test
    lowest = np.argsort(test.raw)[: len(test.y) // 5]
    y = np.zeros_like(test.y)
    y[lowest] = 1
    section = SECTION.build(with_parts(fraud_evidence, test=replace(test, y=y)), LIGHT)
    assert statuses(section)["permutation_agreement"] in (Status.AMBER, Status.RED)


def test_too_few_labels_are_not_assessed(fraud_evidence: Evidence) -> None:
    test = replace(fraud_evidence.test, y=np.zeros_like(fraud_evidence.test.y))
    section = SECTION.build(with_parts(fraud_evidence, test=test), LIGHT)
    assert statuses(section)["permutation_agreement"] is Status.NOT_ASSESSED
    assert said(section)
