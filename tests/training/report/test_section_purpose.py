"""Purpose and label definition follow the label policy; a policy this code does not know is red."""

from __future__ import annotations

import pytest

from domain.labels import LABEL_POLICIES
from scoring.pages.font import MESSAGES
from scoring.pages.numbers import written
from scoring.pages.page import Facts, Table
from scoring.pages.status import Status
from scoring.pages.words import Catalogue, say
from tests.training.report.changed import built, with_settings
from tests.training.report.every_word import every_word
from training.report.evidence import Evidence
from training.report.sections import purpose


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_every_outcome_code_has_its_verdict(request: pytest.FixtureRequest, name: str) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    section = built(purpose, evidence)
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    english = Catalogue.read(MESSAGES).tongue("en")
    codes = [code for _, told, _ in table.rows for code in written(told, english).split(", ")]
    assert sorted(codes) == sorted(LABEL_POLICIES[evidence.settings.label_policy].verdicts)
    assert section.status is Status.NOT_ASSESSED
    (facts,) = (block for block in section.blocks if isinstance(block, Facts))
    assert say(f"discrimination.{evidence.settings.objective}") in [value for _, value in facts.rows]


def test_products_say_different_things(fraud_evidence: Evidence, credit_evidence: Evidence) -> None:
    payment, loan = (" ".join(every_word(built(purpose, each), "en")) for each in (fraud_evidence, credit_evidence))
    assert "12 CFR 1002.9" in loan
    assert "12 CFR 1002.9" not in payment
    assert "excludes fraud detection" in payment
    assert "12 months from disbursement" in loan
    for attribute in credit_evidence.settings.protected:
        assert attribute in loan


def test_an_unknown_label_policy_is_red(fraud_evidence: Evidence) -> None:
    section = built(purpose, with_settings(fraud_evidence, label_policy="fraud-1999-01"))
    assert section.status is Status.RED
