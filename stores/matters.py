"""Histories of cases, complaints and tickets: one append-only table, read back as matters (`domain.matters`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import msgspec

from domain.errors import DataError, InputError, expected_got
from domain.matters import Entry, Matter, MatterKind, Step, after, begun, check, fold
from stores.database import Database

_COLUMNS = "kind, matter_id, n, at, actor, step, body"
_ID = re.compile(r"(case|complaint|ticket)-[1-9][0-9]{0,11}")


class Matters:
    """Open matters, append to their histories, read them.

    Parameters
    ----------
    database : the connection that owns the transaction.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> matters = Matters(Database(Path(tempfile.mkdtemp()) / "assay.db"))
    >>> opened = matters.open_within(MatterKind.TICKET, at=5, actor="door", body={"class": "other"})
    >>> matters.append_within(opened.matter_id, Step.TAKEN, at=6, actor="lin").owner
    'lin'
    >>> [entry.step.value for entry in matters.get("ticket-1").entries]
    ['opened', 'taken']
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def open_within(self, kind: MatterKind, *, at: int, actor: str, body: Mapping[str, Any]) -> Matter:
        """Open a matter inside the caller's transaction; it gets the next number of its kind."""
        if not actor.strip():
            raise InputError(expected_got("the name of who opens it", actor, kind.value))
        (n_open,) = self.database.one("SELECT count(*) FROM matter_entry WHERE kind = ? AND n = 1", (kind.value,))
        matter = begun(Entry(kind, f"{kind.value}-{n_open + 1}", 1, at, actor, Step.OPENED, _plain(body)))
        self._insert(matter)
        return matter

    def append_within(
        self, matter_id: str, step: Step, *, at: int, actor: str, body: Mapping[str, Any] | None = None
    ) -> Matter:
        """Add one entry inside the caller's transaction.

        Raises
        ------
        InputError
            When there is no such matter, or the step must not follow (`domain.matters.check`).
        """
        matter = self.get(matter_id)
        told = _plain(body or {})
        check(matter, step, actor, at, told)
        entry = Entry(matter.kind, matter_id, matter.last.n + 1, at, actor, step, told)
        matter = after(matter, entry)
        self._insert(matter)
        return matter

    def get(self, matter_id: str, kind: MatterKind | None = None) -> Matter:
        """One matter.

        Raises
        ------
        InputError
            When there is none of this id, or it is of another kind.
        """
        if kind is not None and not matter_id.startswith(f"{kind.value}-"):
            raise InputError(expected_got(f"the id of a {kind.value}, such as {kind.value}-1", matter_id, "matter"))
        rows = self._rows("WHERE matter_id = ? ORDER BY n", (matter_id,))
        if not rows:
            expected = (
                "the id of a matter, such as case-1" if not _ID.fullmatch(matter_id) else "a matter that was opened"
            )
            raise InputError(expected_got(expected, matter_id, "matter"))
        return fold(rows)

    def of(self, kind: MatterKind, *, until: int | None = None) -> list[Matter]:
        """All matters of a kind as they stood just before ``until`` (µs UTC), oldest first."""
        rows = self._rows(
            "WHERE kind = ? AND at < ? ORDER BY matter_id, n", (kind.value, 2**62 if until is None else until)
        )
        found = [fold(entries) for _, entries in groupby(rows, key=lambda entry: entry.matter_id)]
        return sorted(found, key=lambda matter: (matter.opened_at, number_of(matter.matter_id)))

    def not_closed(self, kind: MatterKind) -> list[Matter]:
        """The matters of a kind that are not closed now; closed ones are not read."""
        rows = self.database.execute(
            "SELECT matter_id FROM matter_entry WHERE kind = ? GROUP BY matter_id "
            "HAVING coalesce(max(CASE step WHEN 'closed' THEN n END), 0) "
            "<= coalesce(max(CASE step WHEN 'reopened' THEN n END), 0)",
            (kind.value,),
        )
        return sorted((self.get(matter_id) for (matter_id,) in rows), key=lambda each: number_of(each.matter_id))

    def about(self, decision_id: str) -> list[Matter]:
        """The matters that gather a decision, or complain of it."""
        rows = self.database.execute(
            "SELECT matter_id FROM matter_decision WHERE decision_id = ? ORDER BY matter_id", (decision_id,)
        )
        return [self.get(matter_id) for (matter_id,) in rows]

    def _rows(self, where: str, values: tuple[Any, ...]) -> list[Entry]:
        return list(self._entries(self.database.execute(f"SELECT {_COLUMNS} FROM matter_entry {where}", values)))  # noqa: S608 - our own words

    def _entries(self, rows: list[tuple[Any, ...]]) -> Iterator[Entry]:
        for kind, matter_id, n, at, actor, step, body in rows:
            try:
                told = msgspec.json.decode(body, type=dict[str, Any])
                yield Entry(MatterKind(kind), matter_id, n, at, actor, Step(step), told)
            except (msgspec.DecodeError, ValueError) as error:
                raise DataError(expected_got("an entry of a history", str(error), f"{matter_id}, entry {n}")) from error

    def _insert(self, matter: Matter) -> None:
        entry = matter.last
        self.database.execute(
            f"INSERT INTO matter_entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own words
            (entry.kind.value, entry.matter_id, entry.n, entry.at, entry.actor, entry.step.value,
             msgspec.json.encode(entry.body, order="sorted").decode()),
        )  # fmt: skip
        if entry.step in (Step.OPENED, Step.LINKED):
            for decision_id in matter.decisions:
                self.database.execute(
                    "INSERT OR IGNORE INTO matter_decision VALUES (?, ?)", (decision_id, matter.matter_id)
                )


def number_of(matter_id: str) -> int:
    """The number in the id of a matter.

    Examples
    --------
    >>> number_of("case-12")
    12
    """
    return int(matter_id.rpartition("-")[2])


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as it will be read back: JSON values, without what is not there."""
    told: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode({name: value for name, value in body.items() if value is not None})
    )
    return told
