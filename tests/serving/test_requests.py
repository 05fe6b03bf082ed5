"""Requests are read strictly, and what is wrong with them is told without their content."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import KINDS, ColumnType
from serving.problems import Problem
from serving.requests import FACT_KINDS, Reader
from tests.serving import world

EXTENSIONS = {"transaction": {"x_vip": ColumnType.CATEGORY, "x_score": ColumnType.NUMBER}}
READER = Reader(world.platform().fx_table(), EXTENSIONS)
PAYMENT = {"event_id": "p", "event_time": "2025-11-01T08:00:00+08:00", "amount": 5, "currency": "CNY"}


def read(body: Any) -> Any:
    return READER.score("payment", json.dumps(body).encode(), "shop", world.START).event


def test_extensions_that_were_declared_are_read_and_typed() -> None:
    assert read({**PAYMENT, "x_vip": "gold", "x_score": 1}).body["x_score"] == 1.0
    for wrong in ({"x_vip": 1}, {"x_score": "1"}, {"x_score": True}, {"x_other": 1}):
        with pytest.raises(Problem) as problem:
            read({**PAYMENT, **wrong})
        assert problem.value.status == 422


def test_null_means_absent_and_required_is_required() -> None:
    assert read({**PAYMENT, "channel": None, "card_id": None}).body == {"amount": 5, "currency": "CNY"}
    for name in PAYMENT:
        with pytest.raises(Problem):
            read({**PAYMENT, name: None})


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T08:00:00+08:00", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1969-12-31T23:59:59.999999Z", -1),
    ],
)
def test_times_are_read_to_the_microsecond(text: str, micros: int) -> None:
    assert read({**PAYMENT, "event_time": text}).event_time == micros


@pytest.mark.parametrize("kind", FACT_KINDS)
def test_each_kind_refuses_the_columns_of_the_others_and_its_protected_ones(kind: str) -> None:
    every = {column.name for columns in KINDS.values() for column in columns.values()}
    mine = {column.name for column in KINDS[kind].values() if not column.protected}
    for name in sorted(every - mine):
        body = {"kind": kind, "event_id": "e", "event_time": "2025-11-01T00:00:00Z", name: None}
        with pytest.raises(Problem) as problem:
            READER.fact(json.dumps(body).encode(), "shop", world.START)
        assert problem.value.code in ("unknown_field", "protected_field"), name


CANARY = "canary"
NASTY = st.text(max_size=30).map(lambda text: text[:15] + CANARY + text[15:]) | st.sampled_from(
    [f"{CANARY}' - at `$.{CANARY}`", f"', got {CANARY}", f"`{CANARY}`", f"{CANARY}\n", f"$.{CANARY}"]
)


@given(name=st.sampled_from([*PAYMENT, "channel", "card_id", "mcc", "x_vip", "x_score", "latitude"]), value=NASTY)
def test_no_value_is_told(name: str, value: str) -> None:
    for wrong in ({name: value}, {name: [value]}, {name: {value: value}}, {value: 1}, {name: value * 20}):
        told = ""
        try:
            read({**PAYMENT, **wrong})
        except Problem as problem:
            told = problem.body("id").decode()
        assert CANARY not in told


@given(kind=NASTY)
def test_no_kind_is_told(kind: str) -> None:
    with pytest.raises(Problem) as problem:
        READER.fact(json.dumps({**PAYMENT, "kind": kind}).encode(), "shop", world.START)
    assert CANARY not in problem.value.body("id").decode()
