"""Online state: what it refuses, how it follows the journal, how its memory grows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from domain.errors import DataError
from domain.events import Event
from domain.time import SECOND
from features.aggregates import Count, Distinct, Mean, Std
from features.catalogue import FeatureSet, compile_set, load
from features.columns import Encoding, encode_event
from features.kernel.layout import POOL_START, TOP, WIDTH
from features.memory import Memory
from features.online import OnlineState
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView, ring
from tests.features.streams import PLATFORM, START, dense_stream, memory_journal, numbered, same_bits


def small_set(size: int = 4096) -> FeatureSet:
    view = FeatureView(
        entity="card_id", source="transaction", retain=ring(size), name="card",
        features=[Count(over=["1m", "1h"]), Mean("amount", over=["1h"]), Std("amount", over=["1h"]),
                  Distinct("merchant_id", over=["1h"])],
    )  # fmt: skip
    return compile_set(FeatureSettings(product="payment", own=["amount", "channel"]), PLATFORM, (view,), (), {})


def payments(n: int, n_cards: int, seed: int = 1, late: float = 0.2) -> list[Event]:
    rng = np.random.default_rng(seed)
    events = []
    for index in range(n):
        time = START + (index - int(rng.integers(200)) * (rng.random() < late)) * SECOND
        body = {
            "card_id": f"c{rng.integers(n_cards)}",
            "merchant_id": f"m{rng.integers(9)}",
            "amount": int(rng.integers(10**9)),
            "currency": "CNY",
        }
        events.append(Event("transaction", f"e{index}", int(time), int(time), body))
    return numbered(events)


def assert_equal(chosen: FeatureSet, events: list[Event], warm: int) -> OnlineState:
    journal = memory_journal(events)
    table = build_snapshot(chosen, journal, PLATFORM, threads=1).table
    state = OnlineState(chosen, PLATFORM)
    state.warm(memory_journal(events[:warm]))
    numbers = [name for name in chosen.names if name not in chosen.categorical]
    expected = np.stack([table[name].to_numpy() for name in numbers], axis=1)
    for row, event in zip(range(warm, len(events)), events[warm:], strict=True):
        values = state.vector(event).values[[chosen.names.index(name) for name in numbers]]
        assert same_bits(values, expected[row])
        state.apply(event)
    return state


@pytest.mark.parametrize(("n_cards", "size"), [(1, 64), (3, 300), (700, 4096)])
def test_long_streams_compact_move_and_grow(n_cards: int, size: int) -> None:
    state = assert_equal(small_set(size), payments(2500, n_cards), 1200)
    # Rows are few, so a leak of slabs would show here.
    assert state.holdings.memory.pool[0] < 2500 * 4 * 12


def test_a_pool_that_is_always_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, events = small_set(), payments(600, 5)
    expected = build_snapshot(chosen, memory_journal(events), PLATFORM).table
    grown = []

    class Tight(Memory):
        def __init__(self, n_slots: int, n_words: int, widest: int = 0) -> None:
            super().__init__(1, 0, widest)

        def grow(self, at_least: int, most: int = 0) -> None:
            grown.append(at_least)
            super().grow(16, 16)

    monkeypatch.setattr("features.offline.Memory", Tight)
    monkeypatch.setattr("features.holdings.Memory", Tight)
    for threads in (1, 2):
        found = build_snapshot(chosen, memory_journal(events), PLATFORM, threads=threads).table
        assert all(same_bits(found[n].to_numpy(), expected[n].to_numpy()) for n in chosen.names if n != "channel")
    assert_equal(chosen, events, 300)
    assert len(grown) > 100


def test_a_state_grows_by_little_between_two_requests_and_keeps_all_it_holds() -> None:
    chosen, state = small_set(), OnlineState(small_set(), PLATFORM)
    sizes, slots = [len(state.holdings.memory.pool)], [len(state.holdings.memory.meta)]
    # Each payment is of a new card, customer and payee.
    for seq in range(1, 30_001):
        body = {"amount": 100, "currency": "CNY", "channel": "mobile"}
        body |= {name: f"{name}{seq}" for name in ("card_id", "customer_id", "payee_id")}
        state.apply(Event("transaction", f"p{seq}", seq, seq, body, seq=seq))
        sizes.append(len(state.holdings.memory.pool))
        slots.append(len(state.holdings.memory.meta))
    assert max(np.diff(sizes)) <= 2**18
    assert max(np.diff(slots)) <= 2**12
    assert sizes[-1] - sizes[0] > 2**18
    # A card that came early is still known.
    body = {"amount": 100, "currency": "CNY", "channel": "mobile", "card_id": "card_id7"}
    asked = Event("transaction", "again", 40_000, 40_000, body)
    seen = dict(zip(chosen.names, state.vector(asked).values.tolist(), strict=True))
    new = OnlineState(small_set(), PLATFORM)
    first = Event("transaction", "p7", 7, 7, {**body, "customer_id": "customer_id7", "payee_id": "payee_id7"}, seq=7)
    new.apply(first)
    alone = dict(zip(chosen.names, new.vector(asked).values.tolist(), strict=True))
    assert str(seen) == str(alone)


def test_follow_takes_in_what_others_append() -> None:
    events = dense_stream(5)
    journal = memory_journal(events[:10])
    state = OnlineState(small_set(), PLATFORM)
    assert (state.warm(journal), state.seq) == (10, 10)
    assert (state.follow(journal), state.seq) == (0, 10)
    journal.append(events[10:])
    assert (state.follow(journal), state.seq) == (len(events) - 10, len(events))


def test_reading_changes_nothing() -> None:
    chosen, events = small_set(), payments(50, 2)
    state = OnlineState(chosen, PLATFORM)
    for event in events:
        state.apply(event)
    first = state.vector(events[-1])
    again = [state.vector(events[-1]) for _ in range(3)]
    assert all(same_bits(first.values, vector.values) for vector in again)


def test_what_is_refused() -> None:
    chosen = small_set()
    state = OnlineState(chosen, PLATFORM)
    events = payments(3, 1)
    state.apply(events[1])
    for event in (events[0], events[1], events[2].numbered(0)):
        with pytest.raises(DataError, match="expected a seq above 2"):
            state.apply(event)
    with pytest.raises(DataError, match="features of a request: expected transaction, got 'inquiry'"):
        state.vector(Event("inquiry", "i", START, START, {"borrower_id": "b"}))
    for changed in ({"time_zone": "UTC"}, {"max_lateness": 0}, {"fx": {}}):
        with pytest.raises(DataError, match=f"state: expected {next(iter(changed))}"):
            OnlineState(chosen, PLATFORM.model_copy(update=changed))


def test_a_value_that_does_not_fit_changes_nothing() -> None:
    state = OnlineState(small_set(), PLATFORM)
    wrong = Event("transaction", "w", START, START, {"card_id": "c", "amount": 1, "currency": "CHF"}, seq=1)
    with pytest.raises(DataError, match="CHF/CNY"):
        state.apply(wrong)
    assert state.seq == 0
    right = Event("transaction", "r", START, START, {"card_id": "c", "amount": 100, "currency": "CNY"}, seq=1)
    vector = state.vector(right)
    assert dict(zip(state.feature_set.names, vector.values, strict=True))["card_count_1h"] == 0


def test_hidden_features_are_not_given() -> None:
    every = load(FeatureSettings(product="payment", views=["card"]), PLATFORM)
    some = load(
        FeatureSettings(product="payment", views=["card"], exclude=["card_amount_mean_30d", "channel", "amount"]),
        PLATFORM,
    )
    event = payments(1, 1)[0]
    state, hidden = OnlineState(every, PLATFORM), OnlineState(some, PLATFORM)
    full = dict(zip(every.names, state.vector(event).values.tolist(), strict=True))
    part = hidden.vector(event)
    assert same_bits(part.values, np.array([full[name] for name in some.names]))
    assert len(part.texts) == len(some.categorical) == 2
    table = build_snapshot(some, memory_journal([event]), PLATFORM).table
    assert set(every.names) - set(table.column_names) == {"card_amount_mean_30d", "channel", "amount"}


def test_an_event_is_encoded_once_for_its_check_its_features_and_its_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    state, plain = OnlineState(small_set(), PLATFORM), OnlineState(small_set(), PLATFORM)
    encoded: list[Event] = []

    def counted(encodings: tuple[Encoding, ...], event: Event) -> np.ndarray:
        encoded.append(event)
        return encode_event(encodings, event)

    monkeypatch.setattr("features.online.encode_event", counted)
    for event in payments(20, 3):
        waiting = replace(event, seq=0)
        state.check(waiting)
        found = state.vector(waiting.numbered(event.seq))
        state.apply(waiting.numbered(event.seq))
        assert len(encoded) == event.seq
        expected = plain.vector(replace(event, body=dict(event.body)))
        assert same_bits(found.values, expected.values)
        plain.apply(replace(event, body=dict(event.body)))
        del encoded[event.seq :]
    assert not state._encoded


def test_what_is_kept_of_an_encoding_is_of_that_event_alone() -> None:
    state = OnlineState(small_set(), PLATFORM)
    abroad = {"card_id": "c", "merchant_id": "m", "amount": 100, "currency": "JPY"}
    late = Event("transaction", "l", START, START, abroad, seq=1)
    with pytest.raises(DataError, match="JPY/CNY"):
        state.check(replace(late, known_at=0))
    state.check(late)
    # The same columns, known before there was a rate: another event.
    with pytest.raises(DataError, match="JPY/CNY"):
        state.vector(replace(late, known_at=0))
    for index in range(5000):
        state.check(Event("transaction", f"r{index}", START, START, {"card_id": "c", "amount": 1, "currency": "CNY"}))
    # Events that were refused elsewhere are not kept for ever.
    assert len(state._encoded) <= 1024


def test_slabs_that_were_left_are_taken_again() -> None:
    state = OnlineState(small_set(), PLATFORM)
    memory, width = state.holdings.memory, int(state.feature_set.plan.views[0].program[WIDTH])

    def learn(card: str, n: int) -> None:
        for _ in range(n):
            body = {"card_id": card, "merchant_id": "m", "amount": 5, "currency": "CNY"}
            time = START + state.seq * SECOND
            state.apply(Event("transaction", "e", time, time, body, seq=state.seq + 1))

    learn("a", 9)
    # Room for 2, 4 and 8 rows was left on the way to 16.
    assert (memory.n_free, memory.pool[TOP]) == (14 * width, POOL_START + 30 * width)
    learn("b", 4)
    assert memory.n_free == 10 * width
    learn("b", 1)
    assert memory.n_free == 6 * width
    assert state.holdings.forget("card_id", "a")
    assert memory.n_free == 22 * width
    learn("c", 9)
    assert (memory.n_free, memory.pool[TOP]) == (14 * width, POOL_START + 38 * width)
