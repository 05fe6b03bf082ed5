"""Checkpoints: restored at any point a state answers as if it had never stopped; a wrong one is refused, not read."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DataError, Unavailable
from domain.events import Event
from domain.time import SECOND
from features.catalogue import FeatureSet
from features.checkpoint import Taking, record_key, start_state
from features.online import OnlineState, Vector
from features.state_packing import pack, unpack
from stores.states import Mark, MemoryStates, Overtaken
from tests.features.streams import PLATFORM, START, dense_stream, memory_journal, same_bits, streams
from tests.features.test_clocks import feature_set
from tests.features.test_online import payments, small_set
from tests.features.test_tiled import feature_set as tiled_set


def fresh(chosen: FeatureSet) -> Callable[[], OnlineState]:
    return lambda: OnlineState(chosen, PLATFORM)


def followed(chosen: FeatureSet, store: MemoryStates, events: list[Event]) -> OnlineState:
    state = OnlineState(chosen, PLATFORM)
    assert state.restore(store)
    state.follow(memory_journal(events))
    return state


def same(left: Vector, right: Vector) -> bool:
    flags = (left.truncated, left.stale) == (right.truncated, right.stale)
    return same_bits(left.values, right.values) and left.texts == right.texts and flags


def assert_go_on_alike(states: list[OnlineState], events: list[Event]) -> None:
    for event in events:
        if event.kind == "transaction":
            first, *others = [state.vector(event) for state in states]
            assert all(same(first, other) for other in others)
        for state in states:
            state.apply(event)


@given(streams(), st.integers(0, 24), st.integers(0, 24), st.sampled_from([1, 3, 4096]))
@settings(max_examples=60)
def test_restored_at_any_point_it_goes_on_as_before(events: list[Event], at: int, behind: int, size: int) -> None:
    chosen, store = feature_set(size), MemoryStates()
    warm = OnlineState(chosen, PLATFORM)
    for event in events[:at]:
        warm.apply(event)
        if event.seq == at - behind:
            warm.checkpoint(store)
    if store.mark(chosen.hash) is None:
        warm.checkpoint(store)
    assert_go_on_alike([warm, followed(chosen, store, events[:at])], events[at:])


@pytest.mark.parametrize("seed", range(12))
def test_a_checkpoint_taken_while_the_state_goes_on_and_cut_off_anywhere(seed: int) -> None:
    chosen, store, rng = small_set(8), MemoryStates(), np.random.default_rng(seed)
    events, cut = payments(260, 9, seed), int(rng.integers(1, 60))
    warm = OnlineState(chosen, PLATFORM)
    warm.warm(memory_journal(events[:100]))
    taking, n_slices = None, 0
    for event in events[100:200]:
        warm.apply(event)
        for _ in range(int(rng.integers(0, 3))):
            taking = taking or Taking(warm)
            part = taking.slice(lambda _: True)  # one entity at a time
            taking.save(store, part)
            n_slices += 1
            if part.last:
                taking.done()
                taking = None
        if n_slices >= cut:
            break
    full = OnlineState(chosen, PLATFORM)
    full.warm(memory_journal(events[: warm.seq]))
    states = [full, warm, followed(chosen, store, events[: warm.seq])]
    assert_go_on_alike(states, events[warm.seq :])


def test_only_what_changed_is_written() -> None:
    events, store = payments(300, 40), MemoryStates()
    state = OnlineState(small_set(), PLATFORM)
    for event in events[:250]:
        state.apply(event)
    everything = state.checkpoint(store)
    before = dict(store.items(small_set().hash))
    assert state.checkpoint(store) == 0
    state.apply(events[250])
    changed = record_key("card_id", str(events[250].body["card_id"]))
    assert 0 < state.checkpoint(store) < everything / 10
    after = dict(store.items(small_set().hash))
    assert {key for key in after if before.get(key) != after[key]} == {changed}
    assert store.mark(small_set().hash).seq == 251


def test_a_long_stream_with_many_checkpoints() -> None:
    chosen, events, store = small_set(64), payments(2500, 300), MemoryStates()
    state = OnlineState(chosen, PLATFORM)
    for event in events[:2000]:
        state.apply(event)
        if event.seq % 170 == 0:
            state.checkpoint(store)
    other = followed(chosen, store, events[:2000])
    assert_go_on_alike([state, other], events[2000:])
    assert other.checkpoint(store) > 0
    assert_go_on_alike([followed(chosen, store, events), other], [])


def test_what_was_restored_must_follow_before_it_answers() -> None:
    events, store = payments(20, 3), MemoryStates()
    state = OnlineState(small_set(), PLATFORM)
    assert not state.restore(store)
    state.warm(memory_journal(events[:10]))
    state.checkpoint(store)
    other = OnlineState(small_set(), PLATFORM)
    assert other.restore(store)
    for act in (other.vector, other.apply):
        with pytest.raises(DataError, match="expected to follow the journal"):
            act(events[10])
    assert (other.follow(memory_journal(events[:12])), other.seq) == (2, 12)


def test_another_definition_is_another_namespace_and_a_foreign_record_is_refused() -> None:
    events, store = payments(50, 3), MemoryStates()
    one, two = small_set(64), small_set(65)
    for chosen in (one, two):
        state = OnlineState(chosen, PLATFORM)
        state.warm(memory_journal(events))
        state.checkpoint(store)
    assert set(store.namespaces()) == {one.hash, two.hash}
    mark, (foreign,) = store.read(two.hash, ["card_id=c1"])
    store.save(one.hash, {"card_id=c1": foreign}, seq=50, head=mark.head, after=1)
    state = OnlineState(one, PLATFORM)
    with pytest.raises(DataError, match=r"expected definition .*assay features backfill"):
        state.restore(store)
    assert state.seq == 0
    told: list[str] = []
    started = start_state(fresh(one), memory_journal(events), store, told.append)
    assert len(told) == 1
    full = OnlineState(one, PLATFORM)
    full.warm(memory_journal(events))
    # The next checkpoint begins anew and is whole.
    started.checkpoint(store)
    states = [started, full, followed(one, store, events)]
    assert_go_on_alike(states, [event.numbered(event.seq + 50) for event in events])


@pytest.mark.parametrize("damage", ["flip", "cut", "stranger", "head", "newer"])
def test_damage_is_told_and_a_full_warm_takes_its_place(damage: str) -> None:
    chosen, events, store = small_set(), payments(60, 4), MemoryStates()
    state = OnlineState(chosen, PLATFORM)
    state.warm(memory_journal(events[:50]))
    state.checkpoint(store)
    key, (body,) = "card_id=c1", store.read(chosen.hash, ["card_id=c1"])[1]
    mark = store.mark(chosen.hash)
    head, records = mark.head, {key: body}
    if damage == "flip":
        records = {key: body[:70] + bytes([body[70] ^ 4]) + body[71:]}
    elif damage == "cut":
        records = {key: body[:-8]}
    elif damage == "stranger":
        records = {"merchant_id=m1": body}
    elif damage == "head":
        head = head[:-1]
    else:
        form = state.holdings.forms["card_id"]
        found = unpack(form, [("c1", body)])
        records = {key: pack(form, "c1", 51, found.carried[0], [found.words[found.starts[0] :]])}
    store.save(chosen.hash, records, seq=50, head=head, after=1)
    with pytest.raises(DataError, match="expected"):
        OnlineState(chosen, PLATFORM).restore(store)
    told: list[str] = []
    started = start_state(fresh(chosen), memory_journal(events[:50]), store, told.append)
    assert len(told) == 1
    assert_go_on_alike([started, state], events[50:])


def test_a_journal_from_a_backup_is_noticed() -> None:
    chosen, events, store = small_set(), payments(60, 4), MemoryStates()
    state = OnlineState(chosen, PLATFORM)
    state.warm(memory_journal(events[:50]))
    state.checkpoint(store)
    others = [Event(e.kind, f"other {e.event_id}", e.event_time, e.known_at, e.body) for e in payments(60, 4, seed=2)]
    for backup in (events[:40], [], [*events[:40], *others]):
        told: list[str] = []
        started = start_state(fresh(chosen), memory_journal(backup), store, told.append)
        assert len(told) == 1
        assert "the state must be rebuilt" in told[0]
        assert started.seq == len(backup)
    with pytest.raises(DataError, match="expected a journal up to seq 50, as the state is, got 40"):
        state.follow(memory_journal(events[:40]))


def test_two_who_write_one_namespace_do_not_mix() -> None:
    chosen, events, store = small_set(), payments(200, 9), MemoryStates()
    one, two = OnlineState(chosen, PLATFORM), OnlineState(chosen, PLATFORM)
    one.warm(memory_journal(events[:100]))
    one.checkpoint(store)
    two.restore(store)
    two.follow(memory_journal(events[:150]))
    two.checkpoint(store)
    one.follow(memory_journal(events[:120]))
    with pytest.raises(Overtaken):
        one.checkpoint(store)
    # What the other wrote stands until everything is written anew.
    assert_go_on_alike([two, followed(chosen, store, events[:150])], events[150:160])
    one.checkpoint(store)
    assert store.mark(chosen.hash).seq == 120
    full = OnlineState(chosen, PLATFORM)
    full.warm(memory_journal(events[:150]))
    assert_go_on_alike([full, followed(chosen, store, events[:150])], events[150:])


class Failing(MemoryStates):
    """Fails at the n-th save."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def save(self, *args: object, **kwargs: object) -> object:
        self.left -= 1
        if self.left == 0:
            raise Unavailable("disk full")
        return super().save(*args, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [1, 2])
def test_what_could_not_be_written_is_written_the_next_time(at: int) -> None:
    chosen, events, store = small_set(), payments(200, 9), Failing(at)
    state = OnlineState(chosen, PLATFORM)
    for upto in (100, 120):
        state.warm(memory_journal(events[:upto]))
        try:
            state.checkpoint(store)
        except Unavailable:
            assert upto == (100, 120)[at - 1]
    state.checkpoint(store)
    full = OnlineState(chosen, PLATFORM)
    full.warm(memory_journal(events[:120]))
    assert_go_on_alike([full, followed(chosen, store, events[:120])], events[120:])


# ------------------------------------------------------------------ eviction


def in_time(state: OnlineState, event: Event) -> bool:
    return event.event_time >= state.clock - PLATFORM.max_lateness


@given(streams(), st.lists(st.booleans(), min_size=1, max_size=8), st.sampled_from([1, 3, 4096]))
@settings(max_examples=150)
def test_eviction_changes_no_answer_in_time_and_flags_every_other_it_might(
    events: list[Event], when: list[bool], size: int
) -> None:
    chosen = feature_set(size)
    kept, evicting = OnlineState(chosen, PLATFORM), OnlineState(chosen, PLATFORM)
    for event, evict in zip(events, itertools.cycle(when), strict=False):
        if event.kind == "transaction":
            expected, found = kept.vector(event), evicting.vector(event)
            assert same(expected, found) or (found.stale and not in_time(kept, event))
        for state in (kept, evicting):
            state.apply(event)
        if evict:
            evicting.evict(2**62)


@pytest.mark.parametrize("chosen", [feature_set(4096), tiled_set("10s")], ids=["ring", "tiled"])
def test_eviction_and_restore_on_dense_streams(chosen: FeatureSet) -> None:
    n_gone = n_late = n_flagged = 0
    for seed in range(100):
        kept, evicting = OnlineState(chosen, PLATFORM), OnlineState(chosen, PLATFORM)
        for event in dense_stream(seed):
            if event.kind == "transaction":
                expected, found = kept.vector(event), evicting.vector(event)
                late = not in_time(kept, event)
                assert same(expected, found) or (found.stale and late)
                n_late += late
                n_flagged += found.stale and not expected.stale
            for state in (kept, evicting):
                state.apply(event)
            n_gone += evicting.evict(2**62)
            if event.seq == 12:
                store = MemoryStates()
                evicting.checkpoint(store)
                evicting = followed(chosen, store, dense_stream(seed)[:12])
    # The streams must reach what they are meant to test.
    assert min(n_gone, n_late, n_flagged) > 20


def test_dead_entities_leave_no_memory_behind() -> None:
    chosen, state = small_set(16), OnlineState(small_set(16), PLATFORM)
    rng = np.random.default_rng(3)
    sizes, n_evicted = [], 0
    for day in range(60):
        for index in range(120):
            time = START + (day * 5 * 3600 + index * 60) * SECOND
            card = f"c{day}-{rng.integers(30)}"
            body = {"card_id": card, "merchant_id": "m", "amount": 5, "currency": "CNY"}
            state.apply(Event("transaction", "e", time, time, body, seq=state.seq + 1))
        n_evicted += sum(state.evict(2**62, n_slots=13, limit=7) for _ in range(20))
        sizes.append((len(state.holdings.memory.pool), int(state.holdings.memory.pool[0]), state.holdings._n_slots))
    tops = [top for _, top, _ in sizes]
    assert max(tops) < 1.5 * tops[5]
    assert sizes[5][0] == sizes[-1][0]
    assert sizes[5][2] == sizes[-1][2]
    assert n_evicted > 60 * 20
    assert state.holdings.n_entities < 70
    assert chosen.hash == state.feature_set.hash


def test_the_clock_of_eviction_is_held_back_by_now() -> None:
    state = OnlineState(small_set(), PLATFORM)
    for event in payments(20, 5):
        state.apply(event)
    far = Event("transaction", "f", 2**51, 2**51, {"card_id": "z", "amount": 5, "currency": "CNY"}, seq=21)
    state.apply(far)
    assert state.evict(START) == 0
    assert state.evict(2**62) == 5


@given(streams(), st.integers(0, 24), st.lists(st.booleans(), min_size=1, max_size=8))
@settings(max_examples=60)
def test_evicted_and_restored(events: list[Event], at: int, when: list[bool]) -> None:
    chosen, store = feature_set(3), MemoryStates()
    state = OnlineState(chosen, PLATFORM)
    state.checkpoint(store)
    for event, act in zip(events[:at], itertools.cycle(when), strict=False):
        state.apply(event)
        if act:
            state.evict(2**62)
            state.checkpoint(store)
    other = followed(chosen, store, events[:at])
    kept = OnlineState(chosen, PLATFORM)
    kept.warm(memory_journal(events[:at]))
    for event in events[at:]:
        if event.kind == "transaction":
            expected = kept.vector(event)
            for each in (state, other):
                found = each.vector(event)
                assert same(expected, found) or (found.stale and not in_time(kept, event))
        for each in (state, other, kept):
            each.apply(event)
    assert other.clock == kept.clock
    live = {record_key(entity, key) for entity, known in state.holdings.first.items() for key in known}
    state.checkpoint(store)
    assert {key for key, _ in store.items(chosen.hash)} == live


# ------------------------------------------------------------------- erasure


def test_an_erased_person_is_gone_from_memory_and_checkpoint() -> None:
    chosen, events, store = small_set(), payments(200, 9), MemoryStates()
    state = OnlineState(chosen, PLATFORM)
    for event in events[:150]:
        state.apply(event)
    state.checkpoint(store)
    marks = [event.event_time for event in events[:150] if event.body["card_id"] == "c3"]
    assert np.isin(marks, state.holdings.memory.pool).all()
    assert state.erase("card_id", "c3")
    assert not state.erase("card_id", "c3")
    assert store.erase([record_key("card_id", "c3")]) == 1
    others = [event.event_time for event in events[:150] if event.body["card_id"] != "c3"]
    assert not np.isin([mark for mark in marks if mark not in others], state.holdings.memory.pool).any()
    state.checkpoint(store)
    assert store.read(chosen.hash, ["card_id=c3"])[1] == [None]
    # Started again from the checkpoint, or from the journal alone, everybody else is as before and c3 unknown.
    anew = MemoryStates()
    anew.erase([record_key("card_id", "c3")])
    started = [start_state(fresh(chosen), memory_journal(events[:150]), each, print) for each in (store, anew)]
    assert_go_on_alike([state, *started], events[150:])


def test_erasure_reaches_every_column_that_names_the_person() -> None:
    state = OnlineState(feature_set(8), PLATFORM)
    for event in dense_stream(3):
        state.apply(event)
    assert "a" in state.holdings.first["customer_id"]
    # A borrower is the same person as a customer, and no card.
    assert state.erase("borrower_id", "a")
    assert "a" not in state.holdings.first["customer_id"]
    assert "a" in state.holdings.first["card_id"]


def test_records_are_written_in_the_order_of_the_store() -> None:
    class Orders(MemoryStates):
        def __init__(self) -> None:
            super().__init__()
            self.keys: list[str] = []

        def save(self, *args: Any, **kwargs: Any) -> Mark:
            self.keys += args[1]
            return super().save(*args, **kwargs)

    chosen, store = small_set(), Orders()
    state = OnlineState(chosen, PLATFORM)
    for event in payments(400, 3):
        state.apply(event)
    n_changed = state.holdings.n_changed
    state.checkpoint(store)
    assert len(store.keys) == n_changed == len(set(store.keys)) == state.holdings.n_entities
    assert store.keys == sorted(store.keys)
    assert any(
        one > other
        for one, other in itertools.pairwise(key for known in state.holdings.first.values() for key in known)
    )
    assert state.holdings.n_changed == 0


def test_a_large_entity_is_the_last_of_those_that_are_packed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.holdings._LARGE", 100)
    state = OnlineState(small_set(), PLATFORM)
    for event in payments(400, 3):
        state.apply(event)
    holdings = state.holdings
    keys = ["nobody", *holdings.first["card_id"]]
    sizes = []
    while keys:
        bodies = holdings.unsealed("card_id", keys, 400)
        assert bodies == [holdings.unsealed("card_id", [key], 400)[0] for key in keys[: len(bodies)]]
        sizes.append([0 if body is None else len(body) for body in bodies])
        del keys[: len(bodies)]
    large = 8 * 100
    assert len(sizes) > 1
    assert all(size[-1] > large for size in sizes[:-1])
    assert sizes[0][0] == 0
