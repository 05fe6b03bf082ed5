from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decision import Product
from domain.errors import DataError, DefinitionError
from features.online import Vector
from scoring.encode import Encoder
from tests.scoring.bundles import feature_set, requests


def vectors(table: pa.Table, encoder: Encoder) -> list[Vector]:
    """What the online clock would hand over for each row of a table."""
    rows = []
    for row in table.to_pylist():
        numbers = [np.nan if n in encoder.categories or row[n] is None else row[n] for n in encoder.names]
        texts = tuple(row[name] for name in encoder.categories)
        rows.append(Vector(np.array(numbers, dtype=np.float64), texts, truncated=False, stale=False))
    return rows


@pytest.mark.parametrize("product", list(Product))
def test_a_table_and_its_online_vectors_give_the_same_bits(product: Product) -> None:
    table = requests(product, 200)
    # Fitted on the first half: the other half brings unseen categories.
    encoder = Encoder.fit(table.slice(0, 4), feature_set(product))
    matrix = encoder.matrix(table)
    assert np.isnan(matrix).any()
    online = np.stack([encoder.row(vector) for vector in vectors(table, encoder)])
    assert online.tobytes() == matrix.tobytes()


texts = st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["a", "b", "A", ""]))


@given(fit=st.lists(texts, max_size=6), asked=st.lists(texts, min_size=1, max_size=6))
def test_a_category_is_its_place_and_anything_else_is_missing(fit: list[str | None], asked: list[str | None]) -> None:
    known = tuple(sorted({text for text in fit if text is not None}))
    encoder = Encoder(("c", "n"), {"c": known})
    table = pa.table({"c": pa.array(asked, pa.string()), "n": pa.array([1.0] * len(asked))})
    expected = [float(known.index(text)) if text in known else np.nan for text in asked]
    assert np.array_equal(encoder.matrix(table)[:, 0], expected, equal_nan=True)


def test_fit_learns_categories_in_the_order_of_their_text_whatever_the_order_of_rows() -> None:
    features = feature_set(Product.PAYMENT)
    table = requests(Product.PAYMENT)
    there = Encoder.fit(table, features).categories
    back = Encoder.fit(table.take(np.arange(table.num_rows)[::-1]), features).categories
    assert there == back
    assert tuple(there) == features.categorical
    assert there["mcc"] == tuple(f"mcc-{code}" for code in range(5))


def test_a_vector_is_not_changed() -> None:
    encoder = Encoder(("n", "c"), {"c": ("a", "b")})
    vector = Vector(np.array([1.0, np.nan]), ("b",), truncated=False, stale=False)
    assert encoder.row(vector).tolist() == [1.0, 1.0]
    assert np.isnan(vector.values[1])


def test_integers_and_chunks_are_read_as_floats() -> None:
    encoder = Encoder(("n", "c"), {"c": ("a",)})
    table = pa.table({"n": pa.chunked_array([[1], [None, 3]]), "c": pa.chunked_array([["a"], ["b", None]])})
    assert np.array_equal(encoder.matrix(table), [[1, 0], [np.nan, np.nan], [3, np.nan]], equal_nan=True)
    assert encoder.matrix(table.slice(0, 0)).shape == (0, 2)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DefinitionError, match="distinct names"):
        Encoder(("a", "a"), {})
    with pytest.raises(DefinitionError, match="categorical ones among them"):
        Encoder(("a",), {"b": ()})
    with pytest.raises(DefinitionError, match="distinct categories"):
        Encoder(("a",), {"a": ("x", "x")})
    with pytest.raises(DataError, match=r"without \['b'\]"):
        Encoder(("a", "b"), {}).matrix(pa.table({"a": [1.0]}))
