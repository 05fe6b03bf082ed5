"""The rules over whole columns refuse exactly what ``check_event`` refuses, row by row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InputError
from domain.events import KINDS, Column, ColumnType, Event, Value, check_event
from domain.money import MAX_MINOR
from domain.time import EARLIEST, LATEST
from stores.checks import table_faults
from stores.schema import event_schema
from tests.events import events, values

EXTENSIONS = {"x_number": ColumnType.NUMBER, "x_category": ColumnType.CATEGORY}
odd_texts = st.sampled_from(
    ["", "x" * 128, "x" * 129, "é" * 128, "é" * 129, "a b", "a\nb", "\x7f", "\u00a0", "\u2028", "餐饮"]
)
odd_wholes = st.sampled_from([MAX_MINOR, MAX_MINOR + 1, -MAX_MINOR, -MAX_MINOR - 1, 0, 2**63 - 1, -(2**63)])
odd_floats = st.sampled_from([float("nan"), float("inf"), float("-inf"), -0.0, 5e-324])
odd_times = st.sampled_from([EARLIEST, EARLIEST - 1, LATEST, LATEST + 1, 0])
ODD: dict[ColumnType, st.SearchStrategy[Value]] = {
    ColumnType.KEY: odd_texts,
    ColumnType.CATEGORY: odd_texts | st.sampled_from(["cny", "EURO"]),
    ColumnType.MONEY: odd_wholes,
    ColumnType.INTEGER: odd_wholes,
    ColumnType.NUMBER: odd_floats,
    ColumnType.FLAG: st.booleans(),
    ColumnType.TIME: odd_times,
}


@st.composite
def doubtful(draw: st.DrawFn) -> Event:
    """An event of the right types that may break any rule."""
    event = draw(events())
    body = dict(event.body)
    for name in draw(st.lists(st.sampled_from([*KINDS[event.kind], *EXTENSIONS]), max_size=3)):
        column = KINDS[event.kind].get(name) or Column(name, EXTENSIONS[name], "extension")
        action = draw(st.sampled_from(["odd", "any", "absent"]))
        body.pop(name, None)
        if action != "absent":
            body[name] = draw(ODD[column.type] if action == "odd" else values(column))
    event_id = draw(st.just(event.event_id) | odd_texts)
    event_time = draw(st.just(event.event_time) | odd_times)
    return Event(event.kind, event_id, event_time, draw(st.just(event.known_at) | st.just(event_time)), body)


def accepted(event: Event) -> bool:
    try:
        check_event(event)
    except InputError:
        return False
    return True


@given(st.lists(doubtful(), min_size=1, max_size=8))
@settings(max_examples=80)
def test_columns_and_single_events_are_judged_alike(batch: list[Event]) -> None:
    for kind in {event.kind for event in batch}:
        mine = [event for event in batch if event.kind == kind]
        rows = [{**e.body, "event_id": e.event_id, "event_time": e.event_time, "known_at": e.known_at} for e in mine]
        table = pa.Table.from_pylist(rows, event_schema(kind, EXTENSIONS))
        bad = np.zeros(len(mine), dtype=bool)
        for fault in table_faults(kind, table):
            assert fault.rows.any()
            bad |= fault.rows
        assert bad.tolist() == [not accepted(event) for event in mine]


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_table_has_no_faults(kind: str) -> None:
    assert list(table_faults(kind, event_schema(kind, EXTENSIONS).empty_table())) == []
