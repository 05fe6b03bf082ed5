"""A CSV or Parquet file in memory, with the number of each row and the rows that could not be read."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from data.importer.mapping import Source
from domain.errors import InputError, expected_got

ROW_COLUMN = "_row"
REASON_COLUMN = "_reason"
TEXT_COLUMN = "_text"
"""Columns that a file of rejected rows carries; rows mended there and imported again keep their numbers."""

_BLOCK = 1 << 24
_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that has no columns to speak of.

    Parameters
    ----------
    row : its number in the file, from 1.
    """

    row: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class SourceTable:
    """What a file held.

    Parameters
    ----------
    table : every column as it was; those of a CSV file are binary, undecoded.
    rows : int64 number of each row of the table, from 1, counting the broken ones.
    broken : lines outside the table.
    sha256 : of the file.
    """

    table: pa.Table
    rows: npt.NDArray[np.int64]
    broken: Sequence[Broken]
    sha256: str

    @property
    def n_rows(self) -> int:
        """Rows of the file, the broken ones among them."""
        return len(self.rows) + len(self.broken)


def read_source(settings: Source, path: Path, needed: Sequence[str]) -> SourceTable:
    """Read a whole file.

    Parameters
    ----------
    needed : columns the mapping reads.

    Raises
    ------
    InputError
        When the file is absent, empty, not of the declared format, or lacks a needed column.
    """
    digest = _digest(path)
    try:
        if settings.format == "parquet":
            table = _read_parquet(path)
            broken: list[Broken] = []
        else:
            table, broken = _read_csv(settings, path, needed)
    except (pa.ArrowException, OSError, UnicodeError, csv.Error, EOFError) as error:
        message = expected_got(f"a readable {settings.format} file", str(error), str(path))
        raise InputError(f"{message}; the mapping says `format: {settings.format}`") from error
    check_columns(path, table.column_names, needed)
    source = SourceTable(table, _row_numbers(table, broken), broken, digest)
    if not source.n_rows:
        raise InputError(f"{path}: expected at least one row, got none")
    return source


def check_columns(path: Path, present: Sequence[str], needed: Sequence[str]) -> None:
    """Refuse a file that lacks a column the mapping reads, or names one twice.

    Raises
    ------
    InputError
        Listing the columns that are there.
    """
    twice = sorted({name for name in present if present.count(name) > 1})
    if twice:
        raise InputError(f"{path}: expected every column once, got {', '.join(twice)} twice")
    missing = [name for name in needed if name not in present]
    if missing:
        hint = "; the header has one column: is the delimiter right?" if len(present) == 1 else ""
        listed = ", ".join(present)
        raise InputError(f"{path}: expected column(s) {', '.join(missing)}, the file has {listed}{hint}")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if not file.peek(1):
                raise InputError(f"{path}: expected a header and rows, got an empty file")
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(expected_got("a file to import", error.strerror, str(path))) from error


def _read_parquet(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read(use_threads=False)


def _read_csv(settings: Source, path: Path, needed: Sequence[str]) -> tuple[pa.Table, list[Broken]]:
    names = _header(settings, path)
    check_columns(path, names, needed)
    sound = _scan(settings, path)
    # Bytes that are no UTF-8 are read as Latin-1, where every byte is a character, and taken back afterwards: a
    # single row in the wrong encoding is a single bad row, and what is written aside is what was there. Arrow can
    # not hand over the text of a broken line otherwise, and would lose the line.
    encoding = settings.encoding if settings.encoding != "utf-8" else "utf8" if sound else "latin-1"
    seen = names if sound else [_as_latin(name) for name in names]
    broken: list[Broken] = []

    def set_aside(row: arrow_csv.InvalidRow) -> str:
        reason = f"expected {row.expected_columns} columns, got {row.actual_columns}"
        text = row.text if sound else row.text.encode("latin-1").decode("utf-8", "surrogateescape")
        # Arrow counts the header as row 1 and leaves blank lines out.
        broken.append(Broken(row.number - 1, reason, text))
        return "skip"

    table = arrow_csv.read_csv(
        path,
        # One thread: only then does Arrow know the number of a broken row.
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK, encoding=encoding),
        parse_options=arrow_csv.ParseOptions(
            delimiter=settings.delimiter,
            quote_char=settings.quote if settings.quote is not None else False,
            newlines_in_values=True,
            invalid_row_handler=set_aside,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys([*seen, _as_latin("\ufeff") + seen[0]], pa.binary()), strings_can_be_null=False
        ),
    )
    if not sound:
        columns = [
            pa.array([cell.decode("utf-8").encode("latin-1") for cell in column.to_pylist()], pa.binary())
            for column in table.columns
        ]
        table = pa.table(columns, names=names)
    return table, broken


def _as_latin(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _scan(settings: Source, path: Path) -> bool:
    """Whether a file declared as UTF-8 is UTF-8 throughout; quotes are counted on the way.

    Raises
    ------
    InputError
        When a quote is never closed: it would swallow every line up to the next one.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    sound, n_quotes = True, 0
    quote = (settings.quote or "").encode()
    with pa.input_stream(str(path)) as stream:
        while block := stream.read(_BLOCK):
            n_quotes += block.count(quote) if quote else 0
            if sound and settings.encoding == "utf-8":
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    sound = False
    if decoder.getstate()[0]:
        sound = False
    if n_quotes % 2 and not settings.encoding.startswith(("utf-16", "utf-32")):
        raise InputError(
            f"{path}: expected quotes ({settings.quote}) in pairs, got {n_quotes}: one is never closed; "
            "say `quote: null` in the mapping if the file quotes nothing"
        )
    return sound


def _header(settings: Source, path: Path) -> list[str]:
    with pa.input_stream(str(path)) as stream:
        head = stream.read(_BLOCK)
    if head.startswith(_PARQUET_MAGIC):
        raise InputError(f"{path}: expected CSV, got a Parquet file; say `format: parquet` in the mapping")
    decoder = io.TextIOWrapper(io.BytesIO(head), settings.encoding, newline="", errors="surrogateescape")
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if settings.quote is not None else csv.QUOTE_NONE
    lines = csv.reader(decoder, delimiter=settings.delimiter, quotechar=settings.quote or '"', quoting=quoting)
    for line in lines:
        if line:
            return [line[0].removeprefix("\ufeff"), *line[1:]]
    raise InputError(f"{path}: expected a header and rows, got blank lines")


def _row_numbers(table: pa.Table, broken: Sequence[Broken]) -> npt.NDArray[np.int64]:
    """1…n without the broken rows; or the numbers a file of rejected rows remembers."""
    if ROW_COLUMN in table.column_names:
        try:
            column = table[ROW_COLUMN]
            text = column.cast(pa.string()) if pa.types.is_binary(column.type) else column
            remembered = text.cast(pa.int64())
        except pa.ArrowInvalid:
            remembered = pa.nulls(1, pa.int64())
        if remembered.null_count:
            raise InputError(f"{ROW_COLUMN}: expected the row numbers that were written aside, got other values")
        return remembered.to_numpy()  # type: ignore[no-any-return]  # pyarrow is untyped
    n_rows = table.num_rows + len(broken)
    kept = np.ones(n_rows, dtype=bool)
    kept[[row.row - 1 for row in broken]] = False
    return np.flatnonzero(kept).astype(np.int64) + 1


def texts(column: pa.ChunkedArray, nulls: Sequence[str], *, trim: bool) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """A column as the texts of its values, and the rows whose bytes are no UTF-8.

    Whole floats lose their point, so that an id that pandas made a float is the id it was.

    Raises
    ------
    InputError
        When the column holds lists or structures.
    """
    values = column.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        values, wrong = _decoded(values)
    else:
        wrong = np.zeros(len(values), dtype=bool)
    if pa.types.is_floating(values.type):
        values = _float_texts(values)
    elif pa.types.is_nested(values.type):
        raise InputError(expected_got("a column of plain values", str(values.type), "source"))
    else:
        values = values.cast(pa.string())
    if trim:
        values = pc.utf8_trim_whitespace(values)
    if nulls:
        values = pc.if_else(pc.is_in(values, value_set=pa.array(nulls)), pa.scalar(None, pa.string()), values)
    return values, wrong


def _decoded(values: pa.Array) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    try:
        return values.cast(pa.string()), np.zeros(len(values), dtype=bool)
    except pa.ArrowInvalid:
        decoded = [None if value is None else value.decode("utf-8", "replace") for value in values.to_pylist()]
        exact = [None if text is None else text.encode() for text in decoded]
        wrong = pc.not_equal(values, pa.array(exact, values.type))
        return pa.array(decoded, pa.string()), pc.fill_null(wrong, fill_value=False).to_numpy(zero_copy_only=False)


def _float_texts(values: pa.Array) -> pa.Array:
    whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), 2.0**53))
    counts = pc.if_else(whole, values, pa.scalar(None, values.type)).cast(pa.int64())
    return pc.coalesce(counts.cast(pa.string()), values.cast(pa.string()))
