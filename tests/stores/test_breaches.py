"""The store of breaches: append-only, a chunk once, and every breach is its notes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from domain.errors import DataError, InputError
from stores.breaches import Breaches, KeptReading, Note
from stores.database import Database


@pytest.fixture(name="store")
def _store(tmp_path: Path):
    database = Database(tmp_path / "assay.db")
    yield Breaches(database)
    database.close()


def reading(until: int, value: float | None = 2.0, place: str = "") -> KeptReading:
    return KeptReading("alert_rate", place, until - 10, until, value, 50, None, None, False, "observed", "")


def write(store: Breaches, *notes: Note) -> None:
    with store.database.transaction():
        for note in notes:
            store.note_within(note)


def note(turn: str, at: int, level: str = "warning", breach: str = "aa11", *, restricted: bool = False) -> Note:
    return Note(breach, "alerts", "alert_rate", "", turn, at, level, 2.5, restricted)


def test_a_chunk_is_kept_once(store):
    for expected in (True, False):
        with store.database.transaction():
            assert store.keep_within("alert_rate", 10, [reading(10, place="a"), reading(10, None, "b")], 99) is expected
    assert store.readings("alert_rate") == [reading(10, place="a"), reading(10, None, "b")]
    assert store.newest_run("alert_rate") == 10
    assert store.readings("alert_rate", place="b", until=9) == []


def test_a_chunk_that_said_nothing_was_read_all_the_same(store):
    with store.database.transaction():
        assert store.keep_within("alert_rate", 10, [], 99)
    assert store.newest_run("alert_rate") == 10


def test_a_breach_is_its_notes_at_any_time(store):
    write(store, note("raised", 10, "attention"), note("worse", 20, "high"), note("cleared", 30, "high"))
    assert store.breaches(until=10) == []
    assert [(each.level, each.cleared_at) for each in store.open(until=11)] == [("attention", None)]
    assert [each.level for each in store.open(until=21)] == ["high"]
    assert store.open() == []
    (whole,) = store.breaches()
    assert (whole.raised_at, whole.cleared_at, whole.level) == (10, 30, "high")


def test_who_acknowledges_is_named_and_a_later_name_takes_over(store):
    write(store, note("raised", 10))
    assert store.acknowledge("aa", " lin ", "looking", 12).acknowledged_by == "lin"
    store.acknowledge("aa11", "wang", "", 13)
    (opened,) = store.open()
    assert (opened.acknowledged_by, opened.acknowledged_at, opened.cleared_at) == ("wang", 13, None)
    assert [each.by for each in store.notes()] == ["", "lin", "wang"]


def test_what_cannot_be_acknowledged_is_said_and_nothing_written(store):
    write(store, note("raised", 10), note("raised", 10, breach="aa22"), note("raised", 10, breach="bb"))
    write(store, note("cleared", 20, breach="bb"))
    for breach, by, said in (("aa", "lin", "2 found"), ("zz", "lin", "0 found"), ("", "lin", "0 found"),
                             ("bb", "lin", "cleared")):  # fmt: skip
        with pytest.raises(DataError, match=said):
            store.acknowledge(breach, by, "", 30)
    with pytest.raises(InputError, match="the name of who acknowledges"):
        store.acknowledge("aa11", " ", "", 30)
    assert len(store.notes()) == 4


@pytest.mark.parametrize(
    "sql", ["UPDATE breach_note SET level = 'attention'", "DELETE FROM breach_note", "UPDATE reading SET value = 0"]
)
def test_nothing_written_is_changed(store, sql):
    write(store, note("raised", 10))
    with store.database.transaction():
        store.keep_within("alert_rate", 10, [reading(10)], 99)
    with pytest.raises(apsw.ConstraintError, match="never"):
        store.database.execute(sql)


def test_the_restricted_class_is_shown_only_where_asked_for(store):
    write(store, note("raised", 10, restricted=True))
    assert store.open() == store.notes() == []
    assert len(store.open(restricted=True)) == 1
    assert store.unsent("file", ["warning"]) == []
    # Nor does a guess at its id name it to whoever takes breaches on.
    with pytest.raises(DataError, match="0 found"):
        store.acknowledge("aa", "lin", "", 12)
    assert store.acknowledge("aa", "wen", "", 12, restricted=True).acknowledged_by == "wen"


def test_a_sink_is_told_what_it_was_not_told(store):
    write(store, note("raised", 10), note("raised", 10, "attention", breach="bb"))
    (first,) = store.unsent("desk", ["warning", "high"])
    store.sent("desk", first, 50)
    assert store.unsent("desk", ["warning", "high"]) == []
    assert len(store.unsent("file", ["attention", "warning", "high"])) == 2


def test_the_value_of_a_breach_is_the_one_that_reached_its_level(store):
    values = {"raised": ("attention", 4.0), "worse": ("high", 27.0), "cleared": ("high", 0.0)}
    write(store, *(replace(note(turn, at, level), value=value)
                   for at, (turn, (level, value)) in enumerate(values.items(), 10)))  # fmt: skip
    told = [[(each.level, each.value) for each in store.breaches(until=at)] for at in (11, 12, 13)]
    assert told == [[("attention", 4.0)], [("high", 27.0)], [("high", 27.0)]]
    assert [each.value for each in store.notes()] == [4.0, 27.0, 0.0]
