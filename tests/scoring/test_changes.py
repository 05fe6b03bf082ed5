"""A change needs two people, and what is altered behind their backs is found."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.errors import DataError, InputError
from scoring.changes import Change, Changes, State, Subject
from stores.database import Database
from stores.home import Home

LISTS, PAYMENT = Subject.LISTS, Subject.PAYMENT


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def changes(home: Home) -> Changes:
    return opened(home)


def opened(home: Home) -> Changes:
    ticks = iter(range(0, 10**12, 1_000_000))
    return Changes.open(home, Database(home.database), {}, lambda: next(ticks))


def test_one_proposes_and_another_approves(changes: Changes) -> None:
    assert changes.in_force(LISTS) is None
    first = changes.propose(LISTS, b"one", by="lin", why="fraud ring", summary="+1 block")
    assert (first.id, first.state, changes.in_force(LISTS)) == ("C1", State.OPEN, None)
    approved = changes.approve("c1", by="wang", file="f" * 64)
    assert (approved.state, approved.decided_by, approved.file) == (State.APPROVED, "wang", "f" * 64)
    assert changes.in_force(LISTS) == approved
    assert changes.in_force(PAYMENT) is None
    assert changes.content(approved.content) == b"one"
    second = changes.propose(LISTS, b"two", by="wang", why="more")
    assert second.before == first.content
    changes.reject(second.id, by="wang", why="taken back")
    assert changes.in_force(LISTS) == approved
    assert [each.state.value for each in changes.all()] == ["approved", "rejected"]


@pytest.mark.parametrize("name", ["lin", " LIN ", "Ｌｉｎ"])
def test_the_one_who_proposes_cannot_approve(changes: Changes, name: str) -> None:
    changes.propose(LISTS, b"one", by="Lin", why="x")
    with pytest.raises(InputError, match="somebody other than Lin, who proposed it"):
        changes.approve("C1", by=name)
    assert changes.in_force(LISTS) is None


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda made: made.propose(LISTS, b"two", by=" ", why="x"), "the one who proposes"),
        (lambda made: made.propose(LISTS, b"two", by="lin", why=" "), "a reason"),
        (lambda made: made.propose(LISTS, b"one", by="wu", why="x"), "nobody has proposed yet"),
        (lambda made: made.approve("C9", by="wang"), r"a change out of C1, got 'C9'"),
        (lambda made: made.approve("C1", by=""), "the one who approves"),
        (lambda made: made.reject("C1", by="wang", why=""), "a reason"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_written(
    changes: Changes, act: Callable[[Changes], object], message: str
) -> None:
    changes.propose(LISTS, b"one", by="lin", why="x")
    before = changes.all()
    with pytest.raises(InputError, match=message):
        act(changes)
    assert changes.all() == before


def test_a_change_is_decided_once_and_only_onto_what_is_in_force(changes: Changes) -> None:
    changes.propose(LISTS, b"one", by="lin", why="x")
    changes.propose(LISTS, b"two", by="wu", why="x")
    changes.approve("C1", by="wang")
    with pytest.raises(InputError, match="open change, it was approved by wang"):
        changes.approve("C1", by="wang")
    with pytest.raises(InputError, match="C1 was approved since; propose it again"):
        changes.approve("C2", by="wang")
    with pytest.raises(InputError, match="this is in force already as C1"):
        changes.propose(LISTS, b"one", by="lin", why="x")
    assert changes.in_force(LISTS).content == changes.all()[0].content  # type: ignore[union-attr]


def test_two_writers_cannot_both_win(changes: Changes, home: Home) -> None:
    """What each has checked may have passed before either wrote: the record itself decides."""
    changes.propose(LISTS, b"one", by="lin", why="x")
    changes.propose(LISTS, b"two", by="wu", why="x")
    changes._say(what="approved", change="C1", by="wang", at="t", why="", file="")
    changes._say(what="approved", change="C2", by="zhao", at="t", why="", file="")
    changes._say(what="approved", change="C2", by="wu", at="t", why="", file="")
    assert [each.state.value for each in changes.all()] == ["approved", "open"]
    assert changes.in_force(LISTS).id == "C1"  # type: ignore[union-attr]


def test_several_may_propose_the_very_same_at_once(home: Home) -> None:
    content, together = b"x" * 100_000, threading.Barrier(8)

    def propose(number: int) -> list[Change]:
        made = opened(home)
        together.wait()
        found = []
        for turn in range(5):
            # Whoever comes later is told that it is open already, and nothing else.
            with contextlib.suppress(InputError):
                found.append(made.propose(LISTS, content + bytes([turn]), by=f"c{number}", why="ring"))
        return found

    with ThreadPoolExecutor(8) as pool:
        proposed = [each for some in pool.map(propose, range(8)) for each in some]
    changes = opened(home)
    assert set(changes.all()) == set(proposed)
    assert {changes.content(each.content)[-1] for each in proposed} == set(range(5))
    assert len(list(home.changed_contents.iterdir())) == 5


def test_an_edit_of_the_record_is_found(changes: Changes, home: Home) -> None:
    changes.propose(LISTS, b"one", by="lin", why="x")
    changes.approve("C1", by="wang")
    whole = home.changes.read_text()
    home.changes.write_text(whole.replace("wang", "wong"))
    with pytest.raises(DataError, match=r"line 2: expected a signature that verifies"):
        changes.in_force(LISTS)
    with pytest.raises(DataError, match="line 2"):
        changes.propose(LISTS, b"two", by="lin", why="x")
    home.changes.write_text(whole)
    assert changes.in_force(LISTS) is not None


@pytest.mark.parametrize("kept", [0, 1])
def test_a_record_cut_off_at_its_end_is_found(changes: Changes, home: Home, kept: int) -> None:
    changes.propose(LISTS, b"one", by="lin", why="x")
    changes.approve("C1", by="wang")
    lines = home.changes.read_text().splitlines(keepends=True)
    home.changes.write_text("".join(lines[:kept]))
    with pytest.raises(DataError, match="its end was cut off"):
        changes.all()
    home.changes.unlink()
    with pytest.raises(DataError, match="its end was cut off"):
        opened(home).all()


def test_a_crash_between_line_and_head_loses_nothing(changes: Changes, home: Home) -> None:
    changes.propose(LISTS, b"one", by="lin", why="x")
    # The line is on disk, the head is not.
    changes._lines.append({"what": "approved", "change": "C1", "by": "wang", "at": "t", "why": "", "file": ""})
    assert opened(home).in_force(LISTS) is not None


def test_altered_content_is_found(changes: Changes, home: Home) -> None:
    change = changes.propose(LISTS, b"one", by="lin", why="x")
    path = home.changed_contents / f"{change.content}.json"
    path.write_bytes(b"uno")
    with pytest.raises(DataError, match="it was altered"):
        changes.approve("C1", by="wang")
    path.unlink()
    with pytest.raises(DataError, match="expected the content of a change"):
        changes.content(change.content)


def test_a_lost_key_condemns_nothing_by_itself(changes: Changes, home: Home) -> None:
    changes.propose(LISTS, b"one", by="lin", why="x")
    (home.keys / "changes.key").unlink()
    with pytest.raises(DataError, match=r"changes\.key: expected the key"):
        opened(home)
    assert json.loads(home.changes.read_text())["mac"]
