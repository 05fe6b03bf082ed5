"""The section on reason codes: a protected reason on top is red, and so is a reason that explains nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.pages.page import Facts, Table
from scoring.pages.status import Status
from scoring.reasons import ReasonBook, Selector
from tests.training.report.changed import FULL, LIGHT, with_parts
from tests.training.report.every_word import said, statuses
from training.report.evidence import Evidence
from training.report.sections.reasons import SECTION
from training.report.settings import ReportSettings


def with_reasons(evidence: Evidence, book: ReasonBook, baseline: np.ndarray) -> Evidence:
    selector = Selector(book, baseline, evidence.bundle.encoder.names)
    return with_parts(evidence, bundle=replace(evidence.bundle, reason_book=book, selector=selector))


@pytest.mark.parametrize("effort", [FULL, LIGHT], ids=["full", "light"])
@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_a_good_model_is_not_red(name: str, effort: ReportSettings, request: pytest.FixtureRequest) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    section = SECTION.build(evidence, effort)
    assert section.status in (Status.PASS, Status.AMBER)
    assert not section.findings
    assert any(evidence.bundle.reason_book.version == row[1] for row in _facts(section.blocks[2]).rows)
    assert said(section)
    assert (statuses(section)["seed_jaccard"] is Status.NOT_ASSESSED) == (effort is LIGHT)


def test_a_protected_top_reason_is_red(fraud_evidence: Evidence) -> None:
    book = fraud_evidence.bundle.reason_book
    concepts = tuple(each.model_copy(update={"protected": each.code == "P01"}) for each in book.concepts)
    changed = with_reasons(
        fraud_evidence, book.model_copy(update={"concepts": concepts}), fraud_evidence.bundle.reason_baseline
    )
    section = SECTION.build(changed, LIGHT)
    assert statuses(section)["protected_top"] is Status.RED
    assert [each.key for each in section.findings] == ["protected_top"]
    table = next(block for block in section.blocks if isinstance(block, Table) and block.key == "codes")
    judged = dict(zip([str(row[0].values["code"]) for row in table.rows], table.statuses or (), strict=True))  # type: ignore[union-attr]  # a message
    assert [code for code, status in judged.items() if status is Status.RED] == ["P01"]
    assert said(section)


def test_a_reason_that_explains_nothing_is_red(fraud_evidence: Evidence) -> None:
    """A baseline that blames a feature the model hardly uses: taking it away changes no score."""
    bundle = fraud_evidence.bundle
    baseline = bundle.reason_baseline.copy()
    covers = bundle.reason_book.covers
    used = np.abs(bundle.explainer.contributions_many(fraud_evidence.test.X)[:, :-1]).mean(axis=0)
    names = bundle.encoder.names
    weight = {code: used[[covers[name] == code for name in names]].sum() for code in set(covers.values())}
    blamed = min(weight, key=lambda code: (weight[code], code))
    baseline[names.index(next(name for name in names if covers[name] == blamed))] = -50.0
    found = statuses(SECTION.build(with_reasons(fraud_evidence, bundle.reason_book, baseline), LIGHT))
    assert found["flip"] is Status.RED


def test_a_floor_that_no_push_reaches_leaves_people_without_a_reason(fraud_evidence: Evidence) -> None:
    book = fraud_evidence.bundle.reason_book.model_copy(update={"floor": 100.0})
    found = statuses(SECTION.build(with_reasons(fraud_evidence, book, fraud_evidence.bundle.reason_baseline), LIGHT))
    assert found["coverage"] is Status.RED
    assert found["flip"] is Status.NOT_ASSESSED


def test_without_refused_rows_nothing_is_assessed(fraud_evidence: Evidence) -> None:
    test = fraud_evidence.test
    cut = fraud_evidence.bundle.cutoffs["attention"]
    section = SECTION.build(with_parts(fraud_evidence, test=test.only(test.probability < cut)), LIGHT)
    assert statuses(section)["flip"] is Status.NOT_ASSESSED
    assert said(section)


def _facts(block: object) -> Facts:
    assert isinstance(block, Facts)
    return block
