"""Complaints over real stores: intake, clock, outcome, receipt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.errors import InputError
from domain.events import Event
from domain.matters import Matter, MatterState, Step
from domain.outcomes import outcome_about
from domain.time import DAY, HOUR
from stores.acts import Act, Acts
from stores.complaints import Complaints
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger
from stores.matter_settings import ComplaintSettings
from stores.settings_files import load_settings
from tests.stores.decisions import decision

CONFIGS = Path(__file__).parents[2] / "configs"
NOW = 20_000 * DAY


@pytest.fixture(name="complaints")
def _complaints(tmp_path: Path) -> Complaints:
    home = Home(tmp_path)
    database = Database(home.database)
    journal, ledger = Journal(database, home.segments), Ledger(database, bytes(32))
    body = {"card_id": "card", "customer_id": "someone", "amount": 5_000, "currency": "CNY"}
    decision(journal, ledger, Event("transaction", "p1", NOW - DAY, NOW - DAY, body, "flow"))
    decision(
        journal,
        ledger,
        Event("application", "l1", NOW - DAY, NOW - DAY, {"borrower_id": "b", "amount": 9, "currency": "CNY"}, "flow"),
    )
    return Complaints(journal, ledger, load_settings(CONFIGS / "complaints.yaml", ComplaintSettings))


def taken_in(complaints: Complaints, complaint_class: str = "fraud_dispute", **more: Any) -> Matter:
    asked = {"at": NOW, "actor": "door", "client": "flow", "event_id": "c1", "subject_event_id": "p1", **more}
    with complaints.database.transaction():
        return complaints.open_complaint(complaint_class, **asked)


def worked_on(complaints: Complaints, complaint: Matter) -> None:
    with complaints.database.transaction():
        complaints.matters.append_within(complaint.matter_id, Step.TAKEN, at=NOW + HOUR, actor="lin")


def acts_of(complaints: Complaints) -> Acts:
    return Acts(complaints.database, bytes(32))


def outcomes(complaints: Complaints) -> list[dict[str, Any]]:
    return Journal(complaints.database, Path()).read("outcome").to_pylist()


def test_intake_is_an_event_a_history_and_two_promises(complaints: Complaints) -> None:
    made = taken_in(complaints, people={"customer_id": "someone"})
    assert made.matter_id == "complaint-1"
    assert made.state is MatterState.OPEN
    assert made.decisions == ("d-p1",)
    assert {name: timer.due_at - NOW for name, timer in made.timers.items()} == {
        "first_answer": 24 * HOUR, "resolution": 48 * HOUR,
    }  # fmt: skip
    (event,) = Journal(complaints.database, Path()).read("complaint").to_pylist()
    assert (event["event_id"], event["complaint_class"], event["customer_id"]) == ("c1", "fraud_dispute", "someone")


def test_the_same_complaint_again_is_the_same_one(complaints: Complaints) -> None:
    assert taken_in(complaints).matter_id == taken_in(complaints, at=NOW + 5).matter_id == "complaint-1"
    assert taken_in(complaints, event_id="c2").matter_id == "complaint-2"
    assert taken_in(complaints, client="other").matter_id == "complaint-3"


def test_overdue_begins_a_microsecond_after_the_promise(complaints: Complaints) -> None:
    made = taken_in(complaints)
    assert made.overdue(NOW + 24 * HOUR) == ()
    assert made.overdue(NOW + 24 * HOUR + 1) == ("first_answer",)
    assert made.overdue(NOW + 48 * HOUR + 1) == ("first_answer", "resolution")
    worked_on(complaints, made)
    with complaints.database.transaction():
        answered = complaints.matters.append_within("complaint-1", Step.ANSWERED, at=NOW + 24 * HOUR, actor="lin")
    assert answered.timers["first_answer"].kept(NOW + 99 * DAY) is True
    assert answered.overdue(NOW + 48 * HOUR + 1) == ("resolution",)


def test_an_upheld_dispute_is_an_outcome_known_when_it_was_upheld(complaints: Complaints) -> None:
    made = taken_in(complaints)
    before = complaints.database.one("SELECT body, link FROM decision WHERE decision_id = 'd-p1'")
    worked_on(complaints, made)
    with complaints.database.transaction():
        settled, receipt = complaints.settle(
            "complaint-1", upheld=True, at=NOW + 2 * HOUR, actor="lin", acts=acts_of(complaints)
        )
    (told,) = outcomes(complaints)
    assert (told["code"], told["event_time"], told["known_at"]) == ("complaint_upheld", NOW + 2 * HOUR, NOW + 2 * HOUR)
    assert (told["subject_event_id"], told["subject_time"], told["card_id"]) == ("p1", NOW - DAY, "card")
    assert settled.state is MatterState.CLOSED
    assert receipt is not None
    assert receipt.decision_id == "d-p1"
    assert receipt.outcome_id == told["event_id"]
    assert complaints.receipts("d-p1") == [receipt]
    (act,) = acts_of(complaints).about("d-p1")
    assert (act.kind, act.at, act.body["complaint"]) == ("review_asked", NOW + 2 * HOUR, "complaint-1")
    assert complaints.database.one("SELECT body, link FROM decision WHERE decision_id = 'd-p1'") == before


def test_a_receipt_that_is_open_already_stays_open_once(complaints: Complaints) -> None:
    acts = acts_of(complaints)
    with complaints.database.transaction():
        acts.append_within(Act("a1", "review_asked", "d-p1", NOW, "flow", {"asked_by": "customer"}))
    worked_on(complaints, taken_in(complaints))
    with complaints.database.transaction():
        complaints.settle("complaint-1", upheld=True, at=NOW + 2 * HOUR, actor="lin", acts=acts)
    assert [act.act_id for act in acts.about("d-p1")] == ["a1"]


def test_a_complaint_that_is_not_upheld_is_no_outcome_and_opens_no_receipt(complaints: Complaints) -> None:
    worked_on(complaints, taken_in(complaints))
    with complaints.database.transaction():
        _, receipt = complaints.settle(
            "complaint-1", upheld=False, at=NOW + 2 * HOUR, actor="lin", acts=acts_of(complaints)
        )
    assert receipt is None
    assert outcomes(complaints) == []
    assert complaints.receipts("d-p1") == []


def test_a_wrong_refusal_opens_the_receipt_and_says_nothing_of_repayment(complaints: Complaints) -> None:
    worked_on(complaints, taken_in(complaints, "credit_refusal", subject_event_id="l1"))
    with complaints.database.transaction():
        _, receipt = complaints.settle(
            "complaint-1", upheld=True, at=NOW + 2 * HOUR, actor="lin", acts=acts_of(complaints)
        )
    assert receipt is not None
    assert receipt.decision_id == "d-l1"
    assert [each["code"] for each in outcomes(complaints)] == ["complaint_upheld"]


def test_bad_service_is_no_fraud_unless_somebody_says_what_it_was(complaints: Complaints) -> None:
    worked_on(complaints, taken_in(complaints, "service"))
    with complaints.database.transaction():
        complaints.settle("complaint-1", upheld=True, at=NOW + 2 * HOUR, actor="lin", acts=acts_of(complaints))
    assert outcomes(complaints) == []
    worked_on(complaints, taken_in(complaints, "service", event_id="c2"))
    with complaints.database.transaction():
        complaints.settle(
            "complaint-2",
            upheld=True,
            at=NOW + 2 * HOUR,
            actor="lin",
            code="reviewed_genuine",
            acts=acts_of(complaints),
        )
    assert [each["code"] for each in outcomes(complaints)] == ["reviewed_genuine"]


def test_what_is_refused_leaves_nothing_behind(complaints: Complaints) -> None:
    for wrong, message in (
        ({"complaint_class": "rude"}, r"complaint\.class: expected one of product, .*, got 'rude'"),
        ({"subject_event_id": "p9"}, "expected the event_id of one payment or application"),
        ({"event_id": "p1"}, "expected an event_id of its own"),
    ):
        with pytest.raises(InputError, match=message):
            taken_in(complaints, **wrong)
    made = taken_in(complaints)
    worked_on(complaints, made)
    with pytest.raises(InputError, match=r"outcome\.code: expected one of"), complaints.database.transaction():
        complaints.settle(
            "complaint-1", upheld=True, at=NOW + 2 * HOUR, actor="lin", code="rubbish", acts=acts_of(complaints)
        )
    with pytest.raises(InputError, match="expected who is responsible"), complaints.database.transaction():
        complaints.settle("complaint-1", upheld=True, at=NOW + 2 * HOUR, actor="wang", acts=acts_of(complaints))
    assert outcomes(complaints) == []
    assert complaints.matters.get("complaint-1").state is MatterState.WORKING
    assert Journal(complaints.database, Path()).kinds() == {"application": 1, "complaint": 1, "transaction": 1}


def test_a_settled_complaint_can_be_opened_again_under_a_new_promise(complaints: Complaints) -> None:
    worked_on(complaints, taken_in(complaints))
    with complaints.database.transaction():
        complaints.settle("complaint-1", upheld=False, at=NOW + 2 * HOUR, actor="lin", acts=acts_of(complaints))
        again = complaints.reopen("complaint-1", at=NOW + 9 * DAY, actor="wang", reason="new evidence")
    assert again.state is MatterState.WORKING
    assert again.owner == "lin"
    assert again.timers["resolution"].due_at == NOW + 11 * DAY
    with complaints.database.transaction():
        complaints.settle("complaint-1", upheld=True, at=NOW + 10 * DAY, actor="lin", acts=acts_of(complaints))
    assert [each["known_at"] for each in outcomes(complaints)] == [NOW + 10 * DAY]


def test_a_verdict_that_is_turned_over_takes_its_outcome_back(complaints: Complaints) -> None:
    """What was upheld and is not any more must not stay a fraud for whoever learns from outcomes."""
    worked_on(complaints, taken_in(complaints))
    acts = acts_of(complaints)
    for hour, upheld in ((2, True), (4, False), (6, False), (8, True), (10, True)):
        with complaints.database.transaction():
            if hour > 2:
                complaints.reopen("complaint-1", at=NOW + (hour - 1) * HOUR, actor="lin", reason="a receipt turned up")
            complaints.settle("complaint-1", upheld=upheld, at=NOW + hour * HOUR, actor="lin", acts=acts)
    told = [(row["code"], (row["known_at"] - NOW) // HOUR) for row in outcomes(complaints)]
    assert told == [
        ("complaint_upheld", 2), ("correction_genuine", 4), ("complaint_upheld", 8), ("complaint_upheld", 10),
    ]  # fmt: skip


def test_a_refusal_that_was_right_after_all_says_nothing_of_repayment(complaints: Complaints) -> None:
    worked_on(complaints, taken_in(complaints, "credit_refusal", subject_event_id="l1"))
    acts = acts_of(complaints)
    with complaints.database.transaction():
        complaints.settle("complaint-1", upheld=True, at=NOW + 2 * HOUR, actor="lin", acts=acts)
        complaints.reopen("complaint-1", at=NOW + 3 * HOUR, actor="lin", reason="a receipt turned up")
        complaints.settle("complaint-1", upheld=False, at=NOW + 4 * HOUR, actor="lin", acts=acts)
    assert [row["code"] for row in outcomes(complaints)] == ["complaint_upheld"]


@pytest.mark.parametrize(
    ("others", "told"),
    [("chargeback_fraud", []), ("first_party", ["first_party"]), ("reviewed_genuine", ["correction_genuine"])],
)
def test_what_is_taken_back_leaves_what_the_others_say(complaints: Complaints, others: str, told: list[str]) -> None:
    worked_on(complaints, taken_in(complaints))
    journal, acts = Journal(complaints.database, Path()), acts_of(complaints)
    with complaints.database.transaction():
        subject = journal.get(1)
        journal.append_within(
            [outcome_about(subject, others, event_id="o", known_at=NOW, source="issuer", client="issuer")]
        )
        complaints.settle("complaint-1", upheld=True, at=NOW + 2 * HOUR, actor="lin", acts=acts)
        complaints.reopen("complaint-1", at=NOW + 3 * HOUR, actor="lin", reason="a receipt turned up")
        complaints.settle("complaint-1", upheld=False, at=NOW + 4 * HOUR, actor="lin", acts=acts)
    assert [row["code"] for row in outcomes(complaints)] == [others, "complaint_upheld", *told]
