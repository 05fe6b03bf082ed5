"""Rows that were not imported, written aside as they were, with their number and the reason."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data.importer.mapping import Source
from data.importer.source import REASON_COLUMN, ROW_COLUMN, TEXT_COLUMN, Broken, SourceTable


def write_rejects(path: Path, source: SourceTable, told: Mapping[int, str], settings: Source) -> Path | None:
    """Write the bad rows in the format of their file; None, and no file, when there are none.

    The file can be mended and imported with the same mapping: `_row` keeps the number of each row. It
    holds what was sent, identifiers in clear, so only its owner may read it.

    Parameters
    ----------
    path : without suffix.
    told : position in the table → reasons.
    """
    path = path.with_name(f"{path.name}.rejected.{settings.format}")
    path.unlink(missing_ok=True)
    if not told and not source.broken:
        return None
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    places = list(told)
    table = source.table.take(pa.array(places, pa.int64())) if places else source.table.slice(0, 0)
    table = table.select([n for n in table.column_names if n not in (ROW_COLUMN, REASON_COLUMN, TEXT_COLUMN)])
    rows = [int(source.rows[place]) for place in places]
    # Under a name of this import's own: another of the same file may run beside it.
    staged = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        staged.touch(mode=0o600, exist_ok=False)
        if settings.format == "parquet":
            table = table.append_column(ROW_COLUMN, pa.array(rows, pa.int64()))
            table = table.append_column(REASON_COLUMN, pa.array([told[place] for place in places], pa.string()))
            pq.write_table(table, staged)
        else:
            _write_csv(staged, table, rows, [told[place] for place in places], source.broken, settings)
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    return path


def _write_csv(
    path: Path, table: pa.Table, rows: Sequence[int], reasons: Sequence[str], broken: Sequence[Broken], settings: Source
) -> None:
    # Arrow has decoded every encoding but UTF-8, whose bytes are still those of the file.
    encoding, errors = settings.encoding, "surrogateescape" if settings.encoding == "utf-8" else "strict"
    lines: list[tuple[int, list[str]]] = []
    for row, reason, record in zip(rows, reasons, table.to_pylist(), strict=True):
        cells = [value.decode("utf-8", "surrogateescape") for value in record.values()]
        lines.append((row, [*cells, str(row), reason, ""]))
    blank = [""] * table.num_columns
    lines += [(line.row, [*blank, str(line.row), line.reason, line.text]) for line in broken]
    if settings.quote is None:
        # Nothing may be quoted; only our own words can hold the delimiter.
        lines = [(row, [cell.replace(settings.delimiter, " ") for cell in cells]) for row, cells in lines]
    with path.open("w", encoding=encoding, errors=errors, newline="") as file:
        write = csv.writer(file, delimiter=settings.delimiter, quotechar=settings.quote or '"', lineterminator="\n")
        write.writerow([*table.column_names, ROW_COLUMN, REASON_COLUMN, TEXT_COLUMN])
        write.writerows(cells for _, cells in sorted(lines))
