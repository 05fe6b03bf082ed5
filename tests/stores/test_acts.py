"""Acts stand in a chain of their own: every edit, deletion, swap and insertion is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from domain.errors import DataError
from stores.acts import Act, Acts
from stores.database import Database

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
