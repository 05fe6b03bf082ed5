"""A clean table gives no red finding and hardly an amber one; the same table gives the same report."""

import numpy as np
import pandas as pd
import pytest

from tests.training.intake.world import GROUP, KNOWN, TARGET, TIME, clean
from training.intake import Grade, audit
from training.intake.reading import read_intake

BY_TIME = {"time": TIME, "known_at": KNOWN, "group": GROUP}


@pytest.mark.parametrize("seed", range(6))
def test_a_clean_table_is_not_accused(seed):
    forward = audit(clean(seed, 2_500), TARGET, **BY_TIME, seed=seed)
    static = audit(clean(seed + 50, 2_500).drop(columns=[TIME, KNOWN, GROUP]), TARGET, seed=seed)
    for report in (forward, static):
        assert report.of(Grade.RED) == ()
        assert [finding.summary for finding in report.of(Grade.AMBER)] == []


def test_the_same_table_gives_the_same_bytes():
    frame = clean(3, 1_500)
    assert audit(frame, TARGET, **BY_TIME).to_json() == audit(frame.copy(), TARGET, **BY_TIME).to_json()


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("path", "target", "columns"),
    [
        ("german/germancredit.csv", "creditability", {}),
        ("taiwan/credit_card_default.parquet", "default.payment.next.month", {}),
        ("handbook/transactions.parquet", "TX_FRAUD", {"time": "TX_DATETIME", "group": "CUSTOMER_ID"}),
    ],
)
def test_public_tables_are_not_accused(shared_data, path, target, columns):
    frame, test = read_intake(shared_data / path)
    if len(frame) > 100_000:
        frame = frame.iloc[::15]
    report = audit(frame, target, test=test, **columns)
    assert report.of(Grade.RED) == ()


@pytest.mark.shared_data
def test_the_answer_in_a_public_table_is_found(shared_data):
    frame = pd.read_parquet(shared_data / "amlsim" / "accounts.parquet")
    (red,) = audit(frame, "isFraud").of(Grade.RED)
    assert (red.check, red.columns) == ("late_column", ("fraudStep",))
    filled = np.flatnonzero(frame["fraudStep"] != -1)
    assert list(red.rows) == filled[:5].tolist()
