"""One row and many give the same bits, and a single one that does not is red."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from scoring.encode import Encoder
from scoring.explainer import PRED_CONTRIB, Explainer
from scoring.pages.status import Status
from scoring.scorer import PLAIN, Scorer
from tests.training.report.changed import built, with_parts
from tests.training.report.every_word import every_word, named
from training.report.evidence import Evidence
from training.report.sections import implementation
from training.serving_parity import encoded_singly, unlike_rows

PARITY = ("encoding", "scoring", "calibrating", "golden")


@pytest.fixture(params=["fraud_evidence", "credit_evidence"])
def evidence(request: pytest.FixtureRequest) -> Evidence:
    found: Evidence = request.getfixturevalue(request.param)
    return found


def test_serving_gives_what_training_gave(evidence: Evidence) -> None:
    section = built(implementation, evidence)
    for key in PARITY:
        assert (named(section, key).value, named(section, key).status) == (0.0, Status.PASS)
    assert named(section, "scoring").n == len(evidence.test.y)
    assert (named(section, "score_us").value or 0.0) > 0.0
    assert named(built(implementation, evidence, effort="light"), "scoring").n == 200


def test_a_row_that_serving_would_encode_otherwise_is_red(evidence: Evidence) -> None:
    X = evidence.test.X.copy()
    known = np.flatnonzero(~np.isnan(X[0]))[0]
    X[0, known] = np.nextafter(X[0, known], np.inf)
    section = built(implementation, with_parts(evidence, test=replace(evidence.test, X=X)))
    assert named(section, "encoding").status is Status.RED
    assert named(section, "encoding").value == 1.0


def test_another_model_than_that_of_the_golden_rows_is_red(fraud_evidence: Evidence) -> None:
    text = fraud_evidence.bundle.scorer.model_text
    start = text.index("leaf_value=") + len("leaf_value=")
    first, _, _ = text[start:].partition(" ")
    # The same number of digits, so that the sizes in the header still hold.
    altered = text[:start] + first[:-3] + ("111" if first[-3:] != "111" else "222") + text[start + len(first) :]
    broken = replace(fraud_evidence.bundle, scorer=Scorer(altered))
    section = built(implementation, replace(fraud_evidence, bundle=broken))
    assert named(section, "golden").status is Status.RED


def test_slower_engines_are_told(fraud_evidence: Evidence) -> None:
    scorer = Scorer(fraud_evidence.bundle.scorer.model_text)
    scorer.engine = PLAIN
    slow = replace(fraud_evidence.bundle, scorer=scorer, explainer=Explainer(scorer, PRED_CONTRIB))
    section = built(implementation, replace(fraud_evidence, bundle=slow), effort="light")
    assert {each.key for each in section.findings} == {"slow_scorer", "slow_explainer"}
    assert section.status is Status.AMBER


def test_the_ways_down_differ_by_product(fraud_evidence: Evidence, credit_evidence: Evidence) -> None:
    payment, loan = (
        " ".join(every_word(built(implementation, each), "en")) for each in (fraud_evidence, credit_evidence)
    )
    assert "a decline becomes a referral" in loan
    assert "a decline becomes a referral" not in payment


def test_rows_one_by_one_beside_the_table() -> None:
    rng = np.random.default_rng(0)
    texts = [None if i % 7 == 0 else "abcx"[i % 4] for i in range(200)]
    numbers = [None if i % 5 == 0 else float(rng.normal()) for i in range(200)]
    table = pa.table({"kind": texts, "amount": numbers, "count": rng.integers(0, 9, 200)})
    encoder = Encoder(["amount", "kind", "count"], {"kind": ("a", "b", "c")})
    assert unlike_rows(encoded_singly(encoder, table), encoder.matrix(table)) == 0
    other = Encoder(["amount", "kind", "count"], {"kind": ("b", "a", "c")})
    n_other = sum(text in ("a", "b") for text in texts)
    assert unlike_rows(encoded_singly(other, table), encoder.matrix(table)) == n_other
    assert len(encoded_singly(encoder, table.slice(0, 0))) == 0
