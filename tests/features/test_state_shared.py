"""A state shared through a store is the resident one, bit for bit, and raises where it is not sure."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DataError, Unavailable
from domain.events import Event
from features.checkpoint import Taking
from features.online import OnlineState
from features.state_shared import SharedState
from stores.states import MemoryStates, Overtaken, StateStore
from tests.features.streams import PLATFORM, dense_stream, memory_journal, streams
from tests.features.test_checkpoint import same
from tests.features.test_clocks import feature_set
from tests.features.test_online import payments, small_set
from tests.features.test_tiled import feature_set as tiled_set
from tests.stores.test_every_state_store import cleared, own_server, valkey_or_skip

SETS = {"ring": feature_set(3), "tiled": tiled_set("10s")}


def check(name: str, store: StateStore, events: list[Event]) -> None:
    """Two workers in turn against one resident state."""
    resident = OnlineState(SETS[name], PLATFORM)
    resident.checkpoint(store)
    workers = [SharedState(SETS[name], PLATFORM, store) for _ in range(2)]
    for event in events:
        if event.kind == "transaction":
            expected = resident.vector(event)
            assert all(same(expected, worker.vector(event)) for worker in workers)
        resident.apply(event)
        workers[event.seq % 2].apply(event)
    # What they leave behind is a checkpoint like any other.
    other = OnlineState(SETS[name], PLATFORM)
    assert other.restore(store)
    assert other.follow(memory_journal(events)) == 0
    assert other.seq == len(events)


@given(streams(), st.sampled_from(sorted(SETS)))
@settings(max_examples=30)
def test_in_memory_it_is_the_resident_state(events: list[Event], name: str) -> None:
    check(name, MemoryStates(), events)


@pytest.fixture
def prefix() -> Iterator[str]:
    made = f"assay-test-{secrets.token_hex(6)}"
    yield made
    store = valkey_or_skip(prefix=made)
    cleared(store)
    store.close()


@pytest.mark.parametrize("name", sorted(SETS))
def test_in_valkey_it_is_the_resident_state(name: str, prefix: str) -> None:
    store = valkey_or_skip(prefix=prefix)
    for seed in range(8):
        check(name, store, dense_stream(seed))
        cleared(store)
    store.close()


def test_it_follows_the_journal_and_says_where_it_stands() -> None:
    chosen, events, store = small_set(), payments(30, 3), MemoryStates()
    with pytest.raises(DataError, match="expected records with a mark, found none; build it with"):
        SharedState(chosen, PLATFORM, store).vector(events[0])
    resident = OnlineState(chosen, PLATFORM)
    resident.warm(memory_journal(events[:10]))
    resident.checkpoint(store)
    one, two = SharedState(chosen, PLATFORM, store), SharedState(chosen, PLATFORM, store)
    for act in (one.vector, one.apply):
        for event in (events[9], events[11]):
            with pytest.raises(DataError, match=f"expected seq 11, the one after the state's, got {event.seq}"):
                act(event)
    assert one.follow(memory_journal(events[:20])) == 10
    resident.warm(memory_journal(events[:20]))
    assert same(two.vector(events[20]), resident.vector(events[20]))


def test_a_worker_that_was_overtaken_changes_nothing() -> None:
    chosen, events = small_set(), payments(30, 3)

    class Slow(MemoryStates):
        """Another worker is quicker between the read and the save."""

        def save(self, *args: object, **kwargs: object) -> object:
            if self.other is not None:
                other, self.other = self.other, None
                other.apply(events[10])
            return super().save(*args, **kwargs)  # type: ignore[arg-type]

        other: SharedState | None = None

    store = Slow()
    resident = OnlineState(chosen, PLATFORM)
    resident.warm(memory_journal(events[:10]))
    resident.checkpoint(store)
    worker, store.other = SharedState(chosen, PLATFORM, store), SharedState(chosen, PLATFORM, store)
    with pytest.raises(Overtaken):
        worker.apply(events[10])
    resident.apply(events[10])
    assert same(worker.vector(events[11]), resident.vector(events[11]))


def test_half_a_checkpoint_and_a_damaged_record_raise() -> None:
    chosen, events, store = small_set(), payments(30, 9), MemoryStates()
    resident = OnlineState(chosen, PLATFORM)
    resident.warm(memory_journal(events[:10]))
    resident.checkpoint(store)
    resident.warm(memory_journal(events[:20]))
    taking = Taking(resident)
    taking.save(store, taking.slice(lambda _: True))
    worker = SharedState(chosen, PLATFORM, store)
    for act in (worker.vector, worker.apply):
        with pytest.raises(DataError, match="expected records up to seq 10, got 'some up to 20'"):
            act(events[10])
    taking.save(store, taking.slice(lambda _: False))
    key = f"card_id={events[20].body['card_id']}"
    mark, (body,) = store.read(chosen.hash, [key])
    store.save(chosen.hash, {key: body[:-1]}, seq=mark.seq, head=mark.head, after=mark.version)
    for act in (worker.vector, worker.apply):
        with pytest.raises(DataError, match="checksum"):
            act(events[20])


def test_a_server_that_stops_raises(tmp_path: Path) -> None:
    chosen, events = small_set(), payments(12, 3)
    with own_server(tmp_path) as (server, url):
        store = valkey_or_skip(url, "assay")
        resident = OnlineState(chosen, PLATFORM)
        resident.warm(memory_journal(events[:10]))
        resident.checkpoint(store)
        worker = SharedState(chosen, PLATFORM, store)
        assert same(worker.vector(events[10]), resident.vector(events[10]))
        server.kill()
        server.wait()
        for act in (worker.vector, worker.apply):
            with pytest.raises(Unavailable):
                act(events[10])
        store.close()


def test_no_byte_of_an_erased_entity_is_left_in_valkey(prefix: str) -> None:
    chosen, events, store = small_set(), payments(200, 9), valkey_or_skip(prefix=prefix)
    resident = OnlineState(chosen, PLATFORM)
    resident.warm(memory_journal(events))
    resident.checkpoint(store)
    assert store.erase(["card_id=c3"]) == 1
    times = [e.event_time.to_bytes(8, "little") for e in events if e.body["card_id"] == "c3"]
    others = {e.event_time for e in events if e.body["card_id"] != "c3"}
    raw = store._server.dump(f"{prefix}:state:{chosen.hash}")
    records = b"".join(body for _, body in store.items(chosen.hash))
    alone = [time for time in times if int.from_bytes(time, "little") not in others]
    assert len(alone) > 3
    assert not any(time in records or time in raw for time in alone)
    assert b"card_id=c3" not in raw
    store.close()
