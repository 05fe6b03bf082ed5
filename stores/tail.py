"""The tail of the journal: rows of single events in SQLite, and their move into Parquet segments.

    tail row  --flush-->  segment file written, synced, renamed  -->  recorded in one transaction

A file that is not recorded does not exist: a crash in between costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import pyarrow as pa

from domain.errors import InputError, expected_got
from domain.events import KINDS, ColumnType
from stores.database import Database
from stores.schema import event_schema
from stores.segments import write_segment

NEVER = 2**62
"""No ``seq`` is as large."""


class Tail:
    """The rows that lie in no segment yet, and the columns that kinds were given beside the declared ones.

    Parameters
    ----------
    database : the connection that owns the transaction.
    segments : folder of the Parquet segments.
    """

    def __init__(self, database: Database, segments: Path) -> None:
        self._database = database
        self._segments = segments

    def last_seq(self) -> int:
        """The newest assigned ``seq``; 0 when the journal is empty."""
        return int(self._database.one("SELECT coalesce(max(seq), 0) FROM event")[0])

    # -------------------------------------------------------------- extensions

    def extensions(self, kind: str) -> dict[str, ColumnType]:
        """Extension columns a kind has been given so far, with their types."""
        rows = self._database.execute("SELECT name, type FROM extension WHERE kind = ?", (kind,))
        return {name: ColumnType(found) for name, found in rows}

    def register(self, kind: str, columns: Mapping[str, ColumnType]) -> None:
        """Keep the types of extension columns, inside the caller's transaction.

        Raises
        ------
        InputError
            When one was journalled with another type.
        """
        for name, found in columns.items():
            if name in KINDS[kind]:
                continue
            execute = self._database.execute
            execute("INSERT OR IGNORE INTO extension VALUES (?, ?, ?)", (kind, name, found.value))
            (declared,) = self._database.one("SELECT type FROM extension WHERE kind = ? AND name = ?", (kind, name))
            if declared != found.value:
                raise InputError(expected_got(f"a {declared}, as first journalled", found.value, f"{kind}.{name}"))

    # -------------------------------------------------------------------- read

    def read(self, kind: str, wanted: pa.Schema, after: int, last: int, limit: int = -1) -> pa.Table:
        """Rows of one kind with ``after < seq <= last``, the first ``limit`` of them; -1 for all."""
        rows = self._database.execute(
            "SELECT seq, client, event_id, event_time, known_at, body FROM event "
            "WHERE kind = ? AND body IS NOT NULL AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (kind, after, last, limit),
        )
        plain = pa.schema([pa.field(f.name, _plain(f.type)) for f in wanted])
        return pa.Table.from_pylist([_row(*row) for row in rows], schema=plain).cast(wanted)

    def last_of(self, kind: str, after: int, last: int, limit: int) -> int:
        """The ``seq`` of the last row that `read` gives."""
        sql = (
            "SELECT max(seq) FROM (SELECT seq FROM event WHERE kind = ? AND body IS NOT NULL AND seq > ? AND seq <= ? "
            "ORDER BY seq LIMIT ?)"
        )
        return int(self._database.one(sql, (kind, after, last, limit))[0])

    # ------------------------------------------------------------------- flush

    def flush(self, kinds: Iterable[str], most: int = NEVER) -> int:
        """Move rows of some kinds, at most so many, into segments in one transaction; returns how many."""
        with self._database.transaction_between():
            return self.flush_within(kinds, most)

    def flush_within(self, kinds: Iterable[str], most: int = NEVER) -> int:
        """As `flush`, inside the caller's transaction."""
        moved = 0
        tail = {kind for (kind,) in self._database.execute("SELECT DISTINCT kind FROM event WHERE body IS NOT NULL")}
        for kind in sorted(tail.intersection(kinds)):
            if moved == most:
                break
            table = self.read(kind, event_schema(kind, self.extensions(kind)), 0, NEVER, most - moved)
            self.add_segment(kind, table)
            self._database.execute(
                "UPDATE event SET body = NULL WHERE kind = ? AND body IS NOT NULL AND seq <= ?",
                (kind, table["seq"][-1].as_py()),
            )
            moved += table.num_rows
        return moved

    def add_segment(self, kind: str, table: pa.Table) -> None:
        """Write a segment, and record it inside the caller's transaction."""
        first, last, name, digest = write_segment(self._segments, kind, table)
        self._database.execute(
            "INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?)", (kind, first, last, table.num_rows, name, digest)
        )


def _plain(dtype: pa.DataType) -> pa.DataType:
    return dtype.value_type if pa.types.is_dictionary(dtype) else dtype


def _row(seq: int, client: str, event_id: str, event_time: int, known_at: int, body: bytes) -> dict[str, object]:
    row: dict[str, object] = msgspec.msgpack.decode(body)
    row.update(seq=seq, client=client, event_id=event_id, event_time=event_time, known_at=known_at)
    return row
