"""Commits leave the write-ahead file to a thread, which copies it back, survives a refusal, and lets it begin anew."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from serving.engine import Engine
from serving.logs import json_logger
from serving.write_back import PAGES, WriteBack, left_to_write_back
from stores.database import Database
from stores.home import Home
from tests.serving import world
from tests.serving.doors import Doors

TABLE = ("CREATE TABLE kept (n INTEGER PRIMARY KEY, text BLOB NOT NULL)",)
PAGE = 4_096


def test_the_thread_copies_what_the_commits_leave(tmp_path: Path) -> None:
    database = _database(tmp_path)
    left_to_write_back(database)
    n_rows = 3_000
    _fill(database, n_rows)
    # Three times what SQLite would have copied by itself lies in the write-ahead file alone.
    assert _wal_pages(tmp_path) > n_rows
    before = (tmp_path / "kept.db").stat().st_size
    assert before < n_rows * PAGE
    _written_back(tmp_path, lambda: (tmp_path / "kept.db").stat().st_size > n_rows * PAGE)
    # Nothing is left to copy: the next commit begins the file anew, and what was in it is still there.
    assert _in_the_file_alone(tmp_path) == n_rows
    wal = (tmp_path / "kept.db-wal").stat().st_size
    _fill(database, 10)
    assert (tmp_path / "kept.db-wal").stat().st_size == wal
    assert database.one("SELECT count(*) FROM kept") == (n_rows + 10,)
    database.close()


def test_without_the_thread_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    database = _database(tmp_path)
    left_to_write_back(database)
    for _ in range(3):
        _fill(database, PAGES)
    assert _wal_pages(tmp_path) < 1.5 * PAGES
    database.close()


def test_a_refusal_is_told_once_and_tried_again(tmp_path: Path) -> None:
    database = _database(tmp_path)
    left_to_write_back(database)
    _fill(database, 100)
    log = io.StringIO()
    wrong = [True]

    def opened() -> Database:
        # A folder stands where the file should be until somebody puts it right.
        return Database(tmp_path if wrong[0] else tmp_path / "kept.db", 1.0, TABLE)

    thread = WriteBack(opened, log=json_logger(log), every=0.01)
    thread.start()
    assert _within(lambda: "not_written_back" in log.getvalue())
    time.sleep(0.1)
    wrong[0] = False
    assert _within(lambda: _in_the_file_alone(tmp_path) == 100)
    thread.stop()
    assert log.getvalue().count("not_written_back") == 1
    database.close()


def test_the_service_runs_it(tmp_path: Path) -> None:
    doors = Doors(tmp_path, products=())
    try:
        for number, request in enumerate(world.payment_stream(20, 3, world.START)):
            assert doors.pay({**request, "event_id": f"w-{number}"}).status_code == 200
        copied = tmp_path / "copy.db"

        def all_there() -> bool:
            # The database without its write-ahead file, as it stands on disk.
            return _counted(doors.home.database, copied, "decision") == 20

        assert _within(all_there)
    finally:
        doors.close()


def test_the_collector_rests_before_the_doors_open() -> None:
    code = (
        "import gc; from serving.lifetime import never_scanned_again; kept = [[] for _ in range(100_000)];"
        "never_scanned_again(); assert gc.get_freeze_count() > 100_000; assert len(gc.get_objects()) < 10_000"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert gc.get_freeze_count() == 0, "in the tests themselves nothing is frozen"


def test_what_goes_before_the_doors_goes_before_them(tmp_path: Path) -> None:
    told: list[bool] = []
    engine = Engine(
        Home(tmp_path / "home"), world.CONFIGS, {}, log=json_logger(io.StringIO()), at_hand=list,
        before_doors=lambda: told.append(engine.ready),
    )  # fmt: skip
    engine.start()
    try:
        assert engine.committer.wait_ready(60)
        assert told == [False]
    finally:
        engine.stop()


# ------------------------------------------------------------------------ parts


def _database(folder: Path) -> Database:
    return Database(folder / "kept.db", 1.0, TABLE)


def _fill(database: Database, n: int) -> None:
    # A row fills a page, so pages can be counted.
    for _ in range(n // 10):
        with database.transaction():
            for _ in range(10):
                database.execute("INSERT INTO kept (text) VALUES (zeroblob(3900))")


def _wal_pages(folder: Path) -> int:
    return (folder / "kept.db-wal").stat().st_size // PAGE


def _in_the_file_alone(folder: Path) -> int:
    return _counted(folder / "kept.db", folder / "alone.db", "kept")


def _counted(path: Path, copied: Path, table: str) -> int:
    """Rows in the file without its write-ahead file; -1 where the thread was just writing it: half of a copy."""
    copied.write_bytes(path.read_bytes())
    database = apsw.Connection(str(copied))
    try:
        ((count,),) = database.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
        return int(count)
    except apsw.Error:
        return -1
    finally:
        database.close()
        for each in copied.parent.glob(f"{copied.name}*"):
            each.unlink()


def _written_back(folder: Path, holds: Callable[[], bool]) -> None:
    thread = WriteBack(lambda: _database(folder), log=json_logger(io.StringIO()), every=0.01)
    thread.start()
    assert _within(holds)
    thread.stop()


def _within(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False
