"""Acts stand in a chain of their own: every edit, deletion, swap and insertion is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from domain.errors import DataError
from stores.acts import Act, Acts
from stores.anchors import read_act_anchors, read_anchors
from stores.database import Database
from stores.ledger import Ledger

KEY = bytes(range(32))


@pytest.fixture
def acts(tmp_path: Path) -> Iterator[Acts]:
    database = Database(tmp_path / "assay.db")
    made = Acts(database, KEY)
    for number in range(1, 6):
        with database.transaction():
            made.append_within(Act(f"a{number}", "review_asked", f"d{number % 2}", number, "ann", {"note": number}))
    yield made
    database.close()


def test_they_are_read_back_as_they_were_appended(acts: Acts) -> None:
    assert [(act.act_id, act.n_link, act.body["note"]) for act in acts.about("d1")] == [
        ("a1", 1, 1), ("a3", 3, 3), ("a5", 5, 5),
    ]  # fmt: skip
    assert [act.act_id for act in acts.of("review_asked", after=2, limit=2)] == ["a3", "a4"]
    assert acts.of("another") == []
    assert acts.verify() == []


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE act SET body = '{\"note\":9}' WHERE n_link = 3",
        "UPDATE act SET actor = 'bob' WHERE n_link = 3",
        "UPDATE act SET at = 0 WHERE n_link = 3",
        "UPDATE act SET subject = 'd9' WHERE n_link = 3",
        "DELETE FROM act WHERE n_link = 3",
        "UPDATE act SET n_link = 99 WHERE n_link = 3",
        "INSERT INTO act SELECT 6, 'a6', kind, subject, at, actor, body, link FROM act WHERE n_link = 5",
    ],
)
def test_every_harm_is_told(acts: Acts, harm: str) -> None:
    acts.database.execute(harm)
    assert acts.verify()


def test_another_key_verifies_nothing(acts: Acts) -> None:
    assert len(Acts(acts.database, bytes(32)).verify()) == 5


def test_an_id_is_used_once(acts: Acts) -> None:
    with pytest.raises(apsw.ConstraintError), acts.database.transaction():
        acts.append_within(Act("a1", "review_asked", "d1", 9, "bob", {}))
    assert acts.verify() == []


def test_a_body_that_is_no_json_is_named(acts: Acts) -> None:
    acts.database.execute("UPDATE act SET body = 'x' WHERE n_link = 3")
    with pytest.raises(DataError, match="a3"):
        acts.about("d1")


def test_a_mark_needs_the_key_and_the_very_words(acts: Acts) -> None:
    assert acts.mark("a") == acts.mark("a") != acts.mark("b")
    assert acts.mark("a") != Acts(acts.database, bytes(32)).mark("a")


@pytest.mark.parametrize("kind", ["path", "url"])
def test_acts_that_were_cut_off_are_told_by_the_anchor(acts: Acts, tmp_path: Path, kind: str) -> None:
    where = str(tmp_path / "outside.jsonl") if kind == "path" else (tmp_path / "outside").as_uri()
    ledger = Ledger(acts.database, KEY)
    assert ledger.anchor(where, 1, acts.to_anchor()) == 0
    assert (acts.verify(where), ledger.verify(where)) == ([], [])
    acts.database.execute("DELETE FROM act WHERE n_link > 3")
    assert acts.verify() == []
    assert acts.verify(where) == [f"act 5: anchored in {where}, the chain ends at 3: cut off"]
    # Grown again, and anchored again, it is still told.
    with acts.database.transaction():
        for number in (4, 5):
            acts.append_within(Act(f"b{number}", "review_asked", "d", number, "eve", {}))
    ledger.anchor(where, 2, acts.to_anchor())
    (fault,) = acts.verify(where)
    assert fault.startswith("act 5: expected ")
    assert "as anchored" in fault
    acts.database.execute("DELETE FROM act WHERE n_link = 5")
    acts.database.execute("UPDATE act SET n_link = 7 WHERE n_link = 4")
    assert f"act 5: anchored in {where}, deleted" in acts.verify(where)


def test_an_anchor_of_before_says_nothing_of_acts(acts: Acts, tmp_path: Path) -> None:
    head = Ledger(acts.database, KEY).head()
    old = tmp_path / "anchors.jsonl"
    old.write_text(json.dumps({"n_link": head[0], "link": head[1].hex(), "at": 1}) + "\n")
    assert (read_anchors(old), read_act_anchors(old)) == ([(0, head[1].hex())], [])
    assert (acts.verify(old), Ledger(acts.database, KEY).verify(old)) == ([], [])
    with pytest.raises(DataError, match="anchor"):
        acts.verify(tmp_path / "absent")
    old.write_text('{"n_link": 0, "link": "ab", "acts": {"n_link": 1}}\n')
    with pytest.raises(DataError, match="anchor"):
        acts.verify(old)


def test_the_key_before_the_first_act_is_never_written_down(tmp_path: Path) -> None:
    database = Database(tmp_path / "empty.db")
    acts = Acts(database, KEY)
    assert acts.to_anchor() is None
    Ledger(database, KEY).anchor(tmp_path / "anchors.jsonl", 1, acts.to_anchor())
    assert acts.head()[1].hex() not in (tmp_path / "anchors.jsonl").read_text()
    database.close()
