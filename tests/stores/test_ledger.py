"""The chain tells every kind of tampering, and nothing that was left alone."""

# ruff: noqa: S608 - tampering needs SQL made of column names
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from apsw import ConstraintError
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError
from domain.events import Event
from stores.database import Database
from stores.journal import Journal
from stores.ledger import Entry, Kept, Ledger

KEY = bytes(range(32))
COLUMNS = [field.name for field in fields(Entry)]
FREE = [name for name in COLUMNS if name not in ("seq", "decision_id")]  # these two are held by constraints as well


def entry(n: int, **other: object) -> Entry:
    made = Entry(
        decision_id=f"d{n}", seq=n, product="payment" if n % 2 else "loan", client="shop", event_id=f"e{n}",
        decided_at=1000 + n, model="m" * 64, action="approve", risk_grade="normal", raw_score=-3.0 + n, score=0.1,
        body=b'{"n":%d}' % n, timings=b"{}", vector=bytes(16),
    )  # fmt: skip
    return replace(made, **other)  # type: ignore[arg-type]


def ledger_of(folder: Path, n: int) -> Ledger:
    database = Database(folder / "assay.db")
    ledger = Ledger(database, KEY)
    with database.transaction():
        Journal(database, folder / "journal").append_within(
            [Event("inquiry", f"e{k}", k, k, {"borrower_id": "b"}, "shop") for k in range(1, n + 1)]
        )
        ledger.append_within([entry(k) for k in range(1, n + 1)])
    return ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = ledger_of(tmp_path, 6)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One ledger for the properties; each example undoes its own harm."""
    made = ledger_of(tmp_path_factory.mktemp("ledger"), 8)
    made.database.execute("PRAGMA foreign_keys=OFF")
    made.anchor(made.database.path.parent / "anchor.jsonl")
    yield made
    made.database.close()


def test_reads_back_what_was_appended(ledger: Ledger) -> None:
    assert ledger.get("d3") == entry(3)
    assert ledger.by_event("shop", "e3") == entry(3)
    assert ledger.by_event("other", "e3") is None
    assert ledger.get("d9") is None
    assert ledger.read("payment")["decision_id"].to_pylist() == ["d1", "d3", "d5"]
    assert ledger.read("payment", since=1003, until=1005)["n_link"].to_pylist() == [3]
    assert ledger.read("loan", since=9999).num_rows == 0
    assert ledger.verify() == []


def test_one_link_is_held_against_its_row_and_the_link_before_it(ledger: Ledger) -> None:
    assert [ledger.link_holds(f"d{n}") for n in range(1, 7)] == [(n, True) for n in range(1, 7)]
    ledger.database.execute("UPDATE decision SET action = 'decline' WHERE decision_id = 'd3'")
    assert ledger.link_holds("d3") == (3, False)
    assert ledger.link_holds("d4") == (4, True)
    ledger.database.execute("DELETE FROM decision WHERE decision_id = 'd5'")
    assert ledger.link_holds("d6") == (6, False)
    with pytest.raises(DataError, match="a decision of the ledger"):
        ledger.link_holds("d5")


def test_links_are_gapless_over_transactions(ledger: Ledger) -> None:
    database = ledger.database
    with pytest.raises(ConstraintError), database.transaction():
        ledger.append_within([entry(7), entry(8)])  # neither event is in the journal
    assert ledger.head()[0] == 6
    with database.transaction():
        Journal(database, Path()).append_within([Event("inquiry", "e7", 7, 7, {"borrower_id": "b"}, "shop")])
        ledger.append_within([entry(7, raw_score=-0.0, score=None, vector=None)])
    assert [n for (n,) in database.execute("SELECT n_link FROM decision ORDER BY 1")] == list(range(1, 8))
    assert ledger.verify() == []


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_score_that_cannot_be_read_back_is_refused(ledger: Ledger, wrong: float) -> None:
    with pytest.raises(DataError, match="finite"), ledger.database.transaction():
        ledger.append_within([entry(7, score=wrong)])


NEW_VALUES = {
    "decided_at": st.integers(-(2**62), 2**62),
    "raw_score": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "score": st.none() | st.floats(0, 1),
    "body": st.binary(max_size=20),
    "timings": st.binary(max_size=20),
    "vector": st.none() | st.binary(max_size=24),
}


@given(data=st.data(), n=st.integers(1, 8), column=st.sampled_from(FREE))
def test_every_edit_is_told(shared: Ledger, data: st.DataObject, n: int, column: str) -> None:
    value = data.draw(NEW_VALUES.get(column, st.text(max_size=8)))
    database = shared.database
    (before,) = database.one(f"SELECT {column} FROM decision WHERE n_link = ?", (n,))
    database.execute(f"UPDATE decision SET {column} = ? WHERE n_link = ?", (value, n))
    try:
        (after,) = database.one(f"SELECT {column} FROM decision WHERE n_link = ?", (n,))
        faults = shared.verify()
        assert bool(faults) == (type(after) is not type(before) or after != before)
        assert all(fault.startswith(f"link {n}:") for fault in faults)
    finally:
        database.execute(f"UPDATE decision SET {column} = ? WHERE n_link = ?", (before, n))


@given(kept=st.sets(st.integers(1, 8), max_size=7), renumber=st.booleans())
def test_every_deletion_is_told(shared: Ledger, kept: set[int], renumber: bool) -> None:
    database = shared.database
    rows = database.execute("SELECT * FROM decision ORDER BY n_link")
    database.execute(f"DELETE FROM decision WHERE n_link NOT IN ({','.join(map(str, kept)) or 0})")
    if renumber:
        for place, n in enumerate(sorted(kept), start=1):
            database.execute("UPDATE decision SET n_link = ? WHERE n_link = ?", (place, n))
    try:
        assert shared.verify(database.path.parent / "anchor.jsonl")
        # Without the anchor only a cut-off end goes unseen: exactly when a prefix is left.
        assert bool(shared.verify()) == (kept != set(range(1, len(kept) + 1)))
    finally:
        database.execute("DELETE FROM decision")
        database.connection.executemany(f"INSERT INTO decision VALUES ({','.join('?' * 16)})", rows)
    assert shared.verify(database.path.parent / "anchor.jsonl") == []


@given(order=st.permutations(range(1, 9)))
def test_every_reordering_is_told(shared: Ledger, order: list[int]) -> None:
    database = shared.database
    rows = database.execute("SELECT * FROM decision ORDER BY n_link")
    database.execute("DELETE FROM decision")
    moved = [(n, *row[1:]) for n, row in zip(order, rows, strict=True)]
    database.connection.executemany(f"INSERT INTO decision VALUES ({','.join('?' * 16)})", moved)
    try:
        assert bool(shared.verify()) == (list(order) != list(range(1, 9)))
    finally:
        database.execute("DELETE FROM decision")
        database.connection.executemany(f"INSERT INTO decision VALUES ({','.join('?' * 16)})", rows)


def test_a_forger_without_the_key_is_told(ledger: Ledger) -> None:
    database = ledger.database
    rows = database.execute(f"SELECT {', '.join(COLUMNS)} FROM decision ORDER BY n_link")
    database.execute("DELETE FROM decision")
    with database.transaction():
        Ledger(database, bytes(32)).append_within([Entry(*row) for row in rows])
    assert len(ledger.verify()) == 6


def test_a_tail_cut_off_and_grown_again_is_told_by_the_anchor(ledger: Ledger, tmp_path: Path) -> None:
    anchor = tmp_path / "outside" / "anchor.jsonl"
    assert ledger.anchor(anchor) == 6
    ledger.database.execute("DELETE FROM decision WHERE n_link > 4")
    with ledger.database.transaction():
        ledger.append_within([entry(5), entry(6, action="decline")])
    assert ledger.verify() == []
    assert any("as anchored" in fault for fault in ledger.verify(anchor))
    # Anchoring afterwards does not wash the older head away.
    ledger.anchor(anchor)
    assert ledger.verify(anchor)


def test_an_absent_or_broken_anchor_is_not_taken_as_all_well(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="anchor"):
        ledger.verify(tmp_path / "absent")
    (tmp_path / "broken").write_text('{"n_link": 1}\n')
    with pytest.raises(DataError, match="anchor"):
        ledger.verify(tmp_path / "broken")


def test_artifacts_are_kept_once_and_checked(ledger: Ledger) -> None:
    with ledger.database.transaction():
        first = ledger.put_artifact_within("policy", b"version: 1")
        assert ledger.put_artifact_within("policy", b"version: 1") == first
    assert ledger.artifact(first) == b"version: 1"
    with pytest.raises(DataError, match="expected an artifact"):
        ledger.artifact("0" * 64)
    ledger.database.execute("UPDATE artifact SET content = ?", (b"version: 2",))
    with pytest.raises(DataError, match="altered"):
        ledger.artifact(first)
    assert ledger.verify()


def test_answers_are_kept_per_client_and_forgotten_by_age(ledger: Ledger) -> None:
    with ledger.database.transaction():
        ledger.remember_within(
            [Kept("shop", "k", b"r" * 32, 200, b"answer", 50), Kept("bank", "k", b"s" * 32, 202, b"other", 90)]
        )
    assert ledger.recall("shop", "k").response == b"answer"  # type: ignore[union-attr]
    assert ledger.recall("bank", "k").status == 202  # type: ignore[union-attr]
    assert ledger.recall("cafe", "k") is None
    ledger.forget_within(60)
    assert ledger.recall("shop", "k") is None
    assert ledger.recall("bank", "k") is not None
