"""Arrays that grow where they lie."""

from __future__ import annotations

import mmap
import subprocess
import sys

import numpy as np
import pytest

from features import room as room_file
from features.room import Room


def test_what_is_there_is_not_moved_and_what_is_added_is_zero() -> None:
    room = Room(10, 3)
    seen = [room.lines]
    room.lines[:] = 7
    for _ in range(50):
        room.grow(1_000)
        assert not room.lines[-1_000:].any()
        room.lines[-1_000:] = 7
        seen.append(room.lines)
    assert room.lines.shape == (50_010, 3)
    assert (room.lines == 7).all()
    assert {each.ctypes.data for each in seen} == {room.lines.ctypes.data}
    assert room.lines.flags.c_contiguous
    assert room.lines.flags.writeable


def test_beyond_what_was_set_aside_everything_is_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_file, "_ASIDE", mmap.PAGESIZE)
    room, places = Room(0, 2), set()
    for n in range(300):
        room.grow(7)
        room.lines[-7:] = n
        places.add(room.lines.ctypes.data)
    assert (room.lines[:, 0] == np.repeat(np.arange(300), 7)).all()
    assert 1 < len(places) < 10


def test_nothing_is_set_aside_where_the_system_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_file, "_pages", lambda n_bytes: asked.append(n_bytes) or mmap.mmap(-1, n_bytes))
    asked: list[int] = []
    monkeypatch.setattr(room_file, "_counts_address_space", lambda: True)
    room = Room(1_000, 2)
    room.lines[:] = 5
    room.grow(1_000)
    assert asked == [16_000, 64_000]
    assert room.lines[:, 0].tolist() == [5] * 1_000 + [0] * 1_000


def test_where_address_space_is_short_it_does_with_what_it_needs() -> None:
    program = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, resource.RLIM_INFINITY))
from features.room import Room
room = Room(1_000, 2)
room.lines[:] = 5
room.grow(500_000)
assert room.lines.sum() == 10_000, room.lines.sum()
try:
    room.grow(2**30)
except MemoryError as error:
    print(error)
assert len(room.lines) == 501_000
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert "address space" in done.stdout
