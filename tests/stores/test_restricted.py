"""The restricted store: readable by its key, honest about tampering, and silent about whom it has forgotten."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from domain.errors import DataError, Unavailable
from stores.restricted import PLATFORM, RestrictedStore


@pytest.fixture
def store(tmp_path):
    made = RestrictedStore(tmp_path / "restricted", bytes(32))
    for number in range(6):
        made.append("note", f"token-{number % 2}", {"said": f"secret {number}"}, made_by="wen", made_at=number)
    made.append("screening", PLATFORM, {"n": 2}, made_by="wen", made_at=6)
    return made


def test_it_comes_back_as_it_was_written(store):
    assert [record.body["said"] for record in store.read("note", "token-1")] == ["secret 1", "secret 3", "secret 5"]
    assert [record.made_at for record in store.read(before=3)] == [0, 1, 2]
    assert store.verify() == []
    assert store.verify(7) == []


def test_nobody_else_may_look_into_its_folder(store):
    assert stat.S_IMODE(store.database.path.parent.stat().st_mode) == 0o700


def test_no_word_of_it_lies_in_the_file(store):
    store.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"secret" not in b"".join(path.read_bytes() for path in store.database.path.parent.iterdir())


def test_another_key_opens_nothing(store):
    store.close()
    other = RestrictedStore(store.database.path.parent, bytes([1] * 32))
    with pytest.raises(DataError, match="the key this store was written with"):
        other.read()
    assert len(other.verify()) == 7


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("UPDATE record SET made_by = 'eve' WHERE n_link = 3", "record 3"),
        ("UPDATE record SET body = (SELECT body FROM record WHERE n_link = 4) WHERE n_link = 2", "record 2"),
        ("DELETE FROM record WHERE n_link = 3", "deleted"),
        ("UPDATE record SET made_at = 99 WHERE n_link = 7", "record 7"),
    ],
)
def test_tampering_is_told(store, sql, word):
    store.database.execute(sql)
    assert any(word in fault for fault in store.verify())


def test_a_cut_off_end_is_seen_against_what_an_access_found(store):
    store.database.execute("DELETE FROM record WHERE n_link = 7")
    assert store.verify() == []
    assert "cut off" in store.verify(7)[0]


def test_shredding_forgets_one_subject_and_breaks_no_link(store):
    assert store.shred("token-1")
    assert not store.shred("token-1")
    assert [record.body for record in store.read("note", "token-1")] == [None] * 3
    assert [record.body["said"] for record in store.read("note", "token-0")] == ["secret 0", "secret 2", "secret 4"]
    assert store.verify(7) == []
    store.append("note", "token-1", {"said": "a stranger"}, made_by="wen", made_at=9)
    assert [record.body for record in store.read("note", "token-1")] == [None, None, None, {"said": "a stranger"}]


def test_a_body_that_is_no_json_is_refused_and_nothing_is_written(store):
    with pytest.raises(DataError, match="JSON values"):
        store.append("note", "token-9", {"said": float("nan")}, made_by="wen", made_at=9)
    assert store.head()[0] == 7


def test_a_key_is_not_said_to_be_shredded_while_it_lies_in_the_log(tmp_path: Path) -> None:
    store, other = (RestrictedStore(tmp_path / "restricted", bytes(32)) for _ in range(2))
    store.append("note", "token-1", {"said": "seen"}, made_by="lin", made_at=1)
    store.database.wait_at_most(0.1)
    with other.database.reading():
        other.database.one("SELECT count(*) FROM record")
        with pytest.raises(Unavailable, match="a reader holds it"):
            store.shred("token-1")
        assert store.read("note")[0].body == {"said": "seen"}
    assert store.shred("token-1")
    for each in (store, other):
        each.close()
