"""Links between rows of one value: five operations on how often values occur, against a plain count of them."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from domain.events import Event
from domain.time import MINUTE, SECOND
from features.aggregates import Concentration, Degree, Distinct, Entropy, SharedWith, TopShare
from features.catalogue import FeatureSet, compile_set
from features.columns import text_code
from features.kernel.layout import (
    END,
    FIRST_OF_ITS_VALUE,
    LINKS_AT,
    LINKS_OFFSET,
    N_LINKS,
    NULL,
    OFFSET,
    START,
    TIME,
    VALUES,
    WIDTH,
)
from features.online import OnlineState
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView, ring
from tests.features.streams import PLATFORM, memory_journal, numbered, same_bits
from tests.features.streams import START as FIRST_TIME

WINDOWS = {"1m": MINUTE, "5m": 5 * MINUTE, "20m": 20 * MINUTE}


def feature_set(size: int) -> FeatureSet:
    view = FeatureView(
        entity="card_id", source="transaction", retain=ring(size), name="card",
        features=[Distinct("merchant_id", over=["1m", "5m"]), TopShare("merchant_id", over=["1m", "20m"]),
                  Concentration("merchant_id", over=["5m"]), Entropy("mcc", over=["1m", "20m"]),
                  SharedWith("mcc", over=["1m", "5m"]), Degree("device_id", over=["20m"])],
    )  # fmt: skip
    return compile_set(FeatureSettings(product="payment", own=[]), PLATFORM, (view,), (), {})


def payments(n: int, seed: int) -> list[Event]:
    """Payments of two cards, half of them late, on few instants; values of a few and of many kinds, and none."""
    rng = np.random.default_rng(seed)
    events = []
    for index in range(n):
        time = FIRST_TIME + (3 * index - int(rng.integers(90)) * int(rng.integers(2))) // 7 * 7 * SECOND
        body = {"card_id": f"c{rng.integers(2)}", "amount": 1, "currency": "CNY"}
        for column, most in (("merchant_id", 9), ("mcc", 2), ("device_id", 200)):
            if rng.random() < 0.8:
                body[column] = f"{column}{rng.integers(most)}"
        events.append(Event("transaction", f"e{index}", time, time, body))
    return numbered(events)


def plain(event: Event, before: list[Event], size: int, chosen: FeatureSet) -> list[float]:
    """Every feature, counted."""
    mine = [other for other in before if other.body["card_id"] == event.body["card_id"]]
    newest = sorted(mine, key=lambda other: (other.event_time, other.seq))[-size:]
    found = []
    for name in chosen.names:
        column = next(each for each in ("merchant_id", "mcc", "device_id") if each in name)
        window = WINDOWS[name.rpartition("_")[2]]
        seen = [o for o in newest if event.event_time - window <= o.event_time < event.event_time]
        values = [other.body[column] for other in seen if column in other.body]
        counts, n = Counter(values), len(values)
        if "shared_with" in name:
            found.append(float(len(counts.keys() - {event.body.get(column)})))
        elif "distinct" in name or "degree" in name:
            found.append(float(len(counts)))
        elif n == 0:
            found.append(math.nan)
        elif "top_share" in name:
            found.append(max(counts.values()) / n)
        elif "entropy" in name:
            # In the order of each value's newest row, oldest first.
            order = list(reversed(dict.fromkeys(reversed(values))))
            total = 0.0
            for value in order:
                total += counts[value] / n * math.log(n / counts[value])
            found.append(total)
        else:
            found.append(sum(count * count for count in counts.values()) / (n * n))
    return found


@pytest.mark.parametrize(("size", "seed"), [(4096, 1), (16, 2), (5, 3)])
def test_late_rows_full_rings_and_nulls(size: int, seed: int) -> None:
    chosen, events = feature_set(size), payments(700, seed)
    state = OnlineState(chosen, PLATFORM)
    table = build_snapshot(chosen, memory_journal(events), PLATFORM, threads=1).table
    replayed = np.stack([table[name].to_numpy() for name in chosen.names], axis=1)
    for place, event in enumerate(events):
        expected = plain(event, events[:place], size, chosen)
        values = state.vector(event).values
        assert same_bits(values, np.array(expected)), f"{place}: {values} {expected}"
        assert same_bits(values, replayed[place])
        state.apply(event)


def test_each_row_is_linked_to_the_last_of_its_value() -> None:
    chosen = feature_set(64)
    state = OnlineState(chosen, PLATFORM)
    for event in payments(900, 4):
        state.apply(event)
    program, memory = chosen.plan.views[0].program, state.holdings.memory
    width, at, offset = int(program[WIDTH]), int(program[LINKS_AT]), int(program[LINKS_OFFSET])
    assert program[N_LINKS] == 3
    kinds = set()
    for first in state.holdings.first["card_id"].values():
        line = memory.meta[first]
        begin = int(line[OFFSET]) + int(line[START]) * width
        rows = memory.pool[begin : int(line[OFFSET]) + int(line[END]) * width].reshape(-1, width)
        for link in range(3):
            column, reach = VALUES + int(program[at + 2 * link]), int(program[at + 2 * link + 1])
            for place, row in enumerate(rows):
                before = [other for other in range(place) if rows[other, column] == row[column]]
                back = int(row[offset + link])
                if row[column] == NULL:
                    assert back == 0
                elif before and rows[before[-1], TIME] >= row[TIME] - reach:
                    assert back == place - before[-1]
                else:
                    # To nothing, to what the ring has pushed out, or further than any window reaches.
                    assert back > place or rows[place - back, TIME] < row[TIME] - reach
                kinds.add((row[column] == NULL, back == FIRST_OF_ITS_VALUE))
    assert len(kinds) == 3
    assert text_code("mcc0") in memory.pool
