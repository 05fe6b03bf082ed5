"""Randomness that is drawn many at a time is given once: to threads, and to a process and its child."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from stores.chance import Chance


def test_threads_are_given_nothing_twice() -> None:
    chance = Chance(8)
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: [chance() for _ in range(2_000)], range(8)))
    pieces = [piece for each in given for piece in each]
    assert len(set(pieces)) == 16_000
    assert {len(piece) for piece in pieces} == {8}


def test_a_child_is_not_given_what_its_parent_will_give() -> None:
    chance = Chance(16)
    first = chance()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"".join(chance() for _ in range(63)))
        os._exit(0)
    os.waitpid(child, 0)
    given = os.read(read, 63 * 16)
    os.close(read)
    os.close(write)
    mine = {first, *(chance() for _ in range(63))}
    theirs = {given[at : at + 16] for at in range(0, len(given), 16)}
    assert len(mine) == 64
    assert len(theirs) == 63
    assert not mine & theirs
