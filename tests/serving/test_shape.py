"""The quick look at a request against the slow, obviously right one: same event, or same refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.events import KINDS, ColumnType, Event, check_event
from domain.time import EARLIEST, LATEST, to_micros
from serving.problems import Problem
from serving.requests import FACT_KINDS, SUBJECT_KIND, Reader, decoded, invalid
from serving.shape import says_each_key_once
from tests.serving import world

EXTENSIONS = {kind: {"x_vip": ColumnType.CATEGORY, "x_score": ColumnType.NUMBER} for kind in KINDS}
READER = Reader(world.platform().fx_table(), EXTENSIONS)
TIMES = ["2025-11-01T08:00:00+08:00", "1901-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2106-12-31T23:59:59Z"]
TEXTS = st.sampled_from(
    ["a", "张三", "a b", 'a"b', "a\\b", "a\tb", "a\u00a0b", "CNY\n", "x" * 128, "x" * 129, "", "\u2028"]
)
NUMBERS = st.sampled_from([0, 1, -1, 0.5, 2**53, 2**53 + 1, 1e308, True, False, None])


def slow(kind: str, decoder: Any, body: bytes, received_at: int) -> Event:
    """Column by column, as it is said in `domain.events`."""
    struct = decoded(decoder, body)
    names = [*[name for name, column in KINDS[kind].items() if not column.protected], *sorted(EXTENSIONS[kind])]
    columns = {name: getattr(struct, name) for name in names if getattr(struct, name) is not None}
    at = to_micros(struct.event_time)
    if not EARLIEST <= at <= LATEST:
        raise invalid(f"{kind}.event_time: expected a time between 1901 and 2106, got another")
    return READER.checked(Event(kind, struct.event_id, at, received_at, columns, "shop"))


def became(read: Any, *arguments: Any) -> Any:
    try:
        event = read(*arguments)
    except Problem as problem:
        return problem.status, problem.code, problem.detail
    check_event(event)
    return event


@st.composite
def bodies(draw: st.DrawFn, kind: str, *, is_fact: bool) -> bytes:
    """Members in any order, some twice, some null, some under a name written with escapes."""
    columns = [column for column in KINDS[kind].values() if not column.protected]
    members: list[tuple[str, Any]] = [
        ("event_id", draw(st.sampled_from(["e1", "é", "e\n", 'e"', "e" * 128]))),
        ("event_time", draw(st.sampled_from(TIMES))),
    ]
    if is_fact:
        members.append(("kind", kind))
    for column in columns:
        if column.name == "amount":
            value: Any = draw(st.sampled_from([5, 0, 2**53 - 1, None]))
        elif column.name == "currency":
            value = draw(st.sampled_from(["CNY", "CNY", "CNY\n", "XXX"]))
        elif column.values and draw(st.booleans()):
            value = draw(st.sampled_from(column.values))
        elif column.required or draw(st.booleans()):
            value = draw(TEXTS if column.type in (ColumnType.KEY, ColumnType.CATEGORY) else NUMBERS)
        else:
            continue
        members.append((column.name, value))
    if draw(st.booleans()):
        members.append(("x_vip", draw(TEXTS)))
        members.append(("x_score", draw(NUMBERS)))
    for _ in range(draw(st.integers(0, 1)) * draw(st.integers(0, 2))):
        name, value = draw(st.sampled_from(members))
        members.append((name, draw(st.sampled_from([value, None]))))
    members = draw(st.permutations(members))
    ascii_only = draw(st.booleans())
    parts = []
    for name, value in members:
        key = json.dumps(name)
        if draw(st.integers(0, 30)) == 0:
            key = f'"\\u{ord(name[0]):04x}{name[1:]}"'
        parts.append(f"{key}: {json.dumps(value, ensure_ascii=ascii_only)}")
    return ("{" + ", ".join(parts) + "}").encode()


@settings(max_examples=400)
@given(st.sampled_from(sorted(SUBJECT_KIND)).flatmap(
    lambda product: st.tuples(st.just(product), bodies(SUBJECT_KIND[product], is_fact=False))
))  # fmt: skip
@example(("payment", b'{"event_id":"e","event_time":"2025-11-01T08:00:00Z","amount":1,"amount":1,"currency":"CNY"}'))
@example(("payment", b'{"event_id":"e","event_time":"2025-11-01T08:00:00Z","amount":1,"mcc":null,"currency":"CNY"}'))
@example(("payment", b'{"event_id":"e","event_time":"2025-11-01T08:00:00Z","amount":1,"mcc":null,"mcc":"5",'
                     b'"currency":"CNY"}'))  # fmt: skip
def test_a_request_is_read_as_slowly(asked: tuple[str, bytes]) -> None:
    product, body = asked
    kind = SUBJECT_KIND[product]
    quick = became(lambda: READER.score(product, body, "shop", world.START).event)
    assert quick == became(slow, kind, READER._score_decoders[product], body, world.START)
    if isinstance(quick, Event):
        assert list(quick.body) == [name for name in (*KINDS[kind], "x_score", "x_vip") if name in quick.body]


@settings(max_examples=400)
@given(st.sampled_from(FACT_KINDS).flatmap(lambda kind: st.tuples(st.just(kind), bodies(kind, is_fact=True))))
def test_a_fact_is_read_as_slowly(told: tuple[str, bytes]) -> None:
    kind, body = told
    quick = became(READER.fact, body, "shop", world.START)
    assert quick == became(slow, kind, READER._fact_decoder, body, world.START)


@pytest.mark.parametrize("received_at", [EARLIEST - 1, LATEST + 1])
def test_a_clock_out_of_reach_is_refused(received_at: int) -> None:
    body = b'{"event_id":"e","event_time":"2025-11-01T08:00:00Z","amount":1,"currency":"CNY"}'
    with pytest.raises(Problem) as problem:
        READER.score("payment", body, "shop", received_at)
    assert "known_at" in problem.value.detail


def test_most_bodies_need_no_second_look() -> None:
    body = b'{"event_id":"e","event_time":"2025-11-01T08:00:00Z","amount":1,"currency":"CNY","deadline_ms":50}'
    struct = READER._score_decoders["payment"].decode(body)
    contents = READER._score_shapes["payment"].contents(struct)
    assert contents.plain
    assert says_each_key_once(body, contents.n_strings)
    assert not says_each_key_once(body[:-1] + b',"deadline_ms":60}', contents.n_strings)
