"""Many rows at once are the rows one by one; a keyed hash is the standard library's."""

from __future__ import annotations

import hmac

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stores.keyed_hash import KeyedHash, hash_once
from stores.many_rows import insert_rows, pieces, select_matching


@given(st.binary(max_size=150), st.lists(st.binary(max_size=5_000), min_size=1, max_size=3))
def test_a_keyed_hash_is_hmac_sha256(key: bytes, messages: list[bytes]) -> None:
    keyed = KeyedHash(key)
    for message in messages:
        assert keyed(message) == hash_once(key, message) == hmac.digest(key, message, "sha256")


@given(st.integers(0, 200))
def test_pieces_are_all_of_it_in_order(n: int) -> None:
    cut = list(pieces(range(n)))
    assert [item for piece in cut for item in piece] == list(range(n))
    assert {len(piece) for piece in cut} <= {*range(1, 9), 16, 32}


ROW = st.tuples(st.text(max_size=3), st.integers(0, 5), st.none() | st.binary(max_size=3) | st.floats(allow_nan=False))


@given(
    st.lists(ROW, max_size=80, unique_by=lambda row: row[:2]),
    st.lists(st.tuples(st.text(max_size=3), st.integers(0, 5)), max_size=80),
)
def test_what_was_inserted_is_found_again(rows: list[tuple[object, ...]], wanted: list[tuple[str, int]]) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE kept (a TEXT, b INTEGER, c, PRIMARY KEY (a, b))")
    insert_rows(connection, "kept", rows)
    assert connection.execute("SELECT * FROM kept ORDER BY rowid").fetchall() == rows
    found = list(select_matching(connection, "a, b, c", "kept", ("a", "b"), list(dict.fromkeys(wanted))))
    assert sorted(found, key=repr) == sorted([row for row in rows if row[:2] in wanted], key=repr)


def test_a_row_that_stands_already_is_refused() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE kept (a PRIMARY KEY)")
    with pytest.raises(apsw.ConstraintError):
        insert_rows(connection, "kept", [(1,), (2,), (1,)])


def test_an_index_over_the_keys_is_used() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE kept (a TEXT, b INTEGER, c, PRIMARY KEY (a, b))")
    asked: list[str] = []
    connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: asked.append(event["sql"]))
    list(select_matching(connection, "c", "kept", ("a", "b"), [("x", 1), ("y", 2)]))
    connection.trace_v2(0)
    (text,) = asked
    plan = connection.execute(f"EXPLAIN QUERY PLAN {text}", ["x", 1, "y", 2]).fetchall()
    assert any("SEARCH kept USING INDEX" in row[-1] for row in plan)
