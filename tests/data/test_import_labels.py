"""Labels become outcomes with the time at which they were known."""

from __future__ import annotations

import pytest

from tests.data.desk import GOOD, Desk, payments

LABELLED = {
    "label": {"column": "FRAUD", "map": {1: "confirmed_fraud", 0: "labelled_genuine", "open": None}, "known_at": "SEEN"}
}
HEADER = "ID,AT,WHO,AMOUNT,FRAUD,SEEN\n"


def test_labels_become_outcomes_with_the_keys_and_amount_of_their_subject(desk: Desk) -> None:
    lines = ["p1,2026-03-01,alice,57.16,1,2026-03-09", "p2,2026-03-01,bob,1,,", "p3,2026-03-01,bob,1,open,2026-03-09"]
    result = desk.bring(payments(**LABELLED), HEADER + "\n".join(lines) + "\n")
    assert (result.n_events, result.n_unlabelled) == ({"transaction": 3, "outcome": 1}, 2)
    (outcome,) = desk.rows("outcome")
    known_at = 1_773_014_400_000_000
    assert outcome == {
        "seq": 4, "client": "shop", "event_id": "p1-label", "event_time": known_at, "known_at": known_at,
        "subject_event_id": "p1", "subject_kind": "transaction", "subject_time": 1_772_323_200_000_000,
        "code": "confirmed_fraud", "source": "import", "customer_id": desk.vault.token("customer_id", "alice"),
        "amount": 5716, "currency": "CNY",
    }  # fmt: skip
    assert result.arrival == {"transaction": "column AT", "outcome": "column SEEN"}


@pytest.mark.parametrize(
    ("fraud", "seen", "reason"),
    [
        ("2", "2026-03-09", "label ← FRAUD: expected one of 1, 0, open"),
        ("1", "", "outcome.event_time ← column SEEN: expected a time"),
        ("1", "soon", "outcome.event_time ← column SEEN: expected an ISO 8601 time"),
        ("1", "2026-02-28", "label ← column SEEN: expected a time after the event"),
    ],
)
def test_a_bad_label_makes_a_bad_row(desk: Desk, fraud: str, seen: str, reason: str) -> None:
    content = f"{HEADER}p1,2026-03-01,alice,1,{fraud},{seen}\np2,2026-03-01,alice,1,0,2026-03-09\n"
    result = desk.bring(payments(**LABELLED), content)
    assert result.reasons == {reason: 1}
    assert result.n_events == {"transaction": 1, "outcome": 1}


def test_a_blank_label_may_be_forbidden(desk: Desk) -> None:
    label = {**LABELLED["label"], "blank": "reject"}
    result = desk.bring(payments(label=label), f"{HEADER}p1,2026-03-01,a,1,,\np2,2026-03-01,a,1,open,\n")
    assert result.reasons == {"label ← FRAUD: expected a label, got none": 1}
    assert result.n_unlabelled == 1


def test_outcomes_may_come_in_a_file_of_their_own(desk: Desk) -> None:
    desk.bring(payments(), GOOD)
    chargebacks = payments(
        name="chargebacks",
        client="shop",
        currency=None,
        events=[
            {
                "kind": "outcome",
                "event_id": "chargeback-{ID}",
                "event_time": "SEEN",
                "times": {"subject_time": "AT"},
                "columns": {
                    "subject_event_id": "ID",
                    "subject_kind": {"constant": "transaction"},
                    "code": {"column": "REASON", "map": {"10.4": "chargeback_fraud", "13.1": "chargeback_dispute"}},
                    "customer_id": "WHO",
                },
            }
        ],
    )
    result = desk.bring(chargebacks, "ID,AT,SEEN,WHO,REASON\np1,2026-03-01T08:00:00Z,2026-03-20,alice,10.4\n")
    assert result.n_events == {"outcome": 1}
    (outcome,) = desk.rows("outcome")
    (payment,) = desk.rows("transaction")
    assert (outcome["subject_event_id"], outcome["subject_time"]) == (payment["event_id"], payment["event_time"])
    assert outcome["customer_id"] == payment["customer_id"]
