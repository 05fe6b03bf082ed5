"""The section on stability: red where traffic has moved, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from scoring.drift import psi
from scoring.pages.page import Table
from scoring.pages.status import Status
from tests.training.report.changed import LIGHT, with_parts
from tests.training.report.every_word import said, statuses
from training.report.evidence import Evidence
from training.report.sections import calibration
from training.report.sections.stability import SECTION


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_a_good_model_is_not_red_and_says_everything_in_both_languages(
    name: str, request: pytest.FixtureRequest
) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    section = SECTION.build(evidence, LIGHT)
    assert section.status is not Status.RED
    assert said(section)
    told = {each["name"]: each["psi"] for each in evidence.json("stability.json")}
    found = {each.key: each for each in section.statistics}
    assert found["psi"].value == pytest.approx(told["score"])
    tables = {each.key: each for each in section.blocks if isinstance(each, Table)}
    for row in tables["features"].rows:
        assert row[1] == pytest.approx(told[str(row[0])])


def test_shifted_features_are_red_here_and_not_in_calibration(fraud_evidence: Evidence) -> None:
    test = fraud_evidence.test
    X = test.X.copy()
    for name in ("amount_to_merchant_mean_30d", "amount"):
        place = fraud_evidence.bundle.encoder.names.index(name)
        X[:, place] = 3 * X[:, place] + 1
    shifted = with_parts(fraud_evidence, replace(test, X=X))
    section = SECTION.build(shifted, LIGHT)
    found = statuses(section)
    assert found["moved_share"] is Status.RED
    assert found["psi"] is Status.PASS
    assert [each.key for each in section.findings] == ["moved"]
    assert said(section)
    assert statuses(calibration.SECTION.build(shifted, LIGHT)) == statuses(
        calibration.SECTION.build(fraud_evidence, LIGHT)
    )


def test_a_shifted_score_is_red_in_the_index_and_in_its_worst_period(fraud_evidence: Evidence) -> None:
    test = replace(fraud_evidence.test, raw=fraud_evidence.test.raw + 1.0)
    section = SECTION.build(with_parts(fraud_evidence, test), LIGHT)
    found = {each.key: each for each in section.statistics}
    assert found["psi"].status is found["psi_worst_period"].status is Status.RED
    assert found["psi"].value == pytest.approx(psi(fraud_evidence.calibration.raw, test.raw).value)
    assert found["moved_share"].status is Status.PASS


def test_what_is_missing_unseen_or_more_frequent_is_red(fraud_evidence: Evidence) -> None:
    test = fraud_evidence.test
    X, y = test.X.copy(), test.y.copy()
    X[:, 0] = np.nan
    y[::8] = 1
    places = test.table.column_names.index("channel")
    table = test.table.set_column(places, "channel", pa.array(["fax"] * len(y)))
    section = SECTION.build(with_parts(fraud_evidence, replace(test, X=X, y=y, table=table)), LIGHT)
    found = {each.key: each for each in section.statistics}
    red = {key for key, each in found.items() if each.status is Status.RED}
    assert red >= {"missing_change", "unseen", "rate_ratio"}
    assert found["missing_change"].value == pytest.approx(1.0)
    assert found["unseen"].value == 1.0
    assert said(section)


def test_too_few_rows_are_not_assessed(fraud_evidence: Evidence) -> None:
    few = fraud_evidence.test.only(np.arange(len(fraud_evidence.test.y)) < 60)
    section = SECTION.build(with_parts(fraud_evidence, few), LIGHT)
    assert section.status is Status.NOT_ASSESSED
    assert len(section.not_run) == 1
    assert said(section)
