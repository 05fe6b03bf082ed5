"""The section on discrimination: red for scores without skill, and only then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.pages.status import Status
from tests.training.report.changed import LIGHT, drawn, with_parts
from tests.training.report.every_word import said, statuses
from training.report.evidence import Evidence
from training.report.sections.discrimination import SECTION


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_a_good_model_is_not_red_and_says_everything_in_both_languages(
    name: str, request: pytest.FixtureRequest
) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    section = SECTION.build(evidence, LIGHT)
    assert section.status is not Status.RED
    assert said(section)
    found = {each.key: each for each in section.statistics}
    told = {each["name"]: each["value"] for each in evidence.json("evaluation.json")["figures"]}
    for key in ("auc", "ks", "average_precision", "prevalence"):
        assert found[key].value == pytest.approx(told[key], abs=1e-12)
    assert found["gini"].value == pytest.approx(2 * told["auc"] - 1)
    auc = found["auc"]
    assert auc.value is not None
    assert auc.low is not None
    assert auc.high is not None
    assert auc.low < auc.value < auc.high
    assert (auc.n, auc.n_events) == (evidence.about["rows"]["test"], evidence.about["events"]["test"])


def test_scores_by_lot_are_red(fraud_evidence: Evidence) -> None:
    test = drawn(fraud_evidence.test, 6_000)
    lot = replace(test, raw=np.random.default_rng(3).normal(size=len(test.y)))
    section = SECTION.build(with_parts(fraud_evidence, lot), LIGHT)
    found = statuses(section)
    assert found["auc"] is found["gini"] is found["ks"] is found["gap_calibration"] is Status.RED
    assert [each.key for each in section.findings] == ["no_skill"]
    assert said(section)


def test_probabilities_do_not_matter_here(fraud_evidence: Evidence) -> None:
    test = replace(fraud_evidence.test, probability=fraud_evidence.test.probability**3)
    whole, other = (SECTION.build(each, LIGHT) for each in (fraud_evidence, with_parts(fraud_evidence, test)))
    assert whole.statistics == other.statistics


def test_too_few_events_are_not_assessed(fraud_evidence: Evidence) -> None:
    test = fraud_evidence.test
    kept = test.only((test.y != 1) | (np.cumsum(test.y == 1) <= 4))
    section = SECTION.build(with_parts(fraud_evidence, kept), LIGHT)
    assert section.status is Status.NOT_ASSESSED
    assert {each.value for each in section.statistics} == {None}
    assert len(section.not_run) == 1
    assert said(section)
