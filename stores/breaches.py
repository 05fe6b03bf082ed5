"""Breaches of limits and the readings they come from: append-only, each chunk of an indicator once.

reading       what an indicator said at the end of a chunk, in one place
breach_note   raised, worse, acknowledged, cleared; a breach is its notes
breach_sent   which sink was told which note
watch_run     chunks that were read, also those that said nothing
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from domain.errors import DataError, InputError, expected_got
from stores.database import Database

RAISED, WORSE, ACKNOWLEDGED, CLEARED = "raised", "worse", "acknowledged", "cleared"


@dataclass(frozen=True, slots=True)
class KeptReading:
    """One row of what was read; times in µs UTC, ``kind`` says what it rests on."""

    indicator: str
    place: str
    since: int
    until: int
    value: float | None
    n: int
    low: float | None
    high: float | None
    within_chance: bool
    kind: str
    note: str


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened to a breach.

    Parameters
    ----------
    note_id : in the order they were written; 0 until it is.
    breach : the breach's id. limit : key of the limit. place : where.
    turn : raised, worse, acknowledged or cleared. at : end of the chunk, or when it was acknowledged, µs UTC.
    by : who acknowledged it; empty for what the watch wrote. said : their words.
    """

    breach: str
    limit: str
    indicator: str
    place: str
    turn: str
    at: int
    level: str
    value: float | None
    restricted: bool
    by: str = ""
    said: str = ""
    note_id: int = 0


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit passed in one place, from when it was raised until it is cleared.

    ``level`` is the worst it reached and ``value`` the one that reached it.
    """

    breach: str
    limit: str
    indicator: str
    place: str
    raised_at: int
    level: str
    value: float | None
    restricted: bool
    acknowledged_by: str | None = None
    acknowledged_at: int | None = None
    said: str = ""
    cleared_at: int | None = None


_READING = tuple(each.name for each in fields(KeptReading))
_NOTE = tuple(each.name for each in fields(Note))
_NOTE_SQL = ", ".join(f'"{name}"' for name in _NOTE)


class Breaches:
    """Keep readings and breaches in a home's database.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> store = Breaches(Database(Path(tempfile.mkdtemp()) / "assay.db"))
    >>> store.open(), store.newest_run("payment_count")
    ([], None)
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    # ---------------------------------------------------------------- readings

    def newest_run(self, indicator: str) -> int | None:
        """End of the newest chunk that was read of an indicator; None when none was."""
        found: int | None = self.database.one("SELECT max(until) FROM watch_run WHERE indicator = ?", (indicator,))[0]
        return found

    def runs_until(self, indicator: str, until: int) -> int | None:
        """End of the newest chunk that was read of an indicator by an instant; None when none was."""
        row = self.database.one(
            "SELECT max(until) FROM watch_run WHERE indicator = ? AND until <= ?", (indicator, until)
        )
        found: int | None = row[0]
        return found

    def keep_within(self, indicator: str, until: int, readings: Iterable[KeptReading], recorded_at: int) -> bool:
        """Write the readings of one chunk inside the caller's transaction; False when the chunk was read before."""
        run = (indicator, until, recorded_at)
        before = self.database.connection.total_changes()
        self.database.execute("INSERT OR IGNORE INTO watch_run VALUES (?, ?, ?)", run)
        if self.database.connection.total_changes() == before:
            return False
        marks = ", ".join("?" * len(_READING))
        rows = [tuple(getattr(each, name) for name in _READING) for each in readings]
        self.database.connection.executemany(f"INSERT INTO reading VALUES ({marks})", rows)  # noqa: S608 - marks only
        return True

    def readings(
        self, indicator: str, *, place: str | None = None, since: int = -(2**62), until: int = 2**62
    ) -> list[KeptReading]:
        """Readings of chunks with ``since < until_of_chunk <= until``, oldest first."""
        rows = self.database.execute(
            f"SELECT {', '.join(_READING)} FROM reading WHERE indicator = ? AND until > ? AND until <= ? "  # noqa: S608
            "AND (? IS NULL OR place = ?) ORDER BY until, place",
            (indicator, since, until, place, place),
        )
        return [KeptReading(*(*row[:8], bool(row[8]), *row[9:])) for row in rows]

    # ---------------------------------------------------------------- breaches

    def note_within(self, note: Note) -> None:
        """Write a note inside the caller's transaction."""
        marks = ", ".join("?" * len(_NOTE))
        values = [getattr(note, name) for name in _NOTE[:-1]]
        self.database.execute(f"INSERT INTO breach_note ({_NOTE_SQL}) VALUES ({marks})", (*values, None))  # noqa: S608

    def notes(self, *, since: int = -(2**62), until: int = 2**62, restricted: bool = False) -> list[Note]:
        """Notes with ``since <= at < until`` in the order they were written; restricted ones only where asked for."""
        rows = self.database.execute(
            f"SELECT {_NOTE_SQL} FROM breach_note WHERE at >= ? AND at < ? AND (? OR NOT restricted) "  # noqa: S608
            "ORDER BY note_id",
            (since, until, restricted),
        )
        return [replace(Note(*row), restricted=bool(row[8])) for row in rows]

    def breaches(self, *, until: int = 2**62, restricted: bool = False) -> list[Breach]:
        """Every breach as it stood just before ``until``, in the order they were raised."""
        found: dict[str, Breach] = {}
        for note in self.notes(until=until, restricted=restricted):
            if note.turn == RAISED:
                found[note.breach] = Breach(
                    note.breach, note.limit, note.indicator, note.place, note.at, note.level, note.value,
                    note.restricted,
                )  # fmt: skip
            elif note.turn == WORSE:
                found[note.breach] = replace(found[note.breach], level=note.level, value=note.value)
            elif note.turn == ACKNOWLEDGED:
                known = replace(found[note.breach], acknowledged_by=note.by, acknowledged_at=note.at, said=note.said)
                found[note.breach] = known
            else:
                found[note.breach] = replace(found[note.breach], cleared_at=note.at)
        return list(found.values())

    def open(self, *, until: int = 2**62, restricted: bool = False) -> list[Breach]:
        """Breaches that were not cleared by then."""
        return [each for each in self.breaches(until=until, restricted=restricted) if each.cleared_at is None]

    def acknowledge(self, breach: str, by: str, said: str, at: int, *, restricted: bool = False) -> Breach:
        """Write that a person has taken a breach on; a later name takes it over.

        Parameters
        ----------
        restricted : also one of the restricted class, which nobody else is told of.

        Raises
        ------
        InputError
            When nobody is named.
        DataError
            When there is no such breach, several begin like this, or it was cleared.
        """
        if not by.strip():
            raise InputError(expected_got("the name of who acknowledges", by, "breach"))
        with self.database.transaction():
            found = [
                each for each in self.breaches(restricted=restricted) if each.breach.startswith(breach.strip() or "?")
            ]
            if len(found) != 1:
                raise DataError(expected_got("the id of one breach", f"{breach} ({len(found)} found)", "breach"))
            (one,) = found
            if one.cleared_at is not None:
                raise DataError(expected_got("a breach that is open", f"{one.breach}, cleared", "breach"))
            at = max(at, one.raised_at)
            self.note_within(
                Note(one.breach, one.limit, one.indicator, one.place, ACKNOWLEDGED, at, one.level, one.value,
                     one.restricted, by.strip(), said.strip())
            )  # fmt: skip
        return replace(one, acknowledged_by=by.strip(), acknowledged_at=at, said=said.strip())

    # ---------------------------------------------------------------- delivery

    def unsent(self, sink: str, levels: Sequence[str]) -> list[Note]:
        """Notes of these levels that a sink was not told yet; never restricted ones."""
        rows = self.database.execute(
            f"SELECT {_NOTE_SQL} FROM breach_note WHERE NOT restricted "  # noqa: S608 - names of a dataclass
            f"AND level IN ({', '.join('?' * len(levels))}) "
            "AND note_id NOT IN (SELECT note_id FROM breach_sent WHERE sink = ?) ORDER BY note_id",
            (*levels, sink),
        )
        return [replace(Note(*row), restricted=bool(row[8])) for row in rows]

    def sent(self, sink: str, note: Note, at: int) -> None:
        """Write that a sink was told a note."""
        with self.database.transaction():
            self.database.execute("INSERT OR IGNORE INTO breach_sent VALUES (?, ?, ?)", (sink, note.note_id, at))


def breach_id(limit: str, place: str, raised_at: int) -> str:
    """The same for the same breach, whoever computes it.

    Examples
    --------
    >>> breach_id("alerts", "channel=qr", 0)
    '199ae03135'
    """
    return hashlib.sha256(f"{limit}\0{place}\0{raised_at}".encode()).hexdigest()[:10]
