"""Evidence holds the rows the model was made and measured on, as they were, and nobody's keys."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from domain.errors import DataError
from training.challenger import Trained
from training.report.evidence import ROWS, Evidence, read_evidence
from training.tracking import Tracker


@pytest.fixture(params=["fraud_evidence", "credit_evidence"])
def evidence(request: pytest.FixtureRequest) -> Evidence:
    found: Evidence = request.getfixturevalue(request.param)
    return found


def test_the_bundle_gives_the_rows_their_scores_again(evidence: Evidence) -> None:
    for rows in (evidence.train, evidence.calibration, evidence.test):
        assert evidence.bundle.scorer.raw_many(rows.X).tobytes() == rows.raw.tobytes()
        assert evidence.bundle.calibrator.probability(rows.raw).tobytes() == rows.probability.tobytes()
        assert (np.diff(rows.event_time) >= 0).all()


def test_counts_are_those_of_the_manifest_and_of_the_evaluation(evidence: Evidence) -> None:
    test = evidence.test
    assert evidence.about["rows"]["test"] == test.labelled.sum()
    assert evidence.about["events"]["test"] == (test.y == 1).sum()
    told = evidence.json("evaluation.json")["figures"][0]
    assert (told["n"], told["n_events"]) == (test.labelled.sum(), (test.y == 1).sum())
    assert test.n_whole == len(test.y)
    scored = test.scored()
    assert len(scored.y) == test.labelled.sum() < len(test.y) or test.labelled.all()


def test_unsettled_rows_are_there_and_never_negative(fraud_evidence: Evidence) -> None:
    for rows in (fraud_evidence.train, fraud_evidence.test):
        settled = np.isin(rows.status.astype(str), ["positive", "negative"])
        assert not (rows.labelled & ~settled).any()


def test_no_key_of_a_person_is_kept(trained_once: tuple[Tracker, Trained], fraud_evidence: Evidence) -> None:
    columns = set(pq.read_schema(fraud_evidence.folder / ROWS).names)
    assert not {"card_id", "customer_id", "event_id"} & columns
    card = fraud_evidence.test.card
    assert card is not None
    assert card.max() < len(card)
    assert fraud_evidence.test.amount is not None


def test_a_run_without_evidence_says_what_to_do(fraud_evidence: Evidence, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train the model again"):
        read_evidence(fraud_evidence.bundle, tmp_path)
    assert fraud_evidence.json("absent.json") is None
    assert json.loads((fraud_evidence.folder / "labels.json").read_text()) == fraud_evidence.json("labels.json")
