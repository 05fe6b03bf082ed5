"""Folding the log waits for who is copying it back; a reader that stays is told."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from domain.errors import Unavailable
from stores.database import Database

TABLE = ("CREATE TABLE kept (n INTEGER PRIMARY KEY, text BLOB NOT NULL)",)


def test_it_waits_for_who_is_copying_the_log_back(tmp_path: Path) -> None:
    """As the thread of a running service does; a checkpoint that waits for a writer holds its lock for long."""
    database, writer = (Database(tmp_path / "kept.db", 30.0, TABLE) for _ in range(2))

    def copy_back() -> None:
        mine = Database(tmp_path / "kept.db", 30.0, TABLE)
        # Busy at once when the look below was there first.
        while mine.one("PRAGMA wal_checkpoint(FULL)")[0]:
            time.sleep(0.001)
        mine.close()

    copying = threading.Thread(target=copy_back)
    with writer.transaction():
        writer.execute("INSERT INTO kept (text) VALUES ('x')")
        copying.start()
        until = time.monotonic() + 30
        while not database.one("PRAGMA wal_checkpoint(PASSIVE)")[0]:
            assert time.monotonic() < until
            time.sleep(0.01)
        folding = threading.Thread(target=fold, args=(tmp_path, said := []))
        folding.start()
        time.sleep(0.1)
    copying.join()
    folding.join()
    assert said == ["folded"]
    assert (tmp_path / "kept.db-wal").stat().st_size == 0
    writer.close()
    database.close()


def fold(folder: Path, said: list[str]) -> None:
    database = Database(folder / "kept.db", 30.0, TABLE)
    try:
        database.fold_log("what was deleted")
        said.append("folded")
    except Unavailable as error:
        said.append(str(error))
    database.close()


def test_a_reader_that_stays_is_told(tmp_path: Path) -> None:
    database, reader = (Database(tmp_path / "kept.db", 0.2, TABLE) for _ in range(2))
    with reader.reading():
        reader.one("SELECT count(*) FROM kept")
        with database.transaction():
            database.execute("INSERT INTO kept (text) VALUES ('x')")
        with pytest.raises(Unavailable, match="a reader holds it"):
            database.fold_log("what was deleted")
    database.fold_log("what was deleted")
    reader.close()
    database.close()
