"""The section on signs: a broken promise is red, a disappointed expectation amber."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from scoring.pages.page import Table
from scoring.pages.status import Status
from tests.training.report.changed import FULL, LIGHT, learnt, with_about, with_model
from tests.training.report.every_word import said, statuses
from training.report.evidence import Evidence
from training.report.sections.monotonicity import SECTION
from training.report.settings import ReportSettings


def broken(evidence: Evidence) -> Evidence:
    """A model that was told to rise with the amount and learnt to fall with it."""
    amount = evidence.train.X[:, evidence.bundle.encoder.names.index("amount")]
    return with_model(evidence, learnt(evidence, (amount < np.nanmedian(amount)) * 1.0))


def without_signs(evidence: Evidence) -> Evidence:
    settings = yaml.safe_load(str(evidence.about["settings"]))
    settings["constraints"] = {**(settings.get("constraints") or {}), "monotone": "none"}
    return with_about(evidence, settings=yaml.safe_dump(settings))


@pytest.mark.parametrize("effort", [FULL, LIGHT], ids=["full", "light"])
@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_a_constrained_model_passes(name: str, effort: ReportSettings, request: pytest.FixtureRequest) -> None:
    section = SECTION.build(request.getfixturevalue(name), effort)
    assert section.status is Status.PASS
    assert statuses(section)["violations"] is Status.PASS
    assert said(section)


def test_a_broken_sign_is_red_and_told_where(fraud_evidence: Evidence) -> None:
    section = SECTION.build(broken(fraud_evidence), FULL)
    assert statuses(section)["violations"] is Status.RED
    assert [each.key for each in section.findings] == ["broken_sign"]
    table = next(each for each in section.blocks if isinstance(each, Table) and each.key == "violations_table")
    assert "amount" in [row[0] for row in table.rows]
    assert set(table.statuses or ()) == {Status.RED}
    assert said(section)


def test_an_expectation_that_nobody_declared_is_amber(fraud_evidence: Evidence) -> None:
    section = SECTION.build(without_signs(broken(fraud_evidence)), LIGHT)
    found = statuses(section)
    assert found["violations"] is Status.NOT_ASSESSED
    assert found["against"] is Status.AMBER
    assert section.status is Status.AMBER
    assert said(section)
