"""The columns of a file as the importer reads them: as they were, as texts, as plain numerals."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.importer.mapping import Source
from data.importer.source import SourceTable, texts
from stores.checks import Mask, mask


class Columns:
    """Reads columns by name and keeps their texts for the next reader.

    Parameters
    ----------
    source : the file in memory.
    settings : how it was to be read.
    """

    def __init__(self, source: SourceTable, settings: Source) -> None:
        self.rows = pa.array(source.rows)
        self.n_rows = len(source.rows)
        self._table = source.table
        self._settings = settings
        self._texts: dict[str, tuple[pa.Array, Mask]] = {}

    def none(self) -> Mask:
        """A mask of no rows."""
        return np.zeros(self.n_rows, dtype=bool)

    def raw(self, name: str) -> pa.Array:
        """A column as it was; NaN is null where the mapping says so."""
        values = self._table[name].combine_chunks()
        if pa.types.is_float16(values.type):
            values = values.cast(pa.float32())
        if self._settings.nan == "null" and pa.types.is_floating(values.type):
            return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
        return values

    def is_number(self, name: str) -> bool:
        """Whether the file itself holds numbers in the column."""
        found = self._table.schema.field(name).type
        return bool(pa.types.is_integer(found) or pa.types.is_floating(found))

    def text(self, name: str) -> pa.Array:
        """The texts of a column; null where the file has no value or no readable one."""
        return self._read(name)[0]

    def undecodable(self, name: str) -> Mask:
        """Rows whose bytes are not text in the declared encoding."""
        return self._read(name)[1]

    def numeral(self, name: str) -> pa.Array:
        """The texts of a column without thousands separators and with a point before the decimals."""
        text = self.text(name)
        if self._settings.thousands is not None:
            text = pc.replace_substring(text, self._settings.thousands, "")
        if self._settings.decimal_point != ".":
            text = pc.replace_substring(text, self._settings.decimal_point, ".")
        return text

    def one_of(self, name: str, wanted: tuple[str, ...]) -> Mask:
        """Rows whose text is one of those wanted."""
        return mask(pc.is_in(self.text(name), value_set=pa.array(wanted, pa.string())))

    def _read(self, name: str) -> tuple[pa.Array, Mask]:
        if name not in self._texts:
            column = pa.chunked_array([self.raw(name)])
            self._texts[name] = texts(column, self._settings.nulls, trim=self._settings.format == "csv")
        return self._texts[name]
