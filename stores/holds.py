"""Legal holds: who must not be erased. Why, and by whom, is kept with the restricted records; here is only that."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.compute as pc

from domain.errors import DataError, expected_got
from domain.events import KINDS, NAMESPACES
from stores.database import Database
from stores.journal import Journal


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold; ``released_at`` is None while it stands. Times in µs UTC."""

    hold_id: int
    token: str
    placed_at: int
    released_at: int | None


class Holds:
    """Place, release and look up holds on tokens.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> holds = Holds(Database(Path(tempfile.mkdtemp()) / "assay.db"))
    >>> number = holds.place("token-1", 10)
    >>> holds.held("token-1"), holds.held("token-2"), holds.release(number, 20).released_at, holds.held("token-1")
    (True, False, 20, False)
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def place(self, token: str, at: int) -> int:
        """Hold a token; returns the number of the hold."""
        with self._database.transaction():
            self._database.execute("INSERT INTO legal_hold (token, placed_at) VALUES (?, ?)", (token, at))
            return int(self._database.connection.last_insert_rowid())

    def release(self, hold_id: int, at: int) -> Hold:
        """End a hold; others on the same token go on.

        Raises
        ------
        DataError
            When there is no such hold, or it has ended.
        """
        with self._database.transaction():
            found = next((hold for hold in self.all() if hold.hold_id == hold_id), None)
            if found is None or found.released_at is not None:
                got = "none" if found is None else "one already released"
                raise DataError(expected_got("a hold that stands", got, f"hold {hold_id}"))
            self._database.execute("UPDATE legal_hold SET released_at = ? WHERE hold_id = ?", (at, hold_id))
        return Hold(hold_id, found.token, found.placed_at, at)

    def held(self, token: str) -> bool:
        """Whether any hold on a token stands."""
        sql = "SELECT 1 FROM legal_hold WHERE token = ? AND released_at IS NULL LIMIT 1"
        return self._database.maybe(sql, (token,)) is not None

    def all(self) -> list[Hold]:
        """Every hold there was, in the order they were placed."""
        sql = "SELECT hold_id, token, placed_at, released_at FROM legal_hold ORDER BY hold_id"
        return [Hold(*row) for row in self._database.execute(sql)]


def holders_of(journal: Journal, column: str, token: str) -> set[str]:
    """The token itself, and the persons it was seen with: a card is erased with no more right than who holds it."""
    found = {token}
    if NAMESPACES[column] == "person":
        return found
    same = [name for name in NAMESPACES if NAMESPACES[name] == NAMESPACES[column] and name != "payee_id"]
    for kind, columns in KINDS.items():
        persons = [name for name in ("customer_id", "borrower_id") if name in columns]
        for name in [name for name in same if name in columns and persons]:
            table = journal.read(kind, columns=[name, *persons])
            table = table.filter(pc.equal(table[name], token))
            found |= {each for person in persons for each in table[person].to_pylist() if each is not None}
    return found
