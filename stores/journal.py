"""The journal: the only writer of events.

It assigns ``seq`` inside its transaction and deduplicates by (client, event_id). Rows arrive one by
one in the tail (`stores.tail`) or as tables (`stores.table_append`); Parquet segments are flushed from the tail
exactly once, in ``seq`` order, and readers see the union of segments and tail.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa

from domain.errors import DataError, InputError, expected_got
from domain.events import KINDS, ColumnType, Event, check_event, column_type
from stores.database import Database
from stores.many_rows import insert_rows, select_matching
from stores.schema import event_schema
from stores.segments import as_dictionary, read_segment, stream_segment
from stores.table_append import PART_ROWS, REST_SECONDS, Batch, TableAppend
from stores.tail import NEVER, Tail
from stores.whole_files import sha256_of


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an event stands in the journal, and whether this append put it there."""

    seq: int
    new: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where the order of events comes from.

    ``n_arrived`` were numbered as they came; ``n_given`` came in tables and were numbered by known_at, event_time,
    event_id. ``known_at`` maps kinds of tables to how it was found, as far as the importer said.
    """

    n_arrived: int
    n_given: int
    known_at: Mapping[str, tuple[str, ...]]


_APPEND = (
    "INSERT INTO event VALUES ((SELECT coalesce(max(seq), 0) + 1 FROM event), ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (event_id, client) DO NOTHING RETURNING seq"
)


class Journal:
    """Append and read events.

    Parameters
    ----------
    database : the connection that owns the transaction.
    segments : folder of the Parquet segments.
    part_rows, rest : rows of tables that are added in one transaction, and seconds between two of them.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> journal = Journal(Database(folder / "assay.db"), folder / "journal")
    >>> asked = Event("inquiry", "q1", 10, 10, {"borrower_id": "b1"})
    >>> journal.append([asked, asked])
    [Appended(seq=1, new=True), Appended(seq=1, new=False)]
    >>> journal.read("inquiry").num_rows
    1
    """

    def __init__(
        self, database: Database, segments: Path, *, part_rows: int = PART_ROWS, rest: float = REST_SECONDS
    ) -> None:
        self.database = database
        self.segments = segments
        self._tail = Tail(database, segments)
        self._tables = TableAppend(database, self._tail, part_rows, rest)

    def last_seq(self) -> int:
        """The newest assigned ``seq``; 0 when the journal is empty."""
        return self._tail.last_seq()

    # ------------------------------------------------------------------ append

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append in one transaction of its own; see `append_within`."""
        with self.database.transaction():
            return self.append_within(events)

    def append_within(self, events: Sequence[Event], *, checked: bool = False) -> list[Appended]:
        """Append inside the caller's transaction, in the order given.

        Parameters
        ----------
        checked : the caller has put every event through `check_event` already, which costs 30 µs each.

        Returns
        -------
        list of Appended, one per event: its ``seq`` and whether it was new.

        Raises
        ------
        InputError
            When a value does not fit its column; nothing of the call is kept once the caller's
            transaction rolls back.
        """
        result = []
        for event in events:
            if not checked:
                check_event(event)
            # One statement: each lets go of the interpreter's lock, and a decision waits to have it back.
            row = self.database.maybe(_APPEND, _columns_of(event))
            if row is None:
                known = self.seq_of(event.client, event.event_id)
                assert known is not None  # noqa: S101 - for the type checker: only this one stands in its way
                result.append(Appended(known, False))
                continue
            if added := extensions_of(event):
                self._tail.register(event.kind, added)
            result.append(Appended(int(row[0]), True))
        return result

    def insert_within(self, events: Sequence[Event]) -> None:
        """Append inside the caller's transaction events that have their ``seq``, are new, checked, and add no column.

        One statement serves many (see `append_within` for all others). The caller holds the write lock, and has found
        by `last_seq`, `seqs_of` and `extensions` that they are.
        """
        rows = [(event.seq, *_columns_of(event)) for event in events]
        insert_rows(self.database.connection, "event", rows)

    def append_tables(
        self, tables: Mapping[str, pa.Table], client: str, arrival: Mapping[str, str] | None = None
    ) -> Batch:
        """Append whole tables, straight into segments, in parts of ``part_rows`` with a rest after each.

        ``seq`` is given over all kinds together by (known_at, event_time, event_id), the order the
        visibility law declares for data that has no arrival order. Whoever decides beside this waits for one part at
        most. What cuts it off leaves whole parts, the first in that order; the same append again adds the others.

        Parameters
        ----------
        tables : kind → table with event_id, event_time, known_at and columns of that kind.
        client : owner of the event ids.
        arrival : kind → how ``known_at``, and with it the order of arrival, was found; kept for `arrival`.

        Raises
        ------
        InputError
            When a table lacks a required column, holds an unknown one, or a value that `append` would refuse: before
            anything is added.
        Unavailable
            When the store is busy, full or read-only.
        """
        return self._tables.append(tables, client, arrival or {})

    # -------------------------------------------------------------------- read

    def moment(self) -> AbstractContextManager[None]:
        """While it is open, everything read is of one moment."""
        return self.database.reading()

    def extensions(self, kind: str) -> dict[str, ColumnType]:
        """Extension columns a kind has been given so far, with their types."""
        return self._tail.extensions(kind)

    def seq_of(self, client: str, event_id: str) -> int | None:
        """The ``seq`` of a client's event, None when it is unknown."""
        row = self.database.maybe("SELECT seq FROM event WHERE event_id = ? AND client = ?", (event_id, client))
        return None if row is None else int(row[0])

    def seqs_of(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """The ``seq`` of those of many (client, event id) that are known."""
        keys = [(event_id, client) for client, event_id in wanted]
        columns = "client, event.event_id, seq"
        rows = select_matching(self.database.connection, columns, "event", ("event_id", "client"), keys)
        return {(client, event_id): int(seq) for client, event_id, seq in rows}

    def kinds(self) -> dict[str, int]:
        """Number of events per kind."""
        return dict(self.database.execute("SELECT kind, count(*) FROM event GROUP BY kind ORDER BY kind"))

    def read(
        self, kind: str, *, after: int = 0, upto: int | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Events of one kind with ``after < seq <= upto``, in ``seq`` order: segments and tail at one moment.

        Parameters
        ----------
        columns : names to read, all by default; a name the schema lacks is refused.
        """
        last = NEVER if upto is None else upto
        with self.database.reading():
            wanted = self._wanted(kind, columns)
            parts = [
                read_segment(self.segments / name, wanted, after, last)
                for name in self._segments_between(kind, after, last)
            ]
            parts.append(self._tail.read(kind, wanted, after, last))
        return pa.concat_tables(parts).combine_chunks()

    def _wanted(self, kind: str, columns: Sequence[str] | None) -> pa.Schema:
        schema = event_schema(kind, self.extensions(kind))
        names = list(schema.names) if columns is None else list(columns)
        unknown = sorted(set(names) - set(schema.names))
        if unknown:
            raise InputError(expected_got(f"columns out of {', '.join(schema.names)}", unknown, kind))
        return pa.schema([schema.field(name) for name in names])

    def _segments_between(self, kind: str, after: int, last: int) -> list[str]:
        sql = "SELECT name FROM segment WHERE kind = ? AND seq_to > ? AND seq_from <= ? ORDER BY seq_from"
        return [name for (name,) in self.database.execute(sql, (kind, after, last))]

    def pieces(
        self, kind: str, *, after: int = 0, upto: int | None = None, columns: Sequence[str] | None = None
    ) -> tuple[list[Path], pa.Table]:
        """What `read` gives, for readers in other processes: the files of the segments, and the rows of the tail.

        The segments may hold rows beyond the span as well (`stores.segments.read_group`).
        """
        last = NEVER if upto is None else upto
        with self.database.reading():
            wanted = self._wanted(kind, columns)
            paths = [self.segments / name for name in self._segments_between(kind, after, last)]
            return paths, self._tail.read(kind, wanted, after, last)

    def count(self, kind: str, *, after: int = 0, upto: int | None = None) -> int:
        """Number of events of one kind with ``after < seq <= upto``."""
        last = NEVER if upto is None else upto
        with self.database.reading():
            # Segments know their size; counting millions of rows would take seconds.
            whole = "SELECT coalesce(sum(n_rows), 0) FROM segment WHERE kind = ? AND seq_from > ? AND seq_to <= ?"
            cut = (
                "SELECT seq_from, seq_to FROM segment WHERE kind = ? AND seq_to > ? AND seq_from <= ? "
                "AND NOT (seq_from > ? AND seq_to <= ?)"
            )
            tail = "SELECT count(*) FROM event WHERE kind = ? AND body IS NOT NULL AND seq > ? AND seq <= ?"
            kept = "SELECT count(*) FROM event WHERE kind = ? AND body IS NULL AND seq > ? AND seq <= ?"
            n = int(self.database.one(whole, (kind, after, last))[0] + self.database.one(tail, (kind, after, last))[0])
            for first, end in self.database.execute(cut, (kind, after, last, after, last)):
                n += int(self.database.one(kept, (kind, max(first - 1, after), min(end, last)))[0])
        return n

    def arrival(self, *, upto: int | None = None) -> Arrival:
        """How the order of the events with ``seq <= upto`` came about."""
        last = NEVER if upto is None else upto
        sql = "SELECT seq_from, seq_to, arrival FROM table_append WHERE seq_from <= ? ORDER BY seq_from"
        n_given = 0
        known_at: dict[str, dict[str, None]] = {}
        for first, end, told in self.database.execute(sql, (last,)):
            n_given += min(end, last) - first + 1
            for kind, how in json.loads(told).items():
                known_at.setdefault(kind, {})[how] = None
        n = min(last, self.last_seq())
        return Arrival(n - n_given, n_given, {kind: tuple(ways) for kind, ways in known_at.items()})

    def quarantined(self, kinds: Iterable[str]) -> dict[str, int]:
        """Events of some kinds that were set aside at the door, further ahead of the clock than allowed."""
        found = dict(self.database.execute("SELECT kind, count(*) FROM quarantine GROUP BY kind ORDER BY kind"))
        return {kind: n for kind, n in found.items() if kind in set(kinds)}

    def batches(
        self,
        kind: str,
        *,
        after: int = 0,
        upto: int | None = None,
        columns: Sequence[str] | None = None,
        size: int = 2**17,
        dictionaries: bool = False,
    ) -> Iterator[pa.Table]:
        """What `read` gives, as tables of at most ``size`` rows: memory does not grow with the journal.

        Parameters
        ----------
        dictionaries : texts come as dictionaries, each table with its own.
        """
        last = NEVER if upto is None else upto
        # One moment for all of it: a flush in between would move rows from the tail, still to come, behind us.
        with self.database.reading():
            wanted = self._wanted(kind, columns)
            if dictionaries:
                wanted = pa.schema([as_dictionary(field) for field in wanted])
            for name in self._segments_between(kind, after, last):
                yield from stream_segment(self.segments / name, wanted, after, last, size)
            place = after
            while (table := self._tail.read(kind, wanted, place, last, size)).num_rows:
                place = self._tail.last_of(kind, place, last, size)
                yield table

    def events(self, *, after: int = 0, upto: int | None = None) -> Iterator[Event]:
        """Events of all kinds with ``after < seq <= upto``, one by one in ``seq`` order."""
        last = NEVER if upto is None else upto
        with self.database.reading():
            tables = {kind: self.read(kind, after=after, upto=last) for kind in self._kinds_between(after, last)}
        rows = ((kind, row) for kind, table in tables.items() for row in table.to_pylist())
        for kind, row in sorted(rows, key=lambda pair: pair[1]["seq"]):
            yield event_of(kind, row)

    def _kinds_between(self, after: int, last: int) -> list[str]:
        sql = "SELECT DISTINCT kind FROM event WHERE seq > ? AND seq <= ?"
        return [kind for (kind,) in self.database.execute(sql, (after, last))]

    def get(self, seq: int) -> Event:
        """The event at one place.

        Raises
        ------
        DataError
            When there is none.
        """
        row = self.database.maybe("SELECT kind FROM event WHERE seq = ?", (seq,))
        if row is None:
            raise DataError(expected_got("a seq of the journal", seq, str(self.database.path)))
        return event_of(row[0], self.read(row[0], after=seq - 1, upto=seq).to_pylist()[0])

    def find(self, event_id: str) -> list[Event]:
        """All events with an id, whoever sent them."""
        rows = self.database.execute("SELECT seq FROM event WHERE event_id = ? ORDER BY seq", (event_id,))
        return [self.get(seq) for (seq,) in rows]

    # ----------------------------------------------------------------- flush

    def flush(self, kinds: Iterable[str] = tuple(KINDS), most: int = NEVER) -> int:
        """Move the tail of some kinds, at most so many rows of it, into segments; returns the number of rows moved."""
        return self._tail.flush(kinds, most)

    def verify(self) -> list[str]:
        """What is wrong with the segments: missing or altered files; empty when all is well."""
        faults = []
        for name, digest in self.database.execute("SELECT name, sha256 FROM segment ORDER BY name"):
            path = self.segments / name
            if not path.exists():
                faults.append(f"{path}: expected a segment, found none")
            elif sha256_of(path) != digest:
                faults.append(f"{path}: expected sha256 {digest[:12]}…, the file was altered")
        return faults


def _columns_of(event: Event) -> tuple[str, str, str, int, int, bytes]:
    body = msgspec.msgpack.encode(dict(event.body))
    return event.event_id, event.client, event.kind, event.event_time, event.known_at, body


def extensions_of(event: Event) -> dict[str, ColumnType]:
    """The columns of an event that its kind does not declare, with the types its values give them."""
    declared = KINDS[event.kind]
    return {name: column_type(event.kind, name, v) for name, v in event.body.items() if name not in declared}


def event_of(kind: str, row: Mapping[str, object]) -> Event:
    """The event that a row of `Journal.read` holds."""
    head = ("seq", "client", "event_id", "event_time", "known_at")
    body = {name: value for name, value in row.items() if name not in head and value is not None}
    return Event(kind=kind, body=body, **{name: row[name] for name in head})  # type: ignore[arg-type]  # typed by the schema
