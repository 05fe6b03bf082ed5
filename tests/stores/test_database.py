"""One file, whole transactions, migrations from the first version on, errors that name the file."""

# ruff: noqa: PT012 - a transaction is several statements
from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from domain.errors import DataError, Unavailable
from stores.database import Database
from stores.migrations import MIGRATIONS


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "deep" / "folder" / "assay.db")
    yield made
    made.close()


def insert(database: Database, kind: str) -> None:
    database.execute("INSERT INTO extension VALUES (?, 'x_a', 'number')", (kind,))


def kinds(database: Database) -> list[str]:
    return [kind for (kind,) in database.execute("SELECT kind FROM extension ORDER BY kind")]


def test_a_new_file_has_the_newest_schema_and_survives(database: Database) -> None:
    assert database.one("PRAGMA user_version") == (len(MIGRATIONS),)
    assert database.one("PRAGMA journal_mode") == ("wal",)
    assert database.one("PRAGMA synchronous") == (2,), "an acknowledged transaction is on disk"
    assert database.one("PRAGMA foreign_keys") == (1,)
    assert database.one("PRAGMA secure_delete") == (1,)


def test_opening_again_migrates_nothing(database: Database) -> None:
    insert(database, "loan")
    again = Database(database.path)
    assert kinds(again) == ["loan"]
    again.close()


def test_the_bundled_sqlite_is_past_the_bug_of_several_writers() -> None:
    assert tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) >= (3, 51, 3)


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    with database.transaction():
        insert(database, "loan")
    with pytest.raises(ZeroDivisionError), database.transaction():
        insert(database, "inquiry")
        _ = 1 / 0
    assert kinds(database) == ["loan"]
    assert not database.connection.in_transaction


def test_an_interrupt_rolls_back_too(database: Database) -> None:
    with pytest.raises(KeyboardInterrupt), database.transaction():
        insert(database, "inquiry")
        raise KeyboardInterrupt
    assert kinds(database) == []


def test_a_broken_constraint_is_not_hidden(database: Database) -> None:
    with pytest.raises(apsw.ConstraintError), database.transaction():
        insert(database, "loan")
        insert(database, "loan")
    assert kinds(database) == []


def test_a_busy_store_is_unavailable_and_keeps_nothing(database: Database) -> None:
    other = Database(database.path, busy_seconds=0.05)
    with database.transaction():
        insert(database, "loan")
        with pytest.raises(Unavailable, match="nothing was written"), other.transaction():
            insert(other, "inquiry")
    assert kinds(other) == ["loan"]
    other.close()


def test_a_full_store_is_unavailable_and_keeps_nothing(database: Database) -> None:
    (n_pages,) = database.one("PRAGMA page_count")
    database.execute(f"PRAGMA max_page_count={n_pages + 2}")
    with pytest.raises(Unavailable, match="nothing was written"), database.transaction():
        for n in range(1000):
            insert(database, f"kind {n} " + "x" * 500)
    assert kinds(database) == []
    database.execute("PRAGMA max_page_count=1073741823")
    insert(database, "loan")
    assert kinds(database) == ["loan"]


def test_a_reader_sees_one_moment(database: Database) -> None:
    other = Database(database.path)
    with other.reading():
        assert kinds(other) == []
        insert(database, "loan")
        assert kinds(other) == []
        with other.reading():
            assert kinds(other) == []
    assert kinds(other) == ["loan"]
    other.close()


def test_reading_nests_inside_a_transaction(database: Database) -> None:
    with database.transaction():
        insert(database, "loan")
        with database.reading():
            assert kinds(database) == ["loan"]
        insert(database, "inquiry")
    assert kinds(database) == ["inquiry", "loan"]


def test_one_and_maybe(database: Database) -> None:
    assert database.maybe("SELECT 1 WHERE 0") is None
    assert database.maybe("SELECT 1 UNION SELECT 2") == (1,)
    assert database.one("SELECT 1 UNION SELECT 2") == (1,)
    # Neither leaves a statement open behind it.
    with database.transaction():
        insert(database, "loan")


def test_several_connections_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def open_one() -> None:
        try:
            Database(tmp_path / "assay.db").close()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            faults.append(error)

    threads = [threading.Thread(target=open_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_newer_file_is_left_alone(database: Database) -> None:
    database.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    with pytest.raises(DataError, match="upgrade this installation"):
        Database(database.path)
    assert database.one("PRAGMA user_version") == (len(MIGRATIONS) + 1,)


def test_every_migration_is_applied_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(tmp_path / "assay.db").close()
    added = "CREATE TABLE later (n INTEGER); INSERT INTO later VALUES (1);"
    monkeypatch.setattr("stores.database.MIGRATIONS", (*MIGRATIONS, added))
    for _ in range(2):
        database = Database(tmp_path / "assay.db")
        assert database.execute("SELECT n FROM later") == [(1,)]
        assert database.one("PRAGMA user_version") == (len(MIGRATIONS) + 1,)
        database.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(tmp_path / "assay.db").close()
    broken = "CREATE TABLE later (n INTEGER); INSERT INTO nowhere VALUES (1);"
    monkeypatch.setattr("stores.database.MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(Unavailable, match="nowhere"):
        Database(tmp_path / "assay.db")
    monkeypatch.undo()
    database = Database(tmp_path / "assay.db")
    assert database.one("PRAGMA user_version") == (len(MIGRATIONS),)
    assert database.maybe("SELECT 1 FROM sqlite_master WHERE name = 'later'") is None
    database.close()


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear customer, " * 100)
    (tmp_path / "folder.db").mkdir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "letter.db", tmp_path / "folder.db", tmp_path / "file" / "assay.db"):
        with pytest.raises(Unavailable, match="expected a SQLite file that can be written"):
            Database(path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "assay.db"
    Database(path).close()
    # The page of the schema, behind the file's header.
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 600)
    with pytest.raises(Unavailable, match=r"assay\.db"):
        Database(path).execute("SELECT count(*) FROM event")


def test_the_file_is_plain_sqlite(database: Database) -> None:
    insert(database, "loan")
    with sqlite3.connect(database.path) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()
