"""The section on single rows: chosen by rule, adding up, and nobody's key among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.pages.page import Facts, Picture, Table
from scoring.pages.status import Status
from tests.training.report.changed import FULL, LIGHT, with_parts
from tests.training.report.every_word import said, statuses
from training.comparables import choose_cases, nearest
from training.report.evidence import Evidence
from training.report.sections.cases import SECTION


def test_cases_are_the_medians_of_their_kinds() -> None:
    rng = np.random.default_rng(0)
    raw, y = rng.normal(size=501), rng.integers(-1, 2, 501)
    found = choose_cases(y, raw, 0.3)
    for kind, flagged, label in (("true_positive", True, 1), ("false_positive", True, 0), ("false_negative", False, 1)):
        mine = np.sort(raw[((raw >= 0.3) == flagged) & (y == label)])
        assert raw[found[kind]] == np.quantile(mine, 0.5, method="lower")
    others = [row for row in range(501) if y[row] >= 0 and row not in list(found.values())[:3]]
    assert abs(raw[found["borderline"]] - 0.3) == min(abs(raw[row] - 0.3) for row in others)
    assert choose_cases(np.full(5, -1), raw[:5], 0.0) == {}


def test_the_nearest_are_scikit_learns() -> None:
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(1)
    reference, row = rng.normal(size=(200, 6)), rng.normal(size=6)
    distance, rows = NearestNeighbors(n_neighbors=7).fit(reference).kneighbors(row[None])
    found = nearest(row, reference, 7)
    assert found.rows.tolist() == rows[0].tolist()
    np.testing.assert_allclose(found.distance, distance[0])


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_each_case_adds_up_to_its_score(name: str, request: pytest.FixtureRequest) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    section = SECTION.build(evidence, FULL)
    assert section.status is Status.PASS
    assert said(section)
    pictures = [block for block in section.blocks if isinstance(block, Picture)]
    facts = [block for block in section.blocks if isinstance(block, Facts)]
    assert len(pictures) == len(facts) == 4 - len(section.not_run)
    scores = dict(zip(evidence.test.seq.tolist(), evidence.test.raw.tolist(), strict=True))
    for picture, fact in zip(pictures, facts, strict=True):
        numbers = [float(row[1]) for row in picture.table.rows]  # type: ignore[arg-type]  # numbers by construction
        assert sum(numbers[:-1]) == pytest.approx(numbers[-1])
        assert numbers[-1] == pytest.approx(scores[fact.rows[0][1]])  # type: ignore[index]  # seq is a number


def test_comparables_are_of_the_calibration_period(fraud_evidence: Evidence) -> None:
    section = SECTION.build(fraud_evidence, LIGHT)
    known = set(fraud_evidence.calibration.seq.tolist())
    tables = [block for block in section.blocks if isinstance(block, Table)]
    assert {row[0] for table in tables for row in table.rows} <= known
    for table in tables:
        distances = [row[2] for row in table.rows]
        assert distances == sorted(distances)


def test_what_the_test_lacks_is_said_and_a_wrong_sum_is_red(fraud_evidence: Evidence) -> None:
    test = fraud_evidence.test
    good = SECTION.build(with_parts(fraud_evidence, test=test.only(test.y == 0)), LIGHT)
    assert len(good.not_run) == 2
    assert said(good)
    wrong = SECTION.build(with_parts(fraud_evidence, test=replace(test, raw=test.raw + 0.01)), LIGHT)
    assert statuses(wrong)["additivity"] is Status.RED
