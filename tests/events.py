"""Events for tests: one body with every column of a kind, and generated ones."""

from __future__ import annotations

from hypothesis import strategies as st

from domain.events import KINDS, Column, ColumnType, Event, Value
from domain.money import MAX_MINOR
from domain.time import EARLIEST, LATEST

_EXAMPLES: dict[ColumnType, Value] = {
    ColumnType.KEY: "k1",
    ColumnType.CATEGORY: "c1",
    ColumnType.MONEY: 1250,
    ColumnType.INTEGER: 3,
    ColumnType.NUMBER: 0.25,
    ColumnType.FLAG: True,
    ColumnType.TIME: 5,
}


def example_body(kind: str) -> dict[str, Value]:
    """A body that fills every column of a kind."""
    return {column.name: _example(column) for column in KINDS[kind].values()}


def _example(column: Column) -> Value:
    if column.name == "currency":
        return "CNY"
    return column.values[0] if column.values else _EXAMPLES[column.type]


texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
instants = st.integers(EARLIEST, LATEST)
numbers = st.floats(allow_nan=False, allow_infinity=False)
wholes = st.integers(-MAX_MINOR, MAX_MINOR)


def values(column: Column) -> st.SearchStrategy[Value]:
    """Values that fit a column."""
    if column.name == "currency":
        return st.sampled_from(["CNY", "USD", "JPY"])
    if column.values:
        return st.sampled_from(column.values)
    of_type: dict[ColumnType, st.SearchStrategy[Value]] = {
        ColumnType.KEY: texts,
        ColumnType.CATEGORY: texts,
        ColumnType.MONEY: wholes,
        ColumnType.INTEGER: wholes,
        ColumnType.NUMBER: numbers,
        ColumnType.FLAG: st.booleans(),
        ColumnType.TIME: instants,
    }
    return of_type[column.type]


@st.composite
def bodies(draw: st.DrawFn, kind: str) -> dict[str, Value]:
    """Bodies of a kind: what is required, and some of the rest."""
    body: dict[str, Value] = {}
    for column in KINDS[kind].values():
        if column.required or draw(st.integers(0, 3)) == 0:
            body[column.name] = draw(values(column))
    if draw(st.booleans()):
        body["x_number"] = draw(numbers | st.integers(-MAX_MINOR, MAX_MINOR))
    if draw(st.booleans()):
        body["x_category"] = draw(texts)
    return body


@st.composite
def events(
    draw: st.DrawFn,
    kinds: tuple[str, ...] = tuple(KINDS),
    ids: st.SearchStrategy[str] = texts,
    moments: st.SearchStrategy[int] = instants,
    clients: st.SearchStrategy[str] = st.just("local"),  # noqa: B008 - a strategy is a constant
) -> Event:
    """Events that every door accepts."""
    kind = draw(st.sampled_from(kinds))
    event_time = draw(moments)
    known_at = event_time if kind == "outcome" else draw(moments)
    return Event(kind, draw(ids), event_time, known_at, draw(bodies(kind)), draw(clients))
