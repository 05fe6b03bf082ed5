"""Whoever writes the same name at the same moment: nobody's work is lost, and no lock is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.errors import Unavailable
from stores.whole_files import only_writer, write_once, write_whole

HOLD = """
import sys
from pathlib import Path
from stores.whole_files import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_what_is_read_changed_and_written_back_is_never_lost(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_text("0")

    def count(_: int) -> None:
        for _ in range(20):
            with only_writer(path, wait=True):
                write_whole(path, str(int(path.read_text()) + 1).encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert path.read_text() == "160"
    assert [each.name for each in tmp_path.iterdir()] == ["count"]


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ)
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(Unavailable, match="expected to be the only one who writes it"), only_writer(path):
        pass
    holder.kill()
    holder.wait()
    with only_writer(path):
        pass
    holder.stdin.close()
    holder.stdout.close()
    assert not list(tmp_path.iterdir())


def test_the_first_of_many_stays(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: (write_once(path, bytes([number])), path.read_bytes())[1], range(8)))
    assert len(set(found)) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
