"""Events of any kind, made from the kinds table: few entities, few values, nulls where they are allowed."""

from __future__ import annotations

import numpy as np

from domain.events import KINDS, NAMESPACES, Column, ColumnType, Event, Value
from domain.labels import LABEL_POLICIES
from tests.features.streams import START, numbered

_CODES = sorted({code for policy in LABEL_POLICIES.values() for code in policy.verdicts})


def generated_stream(kinds: tuple[str, ...], span: int, n: int, seed: int, n_entities: int = 3) -> list[Event]:
    """``n`` events of the kinds, over ``span`` µs, mostly in order, with ties and late ones."""
    rng = np.random.default_rng(seed)
    instants = START + np.sort(rng.integers(0, span, n // 2))
    events = []
    for index in range(n):
        kind = kinds[rng.integers(len(kinds))]
        place = index * len(instants) // n if rng.random() < 0.9 else int(rng.integers(len(instants)))
        time = int(instants[place])
        body: dict[str, Value] = {}
        for column in KINDS[kind].values():
            if column.required or rng.random() < 0.85:
                body[column.name] = _value(rng, column, n_entities)
        body.pop("stage", None)
        if kind == "outcome":
            body["currency"] = "CNY"
        events.append(Event(kind, f"e{index}", time, time, body))
    return numbered(events)


def _value(rng: np.random.Generator, column: Column, n_entities: int) -> Value:
    if column.name == "currency":
        return "CNY"
    if column.name == "code":
        return _CODES[rng.integers(len(_CODES))]
    if column.values:
        return column.values[rng.integers(len(column.values))]
    match column.type:
        case ColumnType.KEY:
            # Keys of one namespace name the same things: an account pays and is paid.
            return f"{NAMESPACES.get(column.name, column.name)[0]}{rng.integers(n_entities)}"
        case ColumnType.CATEGORY:
            return f"v{rng.integers(4)}"
        case ColumnType.MONEY:
            return int(rng.integers(-10_000, 10_000_000))
        case ColumnType.INTEGER:
            return int(rng.integers(-3, 120))
        case ColumnType.NUMBER:
            return float(np.round(rng.random(), 6))
        case ColumnType.FLAG:
            return bool(rng.integers(2))
        case ColumnType.TIME:
            return START + int(rng.integers(1000))
