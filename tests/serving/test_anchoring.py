"""A service with an anchor configured writes its head outside by itself, and goes on where it cannot."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from stores.anchors import read_act_anchors, read_anchors
from tests.serving import world
from tests.serving.doors import Doors


def within(seconds: float, holds: Callable[[], object]) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def pay(doors: Doors, *names: str) -> None:
    (request,) = world.payment_stream(1, 3, world.START)
    for name in names:
        assert doors.pay({**request, "event_id": name}).status_code == 200


def test_the_head_is_anchored_while_it_runs_and_when_it_stops(tmp_path: Path) -> None:
    where = (tmp_path / "outside").as_uri()
    doors = Doors(tmp_path, products=(), settings={"anchor": json.dumps(where), "anchor_every": "1s"})
    try:
        pay(doors, "a-1", "a-2")
        assert within(20, lambda: list((tmp_path / "outside").glob("000000000002-*.json")))
        assert "assay_anchored_link 2.0" in doors.send("GET", "/v1/metrics", client="metrics").text
        pay(doors, "a-3")
        assert within(20, lambda: list((tmp_path / "outside").glob("000000000003-*.json")))
        # No decision since: an act alone is anchored too.
        turn = {"on": False, "reason": "a test"}
        assert doors.send("POST", "/v1/admin/kill", turn, client="admin").status_code == 200
        assert within(20, lambda: read_act_anchors(where))
        assert doors.send("POST", "/v1/admin/kill", turn, client="admin").status_code == 200
        doors.runtime.stop()
        assert [n_link for n_link, _ in read_act_anchors(where)] == [1, 2]
        assert read_anchors(where)[-1][0] == 3
        books = doors.engine._books()
        try:
            assert books.ledger.verify(where) == []
            books.database.execute("DELETE FROM decision WHERE n_link = 3")
            assert books.ledger.verify() == []
            assert any("cut off" in fault for fault in books.ledger.verify(where))
            assert books.acts.verify(where) == []
            books.database.execute("DELETE FROM act WHERE n_link = 2")
            assert books.acts.verify() == []
            assert any("act 2: anchored" in fault for fault in books.acts.verify(where))
        finally:
            books.close()
    finally:
        doors.close()


def test_a_place_that_takes_no_anchor_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_text("a file")
    where = str(tmp_path / "in-the-way" / "anchors.jsonl")
    doors = Doors(tmp_path, products=(), settings={"anchor": json.dumps(where), "anchor_every": "1s"})
    try:
        assert within(20, lambda: "not_anchored" in doors.log.getvalue())
        pay(doors, "b-1")
        text = doors.send("GET", "/v1/metrics", client="metrics").text
        assert "assay_failed_anchors_total 0.0" not in text
        assert "assay_failed_anchors_total" in text
    finally:
        doors.close()
