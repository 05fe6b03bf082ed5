"""What becomes known is bound to its subject, under the subject's tokens and label policy."""

from __future__ import annotations

from typing import Any

import pytest

from domain.labels import CREDIT_POLICY, FRAUD_POLICY
from domain.time import DAY, HOUR, format_instant
from tests.serving import world
from tests.serving.doors import Doors


@pytest.fixture(scope="module")
def subjects(doors: Doors) -> Doors:
    for request in world.payment_stream(3, 3, world.START, prefix="o-p"):
        assert doors.pay(request).status_code == 200
    for request in world.application_stream(2, 3, world.START, prefix="o-l"):
        assert doors.send("POST", "/v1/loans/score", request).status_code == 200
    return doors


def written(doors: Doors, event_id: str) -> Any:
    (event,) = doors.engine.committing.journal.find(event_id)
    return event


def test_an_outcome_takes_over_time_keys_and_amount_of_its_subject(subjects: Doors) -> None:
    answer = subjects.send(
        "POST", "/v1/outcomes", {"subject_event_id": "o-p1", "code": "chargeback_fraud", "source": "issuer"}
    )
    assert answer.status_code == 200, answer.text
    subject, outcome = written(subjects, "o-p1"), written(subjects, answer.json()["event_id"])
    assert outcome.event_time == outcome.known_at == subjects.now
    assert outcome.body["subject_time"] == subject.event_time
    assert outcome.body["subject_kind"] == "transaction"
    keys = [name for name in subject.body if name.endswith("_id") and name != "bin_id"]
    assert keys
    assert {name: outcome.body[name] for name in (*keys, "amount", "currency")} == {
        name: subject.body[name] for name in (*keys, "amount", "currency")
    }
    # It is a fact about the merchant and the card from now on.
    request = {
        **world.payment_stream(3, 3, world.START, prefix="o-q")[1],
        "event_time": format_instant(subjects.now + 1),
    }
    subjects.pay(request)
    after = subjects.engine.committing.ledger.by_event("flow", "o-q1")
    assert after is not None


def test_each_kind_of_subject_has_its_own_codes(subjects: Doors) -> None:
    for code in CREDIT_POLICY.verdicts:
        body = {"subject_event_id": "o-l0", "code": code}
        assert subjects.send("POST", "/v1/outcomes", body).status_code == 200, code
    for code in FRAUD_POLICY.verdicts:
        body = {"subject_event_id": "o-p0", "code": code}
        assert subjects.send("POST", "/v1/outcomes", body).status_code == 200, code
    answer = subjects.send("POST", "/v1/outcomes", {"subject_event_id": "o-l0", "code": "chargeback_fraud"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_code")
    assert "default_90dpd_12m" in answer.json()["detail"]
    assert "chargeback_fraud" not in answer.json()["detail"]


def test_what_was_known_earlier_may_be_said_later(subjects: Doors) -> None:
    at = subjects.now - HOUR // 60
    body = {"subject_event_id": "o-p2", "code": "confirmed_fraud", "event_id": "case-9", "known_at": format_instant(at)}
    assert subjects.send("POST", "/v1/outcomes", body).json() == {"event_id": "case-9", "accepted": True}
    assert written(subjects, "case-9").event_time == at


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"subject_event_id": "nobody"}, "unknown_subject"),
        ({"subject_client": "second"}, "unknown_subject"),
        ({"code": "canary"}, "unknown_code"),
        ({"known_at": format_instant(world.START + DAY)}, "invalid_field"),
        ({"known_at": format_instant(world.START - 90 * DAY)}, "invalid_field"),
        ({"amount": 5}, "invalid_field"),
        ({"currency": "CNY"}, "invalid_field"),
        ({"amount": 2**53, "currency": "USD"}, "invalid_field"),
        ({"amount": 5, "currency": "XXX"}, "invalid_field"),
        ({"canary": 1}, "unknown_field"),
    ],
)
def test_what_cannot_be_bound_is_refused(subjects: Doors, change: dict[str, Any], code: str) -> None:
    before = subjects.counts()
    answer = subjects.send("POST", "/v1/outcomes", {"subject_event_id": "o-p0", "code": "chargeback_fraud", **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert "canary" not in answer.text
    assert subjects.counts() == before


def test_an_event_id_of_two_clients_needs_the_client(subjects: Doors) -> None:
    twin = {**world.payment_stream(1, 3, world.START, prefix="o-twin")[0]}
    subjects.pay(twin, client="flow")
    subjects.pay(twin, client="second")
    body = {"subject_event_id": "o-twin0", "code": "chargeback_fraud"}
    assert subjects.send("POST", "/v1/outcomes", body).json()["code"] == "ambiguous_subject"
    answer = subjects.send("POST", "/v1/outcomes", {**body, "subject_client": "second"})
    assert answer.status_code == 200
