"""Read what is to be audited: one file, a folder of files of the same columns, a snapshot."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from domain.errors import DataError, InputError, expected_got

_KINDS = (".csv", ".tsv", ".txt", ".parquet", ".pq")
_TEST = re.compile(r"(?:^|[^a-z])(?:test|valid|validation|holdout|oot)(?:[^a-z]|$)", re.IGNORECASE)
_TRAIN = re.compile(r"(?:^|[^a-z])(?:train|training|develop|dev)(?:[^a-z]|$)", re.IGNORECASE)
_EMPTY = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]


def read_intake(path: Path) -> tuple[pd.DataFrame, np.ndarray | None]:
    """The table, and which rows are of files named as tests beside others named as training (None where none are).

    Raises
    ------
    InputError
        When there is nothing to read.
    DataError
        When a file cannot be read or the files' columns differ.
    """
    files = _files(path)
    tables = [_read(file) for file in files]
    names = tables[0].column_names
    for file, table in zip(files, tables, strict=True):
        if sorted(table.column_names) != sorted(names):
            off = sorted(set(table.column_names) ^ set(names))
            raise DataError(
                expected_got(f"the columns of {files[0].name}", f"others: {', '.join(off[:8])}", str(file))
                + "; audit files of different tables one by one"
            )
    frames = [table.select(names).to_pandas() for table in tables]
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    tests = [bool(_TEST.search(file.stem)) for file in files]
    if not any(tests) or not any(_TRAIN.search(file.stem) for file in files):
        return frame, None
    return frame, np.repeat(tests, [table.num_rows for table in tables])


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(expected_got("a CSV or Parquet file, or a folder of them", "nothing there", str(path)))
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in _KINDS and not file.name.startswith("."))
    if not files:
        raise InputError(expected_got(f"files that end in {', '.join(_KINDS)}", "none", str(path)))
    return files


def _read(path: Path) -> pa.Table:
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pq.read_table(path)
        with path.open("rb") as file:
            first = file.readline().decode("utf-8", "replace")
        separator = max(",;\t|", key=first.count)
        table = pc_csv.read_csv(
            path,
            parse_options=pc_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=pc_csv.ConvertOptions(null_values=_EMPTY, strings_can_be_null=True),
            read_options=pc_csv.ReadOptions(block_size=1 << 26),
        )
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: expected a readable CSV (UTF-8) or Parquet file, got {error}") from error
    if "" in table.column_names:
        # pandas writes its index under no name.
        table = table.rename_columns([name or "unnamed" for name in table.column_names])
    return table
