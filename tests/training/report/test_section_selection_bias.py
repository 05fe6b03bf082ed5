"""Declined rows without labels are counted, and what is guessed about them is kept apart from what is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scoring.pages.status import Status
from tests.training.report.changed import built, with_files, with_parts
from tests.training.report.every_word import every_word, named
from training.proportion import wilson
from training.report.evidence import Evidence
from training.report.sections import selection_bias


def censored(evidence: Evidence, share: float) -> Evidence:
    n = len(evidence.test.status)
    status = np.where(np.arange(n) < share * n, "censored", "negative").astype(object)
    return with_parts(evidence, test=replace(evidence.test, status=status))


def inference(changed: float) -> dict[str, Any]:
    base = {
        "method": "accepted only", "auc": 0.7, "difference": 0.0, "low": 0.0, "high": 0.0, "ks": 0.3, "brier": 0.1,
        "approved_share": 0.8, "changed_share": 0.0,
    }  # fmt: skip
    guessed = {**base, "method": "parcelling", "auc": 0.69, "difference": -0.01, "changed_share": changed}
    return {"variants": [base, guessed], "n": 200, "n_events": 20, "n_refused": 90, "source": "an example"}


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_the_worlds_build_and_what_is_lacking_is_not_assessed(request: pytest.FixtureRequest, name: str) -> None:
    section = built(selection_bias, request.getfixturevalue(name))
    assert section.status is not Status.RED
    assert named(section, "weighted").status is Status.NOT_ASSESSED


def test_nobody_declined_is_not_called_unbiased(fraud_evidence: Evidence) -> None:
    section = built(selection_bias, censored(fraud_evidence, 0.0))
    assert named(section, "censored").status is Status.PASS
    assert "a bias nobody can see" in " ".join(every_word(section, "en"))


@pytest.mark.parametrize(("share", "status"), [(0.01, Status.PASS), (0.2, Status.AMBER), (0.7, Status.RED)])
def test_the_share_without_labels_is_judged(fraud_evidence: Evidence, share: float, status: Status) -> None:
    section = built(selection_bias, censored(fraud_evidence, share))
    found = named(section, "censored")
    assert found.status is status
    assert found.n_events is not None
    low, high = wilson(np.array(found.n_events), np.array(found.n))
    assert (found.low, found.high) == (low, high)
    assert [each.key for each in section.findings] == ["unseen"]


def test_a_sample_that_was_let_through_speaks_for_the_rest(fraud_evidence: Evidence, tmp_path: Path) -> None:
    told = fraud_evidence.json("evaluation.json")
    figure = {"name": "auc_weighted", "value": 0.74, "low": 0.6, "high": 0.8, "n": 300, "n_events": 12, "note": "Hájek"}
    text = json.dumps({**told, "figures": [*told["figures"], figure]})
    section = built(selection_bias, with_files(censored(fraud_evidence, 0.2), tmp_path, evaluation_json=text))
    assert (named(section, "auc_weighted").value, named(section, "auc_weighted").n) == (0.74, 300)


@pytest.mark.parametrize(("changed", "status"), [(0.01, Status.PASS), (0.07, Status.AMBER), (0.3, Status.RED)])
def test_decisions_that_hang_on_guesses_are_judged(
    credit_evidence: Evidence, tmp_path: Path, changed: float, status: Status
) -> None:
    text = json.dumps(inference(changed))
    section = built(selection_bias, with_files(credit_evidence, tmp_path, reject_inference_json=text))
    assert named(section, "changed").status is status
    assert named(section, "changed").value == changed
    assert "parcelling" in " ".join(every_word(section, "zh"))
