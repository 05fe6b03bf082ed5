"""The search's optimism is judged, the chosen trial is told from the rejected ones, and signs are listed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from scoring.pages.page import Table
from scoring.pages.status import Status
from tests.training.report.changed import built, with_about, with_files
from tests.training.report.every_word import WORDS, every_word, named
from training.families.settings import Constraints
from training.gates.monotone import declared_signs
from training.report.evidence import Evidence
from training.report.sections import soundness
from training.search_settings import Search
from training.search_table import chosen_trial
from training.settings import TrainingSettings


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_the_chosen_trial_beside_the_test(request: pytest.FixtureRequest, name: str) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    section = built(soundness, evidence)
    optimism = named(section, "optimism")
    test = next(
        each for each in evidence.json("evaluation.json")["figures"] if each["name"] == evidence.settings.objective
    )
    trials = evidence.frame("trials.csv")
    assert trials is not None
    place = chosen_trial(trials, evidence.about["params"])
    assert place is not None
    assert optimism.value == pytest.approx(trials["value"].iloc[place] - test["value"])
    assert optimism.low is not None
    assert optimism.high is not None
    assert optimism.low <= (optimism.value or 0.0) <= optimism.high
    (signs,) = (each for each in section.blocks if isinstance(each, Table) and each.key == "signs")
    assert len(signs.rows) == len(declared_signs(evidence.bundle))
    others = next(each for each in section.blocks if isinstance(each, Table) and each.key == "alternatives")
    assert len(others.rows) == min(8, len(trials) - 1)


def test_a_search_that_promised_too_much_is_red(fraud_evidence: Evidence, tmp_path: Path) -> None:
    trials = fraud_evidence.frame("trials.csv")
    assert trials is not None
    text = trials.assign(value=trials["value"] + 0.5).to_csv(index=False)
    section = built(soundness, with_files(fraud_evidence, tmp_path, trials_csv=text))
    assert named(section, "optimism").status is Status.RED


def test_what_a_run_did_not_keep_is_not_assessed(fraud_evidence: Evidence, tmp_path: Path) -> None:
    bare = with_files(fraud_evidence, tmp_path, "trials.csv", "course.csv", "importance.csv", "calibrators.csv")
    assert named(built(soundness, bare), "optimism").status is Status.NOT_ASSESSED
    other = with_about(fraud_evidence, params={"num_leaves": 99_999})
    assert named(built(soundness, other), "optimism").status is Status.NOT_ASSESSED


def test_calibrators_that_were_compared_are_shown(fraud_evidence: Evidence, tmp_path: Path) -> None:
    text = "kind,log_loss,gain,gain_error,chosen,note\nplatt,0.14,0.0,0.0,True,\nisotonic,,,,False,too few positives\n"
    section = built(soundness, with_files(fraud_evidence, tmp_path, calibrators_csv=text))
    assert "isotonic regression · None · None · None ·  · too few positives" in every_word(section, "en")


def test_the_chosen_trial_is_found_after_a_round_through_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    params = [{"rate": float(rng.random()), "leaves": int(rng.integers(4, 99)), "kind": "ab"[i % 2]} for i in range(20)]
    table = pd.DataFrame([{"number": i, "state": "complete", "value": 0.5, **each} for i, each in enumerate(params)])
    table.to_csv(tmp_path / "trials.csv", index=False)
    again = pd.read_csv(tmp_path / "trials.csv")
    assert [chosen_trial(again, each) for each in params] == list(range(20))


def test_settings_are_told_in_the_language_of_the_page(fraud_evidence: Evidence) -> None:
    told = "\n".join(every_word(built(soundness, fraud_evidence), "zh"))
    for code in ("binary", "basic", "tpe", "rounds"):
        assert f"= {code}\n" not in told
    settings = ((TrainingSettings, "loss", "loss"), (Constraints, "method", "method"),
                (Search, "method", "sampler"), (Search, "pruning", "pruning"))  # fmt: skip
    for kind, name, prefix in settings:
        for value in get_args(kind.model_fields[name].annotation):
            assert re.search("[一-鿿]", WORDS.message(f"soundness.{prefix}_{value}")["zh"])
