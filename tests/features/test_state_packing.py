"""Packed states: what goes in comes out, and nothing that was damaged, cut or made for something else is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError
from features.aggregates import Count, Mean
from features.catalogue import FeatureSet, compile_set
from features.settings import FeatureSettings
from features.state_packing import CARRIED, FORMAT, Form, forms_of, pack, unpack
from features.view import FeatureView, ring
from tests.features.streams import PLATFORM

WORDS = st.integers(-(2**63), 2**63 - 1)


@st.composite
def states(draw: st.DrawFn) -> tuple[Form, str, int, np.ndarray, list[np.ndarray]]:
    widths = draw(st.lists(st.integers(2, 9), min_size=1, max_size=4))
    form = Form("card_id", draw(st.binary(min_size=16, max_size=16)), tuple(widths))
    carried = draw(st.lists(WORDS, min_size=len(widths) * len(CARRIED), max_size=len(widths) * len(CARRIED)))
    rows = []
    for width in widths:
        n_words = draw(st.integers(0, 3)) * width
        rows.append(np.array(draw(st.lists(WORDS, min_size=n_words, max_size=n_words)), dtype=np.int64))
    key = draw(st.text(min_size=1, max_size=5))
    return form, key, draw(st.integers(0, 2**62)), np.array(carried, np.int64).reshape(len(widths), -1), rows


@given(states())
def test_what_goes_in_comes_out(state: tuple[Form, str, int, np.ndarray, list[np.ndarray]]) -> None:
    form, key, seq, carried, rows = state
    packed = pack(form, key, seq, carried, rows)
    empty = pack(form, "none", 1, carried, [row[:0] for row in rows])
    # Whatever lies beside it.
    for some in ([(key, packed)], [("none", empty), (key, packed), ("none", empty)]):
        found = unpack(form, some)
        place = found.keys.index(key) if len(some) == 1 else 1
        assert found.seqs[place] == seq
        assert np.array_equal(found.carried[place], carried)
        assert found.n_rows[place].tolist() == [len(row) // w for row, w in zip(rows, form.widths, strict=True)]
        start, n_words = found.starts[place], sum(map(len, rows))
        assert found.words[start : start + n_words].tolist() == [word for row in rows for word in row.tolist()]


@given(states(), st.data())
def test_any_damage_raises(state: tuple[Form, str, int, np.ndarray, list[np.ndarray]], data: st.DataObject) -> None:
    form, key, seq, carried, rows = state
    packed = pack(form, key, seq, carried, rows)
    place, bit = data.draw(st.integers(0, len(packed) - 1)), data.draw(st.integers(0, 7))
    flipped = bytearray(packed)
    flipped[place] ^= 1 << bit
    whole = pack(form, "whole", seq, carried, rows)
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    for wrong in (bytes(flipped), cut, packed + b"\0", packed + packed[-8:], cut[::-1]):
        with pytest.raises(DataError, match=r"state of a card_id: expected .*assay features backfill"):
            unpack(form, [("whole", whole), (key, wrong)])
    with pytest.raises(DataError, match="checksum"):
        unpack(form, [(key + "x", packed)])


def test_another_definition_or_format_is_named() -> None:
    form = Form("card_id", bytes(16), (2,))
    packed = pack(form, "c", 1, np.zeros((1, len(CARRIED)), np.int64), [np.arange(4)])
    for other in (
        Form("card_id", b"\1" * 16, (2,)),
        Form("card_id", bytes(16), (2, 2)),
        Form("card_id", b"\2" * 16, ()),
    ):
        with pytest.raises(DataError, match=r"expected definition .*, got "):
            unpack(other, [("c", packed)])
    later = bytearray(packed)
    later[4] = FORMAT + 1
    with pytest.raises(DataError, match=rf"expected format {FORMAT}, got {FORMAT + 1}; the state is a cache"):
        unpack(form, [("c", bytes(later))])


def feature_set(**changes: object) -> FeatureSet:
    view = FeatureView(**{
        "entity": "card_id", "source": "transaction", "retain": ring(8), "name": "card",
        "features": [Count(over=["1h"]), Mean("amount", over=["1h"])], **changes,
    })  # fmt: skip
    other = FeatureView(entity="customer_id", source="transaction", features=[Count(over=["1h"])], name="customer")
    return compile_set(FeatureSettings(product="payment"), PLATFORM, (view, other), (), {})


@pytest.mark.parametrize(
    "changes",
    [
        {"retain": ring(9)},
        {"features": [Count(over=["2h"]), Mean("amount", over=["1h"])]},
        {"features": [Count(over=["1h"]), Mean("amount", over=["1h"]), Mean("card_present", over=["1h"])]},
        {"where": ()},
        {"source": "outcome"},
    ],
)
def test_whatever_changes_the_meaning_changes_the_definition(changes: dict[str, object]) -> None:
    before, after = forms_of(feature_set()), forms_of(feature_set(**changes))
    assert before == forms_of(feature_set())
    assert before["card_id"].definition != after["card_id"].definition
    # The other entity's states are read on.
    assert before["customer_id"] == after["customer_id"]


def test_the_platform_is_part_of_the_meaning() -> None:
    for changed in ({"max_lateness": 0}, {"time_zone": "UTC"}, {"fx": {}}, {"base_currency": "USD", "fx": {}}):
        platform = PLATFORM.model_copy(update=changed)
        view = FeatureView(entity="card_id", source="transaction", features=[Count(over=["1h"])], name="card")
        one, two = (compile_set(FeatureSettings(product="payment"), p, (view,), (), {}) for p in (PLATFORM, platform))
        assert forms_of(one)["card_id"].definition != forms_of(two)["card_id"].definition
