"""What a request's struct has settled about its event, so that only the rest is looked at, all columns at once.

    decoded struct ── types, lengths, closed values, bounds and required columns are settled by its type
        1. one tuple of its values ──▶ body without nulls
        2. each key once: strings of the body counted against those of the struct
        3. texts printable, numbers finite: one look at all of them
    anything that is not plainly right ──▶ the slow, obviously right check, which also words the refusal

One by one, with `domain.events.check_event` and a second reading of the JSON, that took 40 µs of a payment at the
doors; so 6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.structs import astuple

from domain.events import Column, ColumnType, Value

_HEAD = ("event_id", "event_time")


class Contents(NamedTuple):
    """A struct's columns without nulls.

    Parameters
    ----------
    n_strings : JSON strings that a body must have to say this once: its keys, and its values that are text.
    plain : whether each text is printable and each number finite.
    """

    body: dict[str, Value]
    n_strings: int
    plain: bool


class Shape:
    """The columns of one struct.

    Parameters
    ----------
    struct : event_id, event_time, perhaps deadline_ms, then the columns.
    columns : name → column.

    Examples
    --------
    >>> import msgspec
    >>> from domain.events import KINDS
    >>> struct = msgspec.defstruct("Inquiry", [("event_id", str), ("event_time", str), ("purpose", str | None, None)])
    >>> shape = Shape(struct, {"purpose": KINDS["inquiry"]["purpose"]})
    >>> shape.contents(struct("e1", "2026-03-01T08:00:00Z", "a loan"))
    Contents(body={'purpose': 'a loan'}, n_strings=6, plain=True)
    """

    def __init__(self, struct: type[Any], columns: Mapping[str, Column]) -> None:
        fields: tuple[str, ...] = struct.__struct_fields__
        self._columns = fields[len(fields) - len(columns) :]
        if fields[:2] != _HEAD or set(self._columns) != set(columns):
            raise ValueError(f"{struct.__name__}: expected {', '.join(_HEAD)} and then the columns, got {fields}")
        self._start = len(fields) - len(columns)
        self._deadline = "deadline_ms" in fields[: self._start]
        # A struct of several kinds has its kind as one more key with a text.
        self._n_head = 4 + 2 * (struct.__struct_config__.tag is not None)
        # No time is a column of what the doors read; the slow check would have to look at one.
        self._checked = all(column.type is not ColumnType.TIME for column in columns.values())

    def contents(self, struct: Any) -> Contents:
        """The columns of a decoded struct."""
        values = astuple(struct)
        body: dict[str, Value] = {}
        texts = [struct.event_id]
        plain = self._checked
        for name, value in zip(self._columns, values[self._start :], strict=True):
            if value is None:
                continue
            body[name] = value
            kind = type(value)
            if kind is str:
                texts.append(value)
            elif kind is float and not math.isfinite(value):
                plain = False
        n_strings = self._n_head + len(body) + len(texts) - 1
        if self._deadline and struct.deadline_ms is not None:
            n_strings += 1
        return Contents(body, n_strings, plain and "".join(texts).isprintable())


def says_each_key_once(raw: bytes, n_strings: int) -> bool:
    """Whether a JSON body is certain to have no key twice; False where that must be looked at.

    Every key is one of the struct's and no value holds an object, so that a key said twice, or said as null, makes the
    body have more strings than the struct. Without a backslash each ``"`` begins or ends a string.

    Examples
    --------
    >>> says_each_key_once(b'{"a":1,"b":"x"}', 3), says_each_key_once(b'{"a":1,"a":2}', 1)
    (True, False)
    """
    return raw.count(b'"') == 2 * n_strings and b"\\" not in raw
