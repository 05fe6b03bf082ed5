"""An upheld complaint through the real doors: the decision's review is open again, and the decision is as it was."""

from __future__ import annotations

from domain.matters import Step
from serving.books import Books
from stores.complaints import Complaints
from stores.matter_settings import ComplaintSettings
from stores.settings_files import load_settings
from tests.serving import world
from tests.serving.doors import Doors


def test_an_upheld_dispute_is_an_outcome_and_asks_for_a_review(doors: Doors) -> None:
    decided = {}
    for request in world.payment_stream(2, 5, world.START, prefix="up-"):
        answer = doors.pay(request)
        assert answer.status_code == 200
        decided[request["event_id"]] = answer.json()
    ids = sorted(decided)
    complaints = {}
    for event_id in ids:
        body = {"event_id": f"k-{event_id}", "complaint_class": "fraud_dispute", "subject_event_id": event_id}
        complaints[event_id] = doors.send("POST", "/v1/complaints", body).json()["complaint_id"]
    books = Books.open(doors.home, {}, 10.0)
    settings = load_settings(doors.configs / "complaints.yaml", ComplaintSettings)
    store = Complaints(books.journal, books.ledger, settings)
    for event_id, upheld in zip(ids, (True, False), strict=True):
        with books.database.transaction():
            store.matters.append_within(complaints[event_id], Step.TAKEN, at=doors.now + 1, actor="lin")
            store.settle(complaints[event_id], upheld=upheld, at=doors.now + 2, actor="lin", acts=books.acts)
    assert books.ledger.verify() == [] == books.acts.verify()
    (outcome,) = books.journal.read("outcome").to_pylist()
    books.close()
    assert (outcome["subject_event_id"], outcome["code"], outcome["known_at"]) == (
        ids[0], "complaint_upheld", doors.now + 2,
    )  # fmt: skip
    upheld, control = (decided[event_id]["decision_id"] for event_id in ids)
    (item,) = doors.send("GET", f"/v1/decisions/{upheld}/review", client="reviewer").json()["items"]
    assert (item["status"], item["asked_by"]) == ("open", "complaint")
    assert doors.send("GET", f"/v1/decisions/{control}/review", client="reviewer").json()["items"] == []
    assert doors.send("GET", f"/v1/decisions/{upheld}", client="flow").json() == decided[ids[0]]
    waiting = doors.send("GET", "/v1/reviews", client="reviewer").json()["items"]
    assert [each["decision_id"] for each in waiting] == [upheld]
