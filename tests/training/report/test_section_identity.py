"""The report scores the model again itself, and says when something is not what was registered."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scoring.pages.status import Status
from tests.training.report.changed import built, with_about, with_parts
from tests.training.report.every_word import named
from training.report.evidence import Evidence
from training.report.sections import identity
from training.rescoring import greatest_difference, n_unlike


@pytest.fixture(params=["fraud_evidence", "credit_evidence"])
def evidence(request: pytest.FixtureRequest) -> Evidence:
    found: Evidence = request.getfixturevalue(request.param)
    return with_about(found, code_revision="0" * 40)


def test_a_sound_model_gives_every_score_again(evidence: Evidence) -> None:
    section = built(identity, evidence)
    assert section.status is Status.PASS
    rescored = named(section, "rescored")
    assert rescored.value == 0.0
    assert rescored.n == sum(len(rows.y) for rows in (evidence.train, evidence.calibration, evidence.test))
    assert named(built(identity, evidence, effort="light"), "rescored").n == len(evidence.test.y)


def test_one_bit_of_one_score_is_red(fraud_evidence: Evidence) -> None:
    raw = fraud_evidence.test.raw.copy()
    raw[3] = np.nextafter(raw[3], 9.0)
    section = built(identity, with_parts(fraud_evidence, test=replace(fraud_evidence.test, raw=raw)))
    assert named(section, "rescored").status is Status.RED
    assert named(section, "rescored").value == pytest.approx(abs(raw[3] - fraud_evidence.test.raw[3]))
    assert named(section, "golden").status is Status.PASS


def test_files_that_changed_since_are_red(fraud_evidence: Evidence, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(fraud_evidence.bundle.folder, folder)
    (folder / "cutoffs.yaml").write_text("attention: 0.1\nwarning: 0.2\nhigh: 0.3\n")
    section = built(identity, replace(fraud_evidence, bundle=replace(fraud_evidence.bundle, folder=folder)))
    assert [each.key for each in section.findings if each.status is Status.RED] == ["not_intact"]


def test_another_bundle_than_the_registered_one_is_red(fraud_evidence: Evidence) -> None:
    section = built(identity, replace(fraud_evidence, tags={"bundle": "f" * 64}))
    assert "not_registered" in [each.key for each in section.findings if each.status is Status.RED]


def test_uncommitted_and_unknown_code_is_amber(evidence: Evidence) -> None:
    for revision, key in (("a" * 40 + "+changes", "uncommitted"), ("unknown", "unknown_code")):
        section = built(identity, with_about(evidence, code_revision=revision))
        assert section.status is Status.AMBER
        assert key in [each.key for each in section.findings]


def test_differences_are_of_bits_and_of_values() -> None:
    x = np.array([1.0, np.inf, np.nan, -0.0])
    assert greatest_difference(x, x.copy()) == 0.0
    assert n_unlike(x, x.copy()) == 0
    assert greatest_difference(x, np.array([1.0, np.inf, 0.0, 0.0])) == np.inf
    assert n_unlike(x, np.array([1.0, np.inf, 0.0, 0.0])) == 2
    assert greatest_difference(np.zeros(0), np.zeros(0)) == 0.0
