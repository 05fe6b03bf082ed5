"""Texts made of columns: ``h{TRANSACTION_ID}``, ``{ID}-2005-09``, ``german-{row:4}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_PLACE = re.compile(r"\{([^{}]+?)(?::([0-9]{1,2}))?\}")

ROW = "row"
"""The placeholder that is no column: the number of the row in the file, from 1."""


@dataclass(frozen=True, slots=True)
class Part:
    """A column whose text stands here, padded with zeros to ``width``."""

    column: str
    width: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """A parsed template: literals around parts, ``literals`` one longer than ``parts``.

    Examples
    --------
    >>> text = Text.parse("t{row:3}-{CARD}")
    >>> text.columns
    ('CARD',)
    >>> text.render({"CARD": pa.array(["x", None])}, pa.array([7, 8])).to_pylist()
    ['t007-x', None]
    """

    literals: tuple[str, ...]
    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, template: str) -> Text:
        """Read a template; raises ValueError where a brace is left over."""
        literals, parts, end = [], [], 0
        for match in _PLACE.finditer(template):
            literals.append(template[end : match.start()])
            parts.append(Part(match[1], int(match[2] or 0)))
            end = match.end()
        literals.append(template[end:])
        if any(brace in literal for literal in literals for brace in "{}"):
            raise ValueError(f"{template!r}: expected {{column}} or {{row}} between the braces")
        return cls(tuple(literals), tuple(parts))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it needs."""
        return tuple(dict.fromkeys(part.column for part in self.parts if part.column != ROW))

    def render(self, columns: Mapping[str, pa.Array], rows: pa.Array) -> pa.Array:
        """The text of every row; null where a column is null.

        Parameters
        ----------
        columns : name → texts.
        rows : int64 numbers of the rows.
        """
        pieces: list[pa.Array | pa.Scalar] = []
        for literal, part in zip(self.literals[:-1], self.parts, strict=True):
            text = rows.cast(pa.string()) if part.column == ROW else columns[part.column]
            pieces += [pa.scalar(literal), pc.utf8_lpad(text, part.width, "0") if part.width else text]
        pieces.append(pa.scalar(self.literals[-1]))
        if not self.parts:
            return pa.repeat(pa.scalar(self.literals[0]), len(rows))
        return pc.binary_join_element_wise(*pieces, pa.scalar(""))
