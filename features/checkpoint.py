"""Checkpoints: what changed in a state, written to a store in slices, and a state made from them again.

1. begin    note the state's seq S and the entities changed since the last checkpoint
2. slice    copy some of them, each as it is now and with the seq it is complete up to; the state goes on between slices
3. save     every slice, sealed, under the old mark; the last one moves the mark to S
4. restore  all records; `OnlineState.follow` then replays what came after S, to each entity only what its record lacks

Because each record says how far it goes, a checkpoint that was cut off anywhere is a good one of the former mark.
"""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import DataError, Unavailable, expected_got
from domain.events import Event
from stores.journal import Journal
from stores.states import Overtaken, StateStore

if TYPE_CHECKING:
    from features.online import OnlineState

_HEAD = struct.Struct("<4sqqq16s")
_MAGIC = b"AsCp"
_TOGETHER = 64
"""Entities that are packed together at most."""
_SEALED, _ARRANGED = 32, 1_024
"""Records that are sealed, and keys that are looked at, without a pause: a tenth of a millisecond."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a state knows of itself beside its records.

    Parameters
    ----------
    newest : no record goes beyond it.
    clock, answers_after : see `features.holdings.Holdings`.
    witness : which event had the seq ``newest``.
    """

    newest: int
    clock: int
    answers_after: int
    witness: bytes

    def packed(self) -> bytes:
        """As bytes."""
        return _HEAD.pack(_MAGIC, self.newest, self.clock, self.answers_after, self.witness)

    @classmethod
    def of(cls, packed: bytes) -> Head:
        """From bytes.

        Raises
        ------
        DataError
            When they are no head.
        """
        if len(packed) != _HEAD.size or not packed.startswith(_MAGIC):
            raise DataError(
                "checkpoint: expected a head written by this version; run `assay features backfill --deployed`"
            )
        return cls(*_HEAD.unpack(packed)[1:])


@dataclass(frozen=True, slots=True)
class Slice:
    """Records to seal and save, and the mark to save them under; ``None`` takes a record away."""

    records: Mapping[str, bytes | None]
    seq: int
    head: bytes
    last: bool


class Taking:
    """A checkpoint being taken. All but `save` belongs to the thread that owns the state.

    Parameters
    ----------
    state : what to write; nothing of it is copied before its turn.
    """

    def __init__(self, state: OnlineState) -> None:
        self.state = state
        self._target = state.seq
        self._before = state.saved
        self._taken = state.holdings.take_changed()
        self._waiting = [(entity, keys, 0) for entity, keys in self._taken.items()]
        self._together = 1

    def arrange(self) -> None:
        """Put what waits in the order in which the store keeps it; for any thread, before the first slice.

        Tokens are as good as random: in the order of their changes each of some thousand records is written to another
        page of the store's index, all of whose pages are then written again with every megabyte of records.
        """
        arranged = []
        for entity, keys, _ in sorted(self._waiting, reverse=True):
            # A sort of all at once would keep the interpreter's lock from the state's thread for 30 ms.
            by_letter: dict[str, list[str]] = {}
            for n, key in enumerate(keys):
                by_letter.setdefault(key[:1], []).append(key)
                if n % _ARRANGED == 0:
                    time.sleep(0)
            for letter in sorted(by_letter, reverse=True):
                arranged.append((entity, sorted(by_letter[letter]), 0))
                time.sleep(0)
        self._waiting = arranged

    def slice(self, enough: Callable[[int], bool]) -> Slice:
        """The next records, until ``enough(bytes so far)`` or all are taken."""
        records: dict[str, bytes | None] = {}
        n_bytes, state = 0, self.state
        while self._waiting:
            entity, keys, start = self._waiting.pop()
            bodies = state.holdings.unsealed(entity, keys[start : start + self._together], state.seq)
            stop = start + len(bodies)
            if stop < len(keys):
                self._waiting.append((entity, keys, stop))
            records.update(zip((record_key(entity, key) for key in keys[start:stop]), bodies, strict=True))
            n_bytes += sum(len(body) for body in bodies if body is not None)
            # The first shows what there is, so that a short pause is kept.
            self._together = min(2 * self._together, _TOGETHER)
            if self._waiting and enough(n_bytes):
                before = 0 if self._before is None else self._before.seq
                return Slice(records, before, state.head().packed(), last=False)
        return Slice(records, self._target, state.head().packed(), last=True)

    def save(self, store: StateStore, part: Slice) -> None:
        """Write one slice; a state that has written nothing yet begins its namespace anew."""
        namespace = self.state.feature_set.hash
        if self._before is None:
            store.drop(namespace)
        after = 0 if self._before is None else self._before.version
        records = {}
        for n, (name, body) in enumerate(part.records.items()):
            records[name] = self.state.holdings.sealed(*entity_of(name), body)
            if n % _SEALED == 0:
                # The state's thread may want the interpreter's lock, which would be kept for some milliseconds.
                time.sleep(0)
        self._before = store.save(namespace, records, seq=part.seq, head=part.head, after=after)

    def done(self) -> None:
        """Note that all of it is in the store."""
        self.state.saved = self._before

    def failed(self, error: BaseException) -> None:
        """Note that it is not; the next checkpoint writes it, or all where somebody else has saved meanwhile."""
        if isinstance(error, Overtaken):
            self.state.start_over()
            return
        self.state.saved = self._before
        self.state.holdings.note_changed(self._taken)


def record_key(entity: str, key: str) -> str:
    """The key of an entity's record.

    Examples
    --------
    >>> record_key("card_id", "c=1"), entity_of("card_id=c=1")
    ('card_id=c=1', ('card_id', 'c=1'))
    """
    return f"{entity}={key}"


def entity_of(name: str) -> tuple[str, str]:
    """The entity of a record's key."""
    entity, _, key = name.partition("=")
    return entity, key


def write_checkpoint(state: OnlineState, store: StateStore, progress: Callable[[int], None] | None = None) -> int:
    """Write what changed since the last checkpoint, in slices of some megabytes; returns the bytes written."""
    taking = Taking(state)
    written = 0
    try:
        taking.arrange()
        while True:
            part = taking.slice(lambda n_bytes: n_bytes > 2**22)
            taking.save(store, part)
            written += sum(len(body) for body in part.records.values() if body is not None)
            if progress is not None:
                progress(len(part.records))
            if part.last:
                break
    except BaseException as error:
        taking.failed(error)
        raise
    taking.done()
    return written


def start_state(
    fresh: Callable[[], OnlineState], journal: Journal, store: StateStore | None, tell: Callable[[str], None]
) -> OnlineState:
    """A state in step with the journal: from its checkpoint where there is a good one, else from the whole journal.

    What was erased stays erased, whatever the journal still holds under its token.

    Parameters
    ----------
    tell : given the reason when there is a checkpoint that cannot be used.
    """
    state = fresh()
    erased: list[tuple[int, str]] = []
    if store is not None:
        try:
            erased = store.erased()
            if state.restore(store):
                state.follow(journal)
        except (DataError, Unavailable) as error:
            tell(str(error))
            state = fresh()
    state.warm(journal)
    for _, name in erased:
        state.holdings.forget(*entity_of(name))
    return state


def witness(client: str, event_id: str, kind: str, event_time: int) -> bytes:
    """Which event stands at a place of the journal, as 16 bytes."""
    told = f"{client}\0{event_id}\0{kind}\0{event_time}".encode()
    return hashlib.blake2b(told, digest_size=16).digest()


def witness_of(event: Event) -> bytes:
    """The same, of an event."""
    return witness(event.client, event.event_id, event.kind, event.event_time)


def witness_in(journal: Journal, seq: int) -> bytes:
    """The same, of the journal's event with a seq; zeros for the empty journal.

    Raises
    ------
    DataError
        When the journal has no such event.
    """
    if seq == 0:
        return bytes(16)
    row = journal.database.maybe("SELECT client, event_id, kind, event_time FROM event WHERE seq = ?", (seq,))
    if row is None:
        last = journal.last_seq()
        raise DataError(
            expected_got(f"a journal up to seq {seq}, as the state is", last, "state")
            + "; the journal was restored from a backup: the state must be rebuilt from it"
        )
    return witness(*row)


def check_witness(journal: Journal, seq: int, expected: bytes) -> None:
    """Refuse a journal in which another event has the seq.

    Raises
    ------
    DataError
        When it has: journal and state have parted.
    """
    if witness_in(journal, seq) != expected:
        raise DataError(
            f"state: expected the event that had seq {seq} when it was saved, the journal has another; "
            "the journal was restored or replaced: the state must be rebuilt from it"
        )


def in_batches(items: Iterable[tuple[str, bytes]], size: int) -> Iterable[dict[str, list[tuple[str, bytes]]]]:
    """Records by kind of entity, some at a time."""
    batch: dict[str, list[tuple[str, bytes]]] = {}
    n = 0
    for name, body in items:
        entity, key = entity_of(name)
        batch.setdefault(entity, []).append((key, body))
        n += 1
        if n == size:
            yield batch
            batch, n = {}, 0
    if batch:
        yield batch
