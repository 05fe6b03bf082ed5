"""Many rows in one statement: each statement lets go of the interpreter's lock, and must wait to have it back.

Large numbers are cut into pieces of few sizes, so that ten texts serve any number and SQLite keeps them prepared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import apsw

T = TypeVar("T")

_LARGEST, _ANY_BELOW = 32, 9


def insert_rows(connection: apsw.Connection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows of all columns, in the order given.

    Examples
    --------
    >>> connection = apsw.Connection(":memory:")
    >>> _ = connection.execute("CREATE TABLE pair (a, b)")
    >>> insert_rows(connection, "pair", [(n, n * n) for n in range(37)])
    >>> connection.execute("SELECT count(*), sum(b) FROM pair").fetchall()
    [(37, 16206)]
    """
    for piece in pieces(rows):
        text = f"INSERT INTO {table} VALUES {marks(len(piece), len(piece[0]))}"  # noqa: S608 - a name of ours and marks
        connection.execute(text, [value for row in piece for value in row])


def select_matching(
    connection: apsw.Connection, columns: str, table: str, keys: tuple[str, ...], wanted: Sequence[Sequence[Any]]
) -> Iterator[tuple[Any, ...]]:
    """The rows whose key columns hold one of the wanted values; an index over the keys is used.

    Examples
    --------
    >>> connection = apsw.Connection(":memory:")
    >>> _ = connection.execute("CREATE TABLE pair (a PRIMARY KEY, b)")
    >>> insert_rows(connection, "pair", [(n, n * n) for n in range(9)])
    >>> list(select_matching(connection, "a, b", "pair", ("a",), [(3,), (11,), (5,)]))
    [(3, 9), (5, 25)]
    """
    # One look into the index after the other: a join with a list of values makes a table of them first.
    one = f"SELECT {columns} FROM {table} WHERE {' AND '.join(f'{name} = ?' for name in keys)}"  # noqa: S608 - as above
    for piece in pieces(wanted):
        text = " UNION ALL ".join([one] * len(piece))
        yield from connection.execute(text, [value for row in piece for value in row])


def pieces(items: Sequence[T], largest: int = _LARGEST) -> Iterator[Sequence[T]]:
    """Slices of ``largest``, a power of two, then of smaller ones down to 8, or fewer than 8.

    Examples
    --------
    >>> [len(piece) for piece in pieces(range(93))]
    [32, 32, 16, 8, 5]
    """
    start, left = 0, len(items)
    while left:
        size = left if left < _ANY_BELOW else min(largest, 1 << (left.bit_length() - 1))
        yield items[start : start + size]
        start, left = start + size, left - size


@lru_cache
def marks(n_rows: int, n_columns: int) -> str:
    """Question marks for so many rows of so many values."""
    row = f"({', '.join('?' * n_columns)})"
    return ", ".join([row] * n_rows)
