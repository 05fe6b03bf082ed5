"""The section on recourse: for loans only; what may not change is held, and every way is scored."""

from __future__ import annotations

import numpy as np
import pytest

from domain.decision import Product
from scoring.pages.page import Table
from scoring.pages.status import Status
from scoring.recourse import actionable, recourse
from tests.training.report.changed import FULL, LIGHT, with_parts
from tests.training.report.every_word import said, statuses
from training.report.evidence import Evidence
from training.report.sections.recourse import SECTION, _shares


def test_ways_are_found_scored_and_change_only_what_may_change(credit_evidence: Evidence) -> None:
    section = SECTION.build(credit_evidence, FULL)
    assert section.status is not Status.RED
    found = {each.key: each for each in section.statistics}
    bundle, test = credit_evidence.bundle, credit_evidence.test
    cutoff = bundle.cutoffs["attention"]
    refused = np.flatnonzero(test.probability >= cutoff)
    assert found["with_way"].n == min(120, len(refused))
    if found["verified"].value is not None:
        assert found["verified"].value == 1.0
    tables = {block.key: block for block in section.blocks if isinstance(block, Table)}
    changed, fixed = ({row[0] for row in tables[key].rows} for key in ("changes", "fixed"))
    assert changed <= set(actionable(bundle))
    assert changed.isdisjoint(fixed)
    assert {"age_years", "sex"}.isdisjoint(changed)
    assert said(section)


def test_payments_have_no_such_section() -> None:
    assert SECTION.products == (Product.LOAN,)


def test_a_way_that_does_not_lead_below_the_cut_off_is_red(credit_evidence: Evidence) -> None:
    bundle, test = credit_evidence.bundle, credit_evidence.test
    cutoff = bundle.cutoffs["attention"]
    rows = test.X[test.probability >= cutoff]
    found = [ways for row in rows[:40] if (ways := recourse(bundle, row, cutoff))]
    if not found:
        pytest.skip("no application of the small world has a way")
    told = {each.key: each for each in _shares(found, cutoff * 0.01)}
    assert told["verified"].value == 0.0
    assert told["verified"].held(FULL.limit(Product.LOAN, "recourse.verified")).status is Status.RED


def test_nobody_refused_is_not_assessed(credit_evidence: Evidence) -> None:
    test = credit_evidence.test
    approved = test.only(test.probability < credit_evidence.bundle.cutoffs["attention"])
    section = SECTION.build(with_parts(credit_evidence, test=approved), LIGHT)
    assert set(statuses(section).values()) == {Status.NOT_ASSESSED}
    assert said(section)
