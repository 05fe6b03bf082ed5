"""The section on calibration: red for probabilities that are off, whatever the order of the scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.pages.page import Table
from scoring.pages.status import Status
from tests.training.report.changed import LIGHT, drawn, with_about, with_parts
from tests.training.report.every_word import every_word, said, statuses
from training.report.evidence import Evidence, Rows
from training.report.sections import discrimination
from training.report.sections.calibration import SECTION


def right(evidence: Evidence) -> Rows:
    """Rows whose events happen exactly as often as their probabilities say."""
    rows = drawn(evidence.test, 8_000)
    return replace(rows, y=(np.random.default_rng(5).random(len(rows.y)) < rows.probability).astype(np.int8))


def stretched(probability: np.ndarray, slope: float, shift: float = 0.0) -> np.ndarray:
    logit = np.log(probability / (1 - probability))
    return np.asarray(1 / (1 + np.exp(-(slope * (logit - logit.mean()) + logit.mean() + shift))))


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_a_good_model_is_not_red_and_says_everything_in_both_languages(
    name: str, request: pytest.FixtureRequest
) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    section = SECTION.build(evidence, LIGHT)
    assert section.status is not Status.RED
    assert said(section)
    found = {each.key: each.value for each in section.statistics}
    told = {each["name"]: each["value"] for each in evidence.json("evaluation.json")["figures"]}
    assert found["slope"] == pytest.approx(told["calibration_slope"])
    assert found["intercept"] == pytest.approx(told["calibration_intercept"])
    assert found["brier"] == pytest.approx(told["brier"])
    assert found["spiegelhalter_z"] == pytest.approx(told["spiegelhalter_z"])
    assert found["ece"] == pytest.approx(told["calibration_error"] / told["prevalence"])


def test_right_probabilities_pass(fraud_evidence: Evidence) -> None:
    section = SECTION.build(with_parts(fraud_evidence, right(fraud_evidence)), LIGHT)
    found = statuses(section)
    assert {found[key] for key in ("slope", "shift", "ece", "brier_skill", "observed_over_expected")} == {Status.PASS}
    parts = {each.key: each for each in section.blocks if isinstance(each, Table)}["brier_parts"]
    brier, reliability, resolution, uncertainty, within = (float(str(row[1])) for row in parts.rows)
    assert brier == pytest.approx(reliability - resolution + uncertainty + within, abs=1e-12)


def test_stretched_probabilities_are_red_and_still_tell_the_classes_apart(fraud_evidence: Evidence) -> None:
    rows = right(fraud_evidence)
    off = replace(rows, probability=stretched(rows.probability, 2.5))
    section = SECTION.build(with_parts(fraud_evidence, off), LIGHT)
    assert statuses(section)["slope"] is Status.RED
    assert statuses(section)["ece"] is Status.RED
    assert statuses(section)["spiegelhalter_z"] is Status.AMBER
    ranked = discrimination.SECTION.build(with_parts(fraud_evidence, off), LIGHT)
    assert statuses(ranked) == statuses(discrimination.SECTION.build(with_parts(fraud_evidence, rows), LIGHT))


def test_probabilities_that_are_too_low_turn_their_grades_red(credit_evidence: Evidence) -> None:
    rows = right(credit_evidence)
    low = replace(rows, probability=stretched(rows.probability, 1.0, shift=-1.0))
    about = {
        **credit_evidence.about,
        "master_scale": {"horizon": "12m", "grades": [{"grade": "A", "upto": 0.04}, {"grade": "B", "upto": 1.0}]},
    }
    manifest = replace(credit_evidence.bundle.manifest, about=about)
    scaled = replace(credit_evidence, bundle=replace(credit_evidence.bundle, manifest=manifest))
    section = SECTION.build(with_parts(scaled, low), LIGHT)
    assert statuses(section)["shift"] is Status.RED
    assert statuses(section)["observed_over_expected"] is Status.RED
    assert [each.key for each in section.findings] == ["grades_too_low", "master_scale_too_low"]
    tables = {each.key: each for each in section.blocks if isinstance(each, Table)}
    assert (tables["master_scale"].statuses or ())[1] is Status.RED
    assert said(section)
    passed = SECTION.build(with_parts(scaled, rows), LIGHT)
    assert passed.status is not Status.RED


def test_too_few_events_are_not_assessed(fraud_evidence: Evidence) -> None:
    test = fraud_evidence.test
    kept = test.only((test.y != 1) | (np.cumsum(test.y == 1) <= 4))
    section = SECTION.build(with_parts(fraud_evidence, kept), LIGHT)
    assert section.status is Status.NOT_ASSESSED
    assert len(section.not_run) == 1
    assert said(section)


def test_a_scale_that_could_not_be_made_is_told_in_the_language_of_the_page(credit_evidence: Evidence) -> None:
    why = "not assessed: master_scale: expected at least two grades of 8 defaults, got '17 defaults on 186 rows'"
    changes = {"rows": {"calibration": 1_186}, "events": {"calibration": 17}, "master_scale": why}
    evidence = with_about(credit_evidence, **changes)
    assert evidence.settings.master_scale is not None
    least = evidence.settings.master_scale.least_events
    for lang, wanted in (("zh", f"各有{least}起违约"), ("en", f"two grades of {least} defaults")):
        (told,) = (text for text in every_word(SECTION.build(evidence, LIGHT), lang) if wanted in text)
        assert "1,186" in told
        assert "17" in told
        assert "expected at least" not in told
