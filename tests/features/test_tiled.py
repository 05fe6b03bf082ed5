"""Tiled views: totals of tiles instead of rows, and nobody can tell, online, offline or after a merge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DataError, DefinitionError
from domain.events import Event
from domain.time import MINUTE, SECOND
from features.aggregates import (
    AGGREGATES,
    Aggregate,
    CoefficientOfVariation,
    Count,
    CountWhere,
    Distinct,
    Max,
    Mean,
    Min,
    Rate,
    Ratio,
    Share,
    Std,
    Sum,
    SumWhere,
)
from features.catalogue import FeatureSet, compile_set
from features.conditions import at_least, is_true, one_of
from features.kernel import slab
from features.online import OnlineState
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView, tiled
from tests.features.naive import naive
from tests.features.streams import PLATFORM, START, dense_stream, memory_journal, numbered, same_bits, streams
from tests.features.test_every_aggregate import examples

WINDOWS = ["1m", "30m", "1h"]
HOPS = ["1s", "10s", "1m"]


EVERYTHING = [
    Count(over=WINDOWS), Sum("amount", over=WINDOWS), Mean("amount", over=["1h"]), Std("amount", over=["30m", "1h"]),
    Min("amount", over=WINDOWS), Max("amount", over=WINDOWS), Mean("card_present", over=WINDOWS),
    Max("latitude", over=["1h"], scale=10**6), CoefficientOfVariation("amount", over=["30m", "1h"]),
    CountWhere(where=one_of("channel", "mobile"), called="mobile", over=WINDOWS),
    SumWhere("amount", where=is_true("card_present"), called="present", over=WINDOWS),
    Share(where=at_least("amount", 100), called="large", over=WINDOWS), Rate("card_present", over=WINDOWS, prior=0.3),
    Ratio(short="1m", long="1h"), Ratio("amount", statistic="sum", short="30m", long="1h"),
    Ratio("amount", statistic="mean", short="1m", long="30m"),
]  # fmt: skip


def feature_set(hop: str) -> FeatureSet:
    view = FeatureView(entity="card_id", source="transaction", retain=tiled(hop), name="card", features=EVERYTHING)
    return compile_set(FeatureSettings(product="payment", own=["amount"]), PLATFORM, (view,), (), {})


def check(chosen: FeatureSet, events: list[Event]) -> int:
    """Oracle, replay and online state on one stream; returns the number of requests."""
    table = build_snapshot(chosen, memory_journal(events), PLATFORM, threads=1).table
    rows = {row["seq"]: row for row in table.to_pylist()}
    state = OnlineState(chosen, PLATFORM)
    for event in events:
        if event.seq in rows:
            row, answer = rows[event.seq], naive(chosen.views[0], events, event, PLATFORM)
            vector = state.vector(event)
            expected = np.array([row["amount"], *answer.values.values()])
            assert same_bits(vector.values, expected), (event.seq, vector.values, expected)
            assert same_bits(np.array([row[name] for name in chosen.names]), expected)
            assert (vector.stale, vector.truncated) == (row["stale"], row["truncated"]) == (answer.stale, False)
        state.apply(event)
    return len(rows)


def test_everything_that_fits_is_there() -> None:
    assert {type(aggregate) for aggregate in EVERYTHING} == {kind for kind in AGGREGATES if kind.TILEABLE}


@pytest.mark.parametrize("kind", [kind for kind in AGGREGATES if not kind.TILEABLE])
def test_what_needs_the_events_is_refused(kind: type[Aggregate]) -> None:
    for aggregate in examples(kind):
        if isinstance(aggregate, kind):
            with pytest.raises(DefinitionError, match="expected sums and extremes in a tiled view"):
                FeatureView(
                    entity="card_id",
                    source="transaction",
                    retain=tiled("1s"),
                    features=[Count(over=WINDOWS), aggregate],
                )


@given(streams(), st.sampled_from(HOPS))
@settings(max_examples=80)
def test_is_the_law_rounded_to_the_hop(events: list[Event], hop: str) -> None:
    check(feature_set(hop), events)


@pytest.mark.parametrize("hop", HOPS)
@pytest.mark.parametrize("n_rows", [1, 4096])
def test_dense_streams(hop: str, n_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where rows have little room, replay merges tiles as often as the online state does.
    monkeypatch.setattr("features.offline._ROWS", n_rows)
    chosen = feature_set(hop)
    assert sum(check(chosen, dense_stream(seed, 40)) for seed in range(30)) > 400


def busy(n: int, step: int = SECOND, seed: int = 3) -> list[Event]:
    """One card paying all the time, now and then late, with values that may be null."""
    rng = np.random.default_rng(seed)
    events = []
    for index in range(n):
        late = int(rng.integers(45 * MINUTE // step)) if rng.random() < 0.1 else 0
        time = START + (index - late) * step + int(rng.integers(step))
        body = {"card_id": "a", "amount": int(rng.integers(-500, 10**6)), "currency": "CNY"}
        body |= {"card_present": bool(rng.integers(2))} if rng.random() < 0.7 else {}
        events.append(Event("transaction", f"e{index}", time, time, body))
    return numbered(events)


def test_a_busy_entity_stays_small_and_exact() -> None:
    chosen = feature_set("1m")
    events = busy(9000)
    table = build_snapshot(chosen, memory_journal(events), PLATFORM).table
    state = OnlineState(chosen, PLATFORM)
    asked = []
    for event in events:
        if event.seq % 250 == 0:
            asked.append(state.vector(event).values)
        state.apply(event)
    for values, seq in zip(asked, range(250, 9001, 250), strict=True):
        answer = naive(chosen.views[0], events, events[seq - 1], PLATFORM)
        assert same_bits(values[1:], np.array(list(answer.values.values())))
    served = np.stack([table[name].to_numpy()[249::250] for name in chosen.names], axis=1)
    assert same_bits(np.stack(asked), served)
    # Two and a half hours of one payment a second: half an hour of rows, an hour and a half of tiles, some room.
    width = int(chosen.plan.views[0].program[0])
    assert state.holdings.memory.meta[:, 1].max() * width < 2 * 2 * (1800 + 90 + 4) * width


def test_sums_that_might_overflow_are_refused() -> None:
    chosen = feature_set("1m")
    state = OnlineState(chosen, PLATFORM)
    # Totals of 2^21 squares of 2^53 would pass 2^127: pretend that so many events lie in the tiles.
    event = busy(1)[0]
    body = {"card_id": "a", "amount": 2**53, "currency": "CNY"}

    def huge(seq: int) -> Event:
        return Event("transaction", f"h{seq}", event.event_time, event.event_time, body, seq=seq)

    state.apply(huge(1))
    state.apply(huge(2))
    program, meta = chosen.plan.views[0].program, state.holdings.memory.meta
    events_offset = int(program[slab.EVENTS_OFFSET])
    state.holdings.memory.pool[int(meta[0, slab.OFFSET]) + events_offset] = -(2**22)
    with pytest.raises(DataError, match="expected sums of squares below"):
        state.apply(huge(3))


def test_what_cannot_be_tiled_is_refused() -> None:
    with pytest.raises(DefinitionError, match="expected sums and extremes in a tiled view, got 'Distinct'"):
        FeatureView("card_id", "transaction", [Distinct("amount", over=["1h"])], retain=tiled("1m"))
    with pytest.raises(DefinitionError, match="expected a hop of at most 1m"):
        FeatureView(entity="card_id", source="transaction", retain=tiled("2m"), features=[Count(over=["1m", "1h"])])
    for hop in ("0s", "31d", "soon"):
        with pytest.raises(DefinitionError, match="tiled"):
            tiled(hop)


def test_the_hop_is_part_of_the_definition() -> None:
    assert len({feature_set(hop).hash for hop in HOPS}) == len(HOPS)
