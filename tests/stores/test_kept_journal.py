"""A journal read once says what the journal says, of the moment at which it was taken, however it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InputError
from stores.database import Database
from stores.journal import Journal
from stores.kept_journal import KeptJournal
from tests.stores.decisions import application, payment

COLUMNS = ("seq", "event_id", "amount", "known_at", "currency")
ASKED = st.lists(
    st.tuples(
        st.sampled_from(("transaction", "application", "loan")),
        st.integers(0, 14),
        st.none() | st.integers(0, 14),
        st.none() | st.lists(st.sampled_from(COLUMNS), min_size=1, unique=True),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module", name="journal")
def _journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    """Twelve events over two segments and a tail."""
    folder = tmp_path_factory.mktemp("kept")
    database = Database(folder / "assay.db")
    journal = Journal(database, folder / "journal")
    for number in range(12):
        journal.append([payment(f"p{number}") if number % 3 else application(f"a{number}")])
        if number in (3, 7):
            journal.flush()
    yield journal
    database.close()


@given(ASKED)
def test_whatever_is_asked_it_answers_as_the_journal(journal: Journal, asked: list[Any]) -> None:
    kept = KeptJournal.of(journal)
    for kind, after, upto, columns in asked:
        given_ = {"after": after, "upto": upto, "columns": columns}
        assert kept.read(kind, **given_).equals(journal.read(kind, **given_))


def test_what_arrives_later_is_for_the_next_one(tmp_path: Path) -> None:
    database = Database(tmp_path / "assay.db")
    journal = Journal(database, tmp_path / "journal")
    journal.append([payment("p1")])
    kept = KeptJournal.of(journal)
    journal.append([payment("p2")])
    journal.flush()
    assert kept.read("transaction")["event_id"].to_pylist() == ["p1"]
    assert KeptJournal.of(journal).read("transaction")["event_id"].to_pylist() == ["p1", "p2"]
    database.close()


def test_a_column_that_is_not_there_is_refused(journal: Journal) -> None:
    with pytest.raises(InputError, match="expected columns out of"):
        KeptJournal.of(journal).read("transaction", columns=["made_up"])
