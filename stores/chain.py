"""The keyed chain of decisions, wherever its rows lie: in the ledger, or in what was exported of it.

link(n) = HMAC-SHA256(chain key, link(n - 1) || msgpack [n, every column of row n])
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from stores.keyed_hash import KeyedHash

_GENESIS = b"assay ledger 1"

Head = tuple[int, str]
"""Number and link (hex) of a decision that was the newest when somebody anchored it."""

Linked = tuple[int, bytes, tuple[Any, ...]]
"""Number, link and columns of one decision."""


def start_of_chain(key: bytes) -> bytes:
    """What stands before the first link."""
    return hmac.digest(key, _GENESIS, "sha256")


def link_of(keyed: KeyedHash, previous: bytes, n_link: int, row: Sequence[Any]) -> bytes:
    """The link of a row after another; ``keyed`` holds the chain's key."""
    return keyed(previous + msgspec.msgpack.encode((n_link, *row)))


def chain_faults(key: bytes, rows: Iterable[Linked], heads: Iterable[Head], anchor: object) -> tuple[list[str], Head]:
    """What is wrong with a chain, and the head it ends at.

    Parameters
    ----------
    rows : in the order of their numbers; a decision's id is the first of its columns.
    heads : anchored before; each must still be there.
    anchor : where they were anchored, for the messages.

    Examples
    --------
    >>> key = bytes(32)
    >>> first = link_of(KeyedHash(key), start_of_chain(key), 1, ("d1",))
    >>> chain_faults(key, [(1, first, ("d1",))], [(1, first.hex())], "outside")[0]
    []
    >>> chain_faults(key, [(1, first, ("d2",))], [], None)[0][0][:21]
    'link 1: expected the '
    >>> chain_faults(key, [], [(1, first.hex())], "outside")[0]
    ['link 1: anchored in outside, the chain ends at 0: cut off']
    """
    waiting = deque(sorted(set(heads)))
    keyed = KeyedHash(key)
    expected, link = 0, start_of_chain(key)
    faults = _missing(waiting, 0, link)
    for n_link, stored, row in rows:
        if n_link != expected + 1:
            faults.append(f"link {expected + 1}: expected a decision, got {n_link} next: deleted")
        if not hmac.compare_digest(link_of(keyed, link, n_link, row), stored):
            faults.append(
                f"link {n_link}: expected the hash of decision {row[0]} and the link before it, "
                "got another: edited, moved, or its neighbour deleted"
            )
        faults += _missing(waiting, n_link, stored)
        # Going on from the stored link names each broken place once.
        expected, link = n_link, stored
    faults += [f"link {n_link}: anchored in {anchor}, the chain ends at {expected}: cut off" for n_link, _ in waiting]
    return faults, (expected, link.hex())


def _missing(heads: deque[Head], at: int, link: bytes) -> list[str]:
    """Take the anchored heads up to ``at``; tell those that are not the link found there."""
    faults = []
    while heads and heads[0][0] <= at:
        n_link, anchored = heads.popleft()
        if (n_link, anchored) != (at, link.hex()):
            faults.append(f"link {n_link}: expected {anchored[:12]}… as anchored, got {link.hex()[:12]}… at {at}")
    return faults
