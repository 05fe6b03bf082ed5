"""One state for several workers or hosts: read from a shared store, request by request, through the same kernel.

A request costs one read of the entities it names; an event one read and one save, refused when another worker's came
first. The store's mark says up to which event the records go: a worker that is behind or ahead of it is told, and
nothing is ever answered from a state that is not exactly that of its moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from domain.errors import DataError, expected_got
from domain.events import Event
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from features.checkpoint import Head, record_key
from features.online import OnlineState, Vector
from features.state_packing import unpack
from stores.journal import Journal
from stores.states import Mark, StateStore


class SharedState(OnlineState):
    """An `OnlineState` whose entities lie in a store; the namespace is built by `assay features backfill`.

    Parameters
    ----------
    store : where they lie; one per thread.

    Raises
    ------
    DataError
        From every read: when the namespace is missing, not complete, or a record of it damaged.
    Unavailable
        When the store does not answer.
    """

    def __init__(
        self, feature_set: FeatureSet, platform: PlatformSettings, store: StateStore, cache: Path | None = None
    ) -> None:
        super().__init__(feature_set, platform, cache)
        self._store = store

    def vector(self, event: Event) -> Vector:
        """Features of a request; as `OnlineState.vector`.

        Raises
        ------
        DataError
            When the request is numbered and the state does not end just before it.
        """
        mark = self._read((entity, event.body.get(entity)) for entity in self.holdings.first)
        if event.seq:
            _check_next(event, mark)
        return super().vector(event)

    def apply(self, event: Event) -> None:
        """Take in the next event of the journal.

        Raises
        ------
        Overtaken
            When another worker took in an event meanwhile; nothing is changed.
        """
        mark = self._read((entity, event.body.get(column)) for entity, column in self._tells(event).named)
        _check_next(event, mark)
        super().apply(event)
        records = {
            record_key(entity, key): self.holdings.packed(entity, key, event.seq)
            for entity, keys in self.holdings.take_changed().items()
            for key in keys
        }
        head = self.head().packed()
        self._store.save(self.feature_set.hash, records, seq=event.seq, head=head, after=mark.version)

    def follow(self, journal: Journal) -> int:
        """Take in what the journal holds beyond the store, one event after the other."""
        taken = 0
        for event in journal.events(after=self._read(()).seq):
            self.apply(event)
            taken += 1
        return taken

    def _read(self, named: Iterable[tuple[str, object]]) -> Mark:
        """Hold the named entities and nothing else, as the store has them."""
        entities = list(dict.fromkeys((entity, str(key)) for entity, key in named if key is not None))
        mark, found = self._store.read(self.feature_set.hash, [record_key(*each) for each in entities])
        head = Head.of(mark.head)
        where = f"state {self.feature_set.hash[:12]}…"
        if head.newest != mark.seq:
            raise DataError(
                expected_got(f"records up to seq {mark.seq}", f"some up to {head.newest}", where)
                + "; its checkpoint was cut off: run `assay features backfill --deployed`"
            )
        self.holdings.clear()
        for (entity, key), packed in zip(entities, found, strict=True):
            if packed is not None:
                self.holdings.put(entity, unpack(self.holdings.forms[entity], [(key, packed)]))
        self.holdings.take_changed()
        self.seq, self.clock, self.holdings.answers_after = mark.seq, head.clock, head.answers_after
        return mark


def _check_next(event: Event, mark: Mark) -> None:
    if event.seq != mark.seq + 1:
        where = f"{event.kind} {event.event_id} for a shared state"
        raise DataError(expected_got(f"seq {mark.seq + 1}, the one after the state's", event.seq, where) + "; follow")
