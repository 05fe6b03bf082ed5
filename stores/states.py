"""State stores: records of bytes under keys, in namespaces that carry how far in the journal they have come.

A store knows nothing of features: what a record means, and whether it is whole, is the business of whoever packed it.

    save     records and mark together, or nothing; refused when somebody else has saved since
    read     some records, with the mark they belong to, at one moment
    erase    a key, in every namespace and for good: a later save of it is dropped
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.errors import DataError, expected_got


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a namespace has come.

    Parameters
    ----------
    seq : every event up to it is in the records.
    head : what the writer has to remember beside the records; opaque to the store.
    version : the number of saves so far; a save names the version it builds on.
    """

    seq: int
    head: bytes
    version: int


class Overtaken(DataError):  # noqa: N818 - says what happened
    """Somebody else has saved to the namespace since: read its mark, then decide what to write."""


class StateStore(Protocol):
    """What every store of states does. Use one per thread.

    A read or write that fails raises Unavailable; a namespace whose records have no mark raises DataError.
    """

    def mark(self, namespace: str) -> Mark | None:
        """How far a namespace has come; None when there is no such namespace."""

    def save(
        self, namespace: str, records: Mapping[str, bytes | None], *, seq: int, head: bytes = b"", after: int
    ) -> Mark:
        """Put records (None takes one away) and a new mark, all of it or nothing.

        Parameters
        ----------
        after : the version this save builds on; 0 makes the namespace.

        Raises
        ------
        Overtaken
            When the namespace has another version; nothing was written.
        """

    def read(self, namespace: str, keys: Sequence[str]) -> tuple[Mark, list[bytes | None]]:
        """The mark and the records of some keys, None where there is none.

        Raises
        ------
        DataError
            When there is no such namespace: that nothing is kept of a key, only a namespace can say.
        """

    def items(self, namespace: str) -> Iterator[tuple[str, bytes]]:
        """All records, in no order; compare `mark` before and after to know that nobody saved meanwhile."""

    def namespaces(self) -> dict[str, Mark]:
        """Every namespace with its mark."""

    def drop(self, namespace: str) -> None:
        """Forget a namespace."""

    def erase(self, keys: Sequence[str]) -> int:
        """Take keys out of every namespace, for good; returns the number of records that went."""

    def erased(self, after: int = 0) -> list[tuple[int, str]]:
        """Erased keys numbered above ``after``, in order: what a running service must forget too."""

    def close(self) -> None:
        """Let go of the store."""


def overtaken(namespace: str, after: int, found: int) -> Overtaken:
    """The refusal of a save that builds on an old version."""
    return Overtaken(expected_got(f"version {after}", found, f"state {namespace[:12]}…") + "; somebody else saved")


def unmarked(namespace: str) -> DataError:
    """A namespace that cannot be read as one."""
    return DataError(
        f"state {namespace[:12]}…: expected records with a mark, found none; build it with `assay features backfill`"
    )


class MemoryStates:
    """States in the memory of this process, shared by its threads.

    Examples
    --------
    >>> store = MemoryStates()
    >>> store.save("n", {"card_id=c1": b"1"}, seq=7, after=0).version
    1
    >>> store.read("n", ["card_id=c1", "card_id=c2"])
    (Mark(seq=7, head=b'', version=1), [b'1', None])
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks: dict[str, Mark] = {}
        self._records: dict[str, dict[str, bytes]] = {}
        self._erased: dict[str, int] = {}

    def mark(self, namespace: str) -> Mark | None:
        """See `StateStore`."""
        return self._marks.get(namespace)

    def save(
        self, namespace: str, records: Mapping[str, bytes | None], *, seq: int, head: bytes = b"", after: int
    ) -> Mark:
        """See `StateStore`."""
        with self._lock:
            before = self._marks.get(namespace)
            found = 0 if before is None else before.version
            if found != after:
                raise overtaken(namespace, after, found)
            kept = self._records.setdefault(namespace, {})
            for key, body in records.items():
                if body is None or key in self._erased:
                    kept.pop(key, None)
                else:
                    kept[key] = bytes(body)
            made = self._marks[namespace] = Mark(seq, head, after + 1)
            return made

    def read(self, namespace: str, keys: Sequence[str]) -> tuple[Mark, list[bytes | None]]:
        """See `StateStore`."""
        with self._lock:
            mark = self._marks.get(namespace)
            if mark is None:
                raise unmarked(namespace)
            kept = self._records[namespace]
            return mark, [kept.get(key) for key in keys]

    def items(self, namespace: str) -> Iterator[tuple[str, bytes]]:
        """See `StateStore`."""
        with self._lock:
            return iter(list(self._records.get(namespace, {}).items()))

    def namespaces(self) -> dict[str, Mark]:
        """See `StateStore`."""
        with self._lock:
            return dict(self._marks)

    def drop(self, namespace: str) -> None:
        """See `StateStore`."""
        with self._lock:
            self._marks.pop(namespace, None)
            self._records.pop(namespace, None)

    def erase(self, keys: Sequence[str]) -> int:
        """See `StateStore`."""
        with self._lock:
            gone = 0
            for key in keys:
                self._erased.setdefault(key, len(self._erased) + 1)
                gone += sum(kept.pop(key, None) is not None for kept in self._records.values())
            return gone

    def erased(self, after: int = 0) -> list[tuple[int, str]]:
        """See `StateStore`."""
        with self._lock:
            return [(number, key) for key, number in self._erased.items() if number > after]

    def close(self) -> None:
        """See `StateStore`."""
