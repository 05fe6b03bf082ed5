"""Tables are added in parts: what cuts them off, and who writes beside them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from domain.errors import Unavailable
from stores.database import Database
from stores.journal import Journal
from tests.stores.test_journal import asked


def inquiries(n: int) -> pa.Table:
    columns = {"event_id": [f"q{k}" for k in range(n)], "event_time": [*range(n)], "known_at": [*range(n)]}
    return pa.table({**columns, "borrower_id": ["b"] * n})


def test_tables_that_were_cut_off_leave_whole_parts_and_are_completed(tmp_path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from stores import segments as module
from stores.database import Database
from stores.journal import Journal
from tests.stores.test_journal_in_parts import inquiries
home = Path({str(tmp_path)!r})
journal = Journal(Database(home / "assay.db"), home / "journal", part_rows=3, rest=0)
honest, n = module.sync_folder, iter(range(99))
module.sync_folder = lambda folder: os._exit(9) if next(n) == 2 else honest(folder)
journal.append_tables({{"inquiry": inquiries(10)}}, "bank", {{"inquiry": "as told"}})
"""
    root = Path(__file__).parents[2]
    died = subprocess.run([sys.executable, "-c", program], cwd=root, check=False)
    assert died.returncode == 9
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal", part_rows=3, rest=0.0)
    assert journal.read("inquiry")["event_id"].to_pylist() == [f"q{n}" for n in range(6)]
    again = journal.append_tables({"inquiry": inquiries(10)}, "bank", {"inquiry": "as told"})
    assert (again.n_new, again.n_duplicate, again.last_seq, again.kinds) == (4, 6, 10, {"inquiry": 4})
    assert journal.read("inquiry")["event_id"].to_pylist() == [f"q{n}" for n in range(10)]
    assert journal.read("inquiry")["seq"].to_pylist() == [*range(1, 11)]
    assert (journal.arrival().n_given, journal.arrival().n_arrived) == (10, 0)
    assert journal.verify() == []
    journal.database.close()


def test_a_store_that_is_taken_between_two_parts_is_told_with_what_is_there(tmp_path: Path) -> None:
    journal = Journal(Database(tmp_path / "assay.db", 0.2), tmp_path / "journal", part_rows=3, rest=0.3)
    other = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    ended = threading.Event()

    def take() -> None:
        while other.last_seq() == 0:
            time.sleep(0.01)
        with other.database.transaction():
            ended.wait(10)

    thread = threading.Thread(target=take)
    thread.start()
    try:
        with pytest.raises(Unavailable, match=r"of what was left; 3 events are in the journal, the same again adds"):
            journal.append_tables({"inquiry": inquiries(7)}, "bank")
    finally:
        ended.set()
        thread.join()
    assert journal.append_tables({"inquiry": inquiries(7)}, "bank").n_new == 4
    assert journal.read("inquiry")["event_id"].to_pylist() == [f"q{n}" for n in range(7)]
    for each in (journal, other):
        each.database.close()


def test_who_writes_beside_tables_has_its_turn_between_two_parts(tmp_path: Path) -> None:
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal", part_rows=500, rest=0.05)
    # Rows of before, which move into segments first: also a part at a time.
    journal.append([asked(f"before{n}", n) for n in range(1_700)])
    begun, over = threading.Event(), threading.Event()
    written: list[int] = []

    def write() -> None:
        other = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
        while not over.is_set():
            (appended,) = other.append([asked(f"beside{len(written)}", client="shop")])
            written.append(appended.seq)
            begun.set()
            time.sleep(0.001)
        other.database.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert begun.wait(10)
        first = journal.last_seq()
        done = journal.append_tables({"inquiry": inquiries(5_000)}, "bank")
    finally:
        over.set()
        thread.join()
    assert done.n_new == 5_000
    beside = [seq for seq in written if first < seq < done.last_seq]
    tables = [event.seq for event in journal.events() if event.client == "bank"]
    # It wrote within the numbers of the tables, between most of their ten parts.
    gaps = sum(later > earlier + 1 for earlier, later in pairwise(tables))
    assert gaps >= 5
    assert len(beside) >= 5
    found = journal.read("inquiry")["seq"].to_pylist()
    assert found == [*range(1, len(found) + 1)]
    assert journal.arrival().n_given == 5_000
    assert journal.verify() == []
    journal.database.close()
