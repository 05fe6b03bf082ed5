"""States in a SQLite file of their own, beside the journal's: a checkpoint never waits for a decision, nor it for one.

Deleted bytes are overwritten with zeros, and an erasure folds the write-ahead log into the file before it returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import apsw

from domain.errors import DataError, Unavailable
from stores.database import Database
from stores.many_rows import marks, pieces
from stores.states import Mark, overtaken, unmarked

# Each entry is one migration and is never edited after it has been released; append a new one instead.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE namespace (
        place   INTEGER PRIMARY KEY,
        name    TEXT NOT NULL UNIQUE,
        seq     INTEGER NOT NULL,
        version INTEGER NOT NULL,
        head    BLOB NOT NULL
    );
    CREATE TABLE record (
        place INTEGER NOT NULL REFERENCES namespace (place) ON DELETE CASCADE,
        key   TEXT NOT NULL,
        body  BLOB NOT NULL,
        UNIQUE (place, key)
    );
    CREATE TABLE erased (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key    TEXT NOT NULL UNIQUE
    );
    """,
)

_PAGE = 256
"""Records read at once: a page of them, and not all, lies in memory."""

_AT_ONCE = 256
"""Records written by one statement."""

_DAMAGED = (apsw.CorruptError, apsw.NotADBError)

_UPSERT = (
    # Chosen in the statement itself: an erasure by another process is never undone by what was packed before.
    "INSERT INTO record (place, key, body) SELECT ?, column1, column2 FROM (VALUES {}) "
    "WHERE NOT EXISTS (SELECT 1 FROM erased WHERE key = column1) "
    "ON CONFLICT (place, key) DO UPDATE SET body = excluded.body"
)


class SqliteStates:
    """States in one SQLite file; see `stores.states.StateStore`. Use one per thread.

    Parameters
    ----------
    path : the file; created when absent.
    busy_seconds : how long a writer waits for another.

    Raises
    ------
    Unavailable
        When the file cannot be opened.
    DataError
        When it was written by a newer Assay.

    Examples
    --------
    >>> import tempfile
    >>> store = SqliteStates(Path(tempfile.mkdtemp()) / "states.db")
    >>> store.save("n", {"card_id=c1": b"1"}, seq=7, after=0).seq
    7
    >>> list(store.items("n"))
    [('card_id=c1', b'1')]
    """

    def __init__(self, path: Path, busy_seconds: float = 30.0) -> None:
        try:
            self._database = Database(path, busy_seconds, MIGRATIONS)
        except Unavailable as error:
            if isinstance(error.__cause__, _DAMAGED):
                raise Unavailable(_mended(path, error.__cause__)) from error.__cause__
            raise

    def mark(self, namespace: str) -> Mark | None:
        """See `StateStore`."""
        with self._reading():
            return self._mark(namespace)

    def save(
        self, namespace: str, records: Mapping[str, bytes | None], *, seq: int, head: bytes = b"", after: int
    ) -> Mark:
        """See `StateStore`."""
        with self._told(), self._database.transaction():
            before = self._mark(namespace)
            found = 0 if before is None else before.version
            if found != after:
                raise overtaken(namespace, after, found)
            self._database.execute(
                "INSERT INTO namespace (name, seq, version, head) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, version = excluded.version, head = excluded.head",
                (namespace, seq, after + 1, head),
            )
            place = self._place(namespace)
            execute = self._database.connection.execute
            # Many a statement: each lets go of the interpreter's lock and has to have it back from who decides.
            for piece in pieces([item for item in records.items() if item[1] is not None], _AT_ONCE):
                execute(_UPSERT.format(marks(len(piece), 2)), [place, *chain.from_iterable(piece)])
            for gone in pieces([key for key, body in records.items() if body is None], _AT_ONCE):
                execute(f"DELETE FROM record WHERE place = ? AND key IN {marks(1, len(gone))}", [place, *gone])  # noqa: S608 - marks
        return Mark(seq, head, after + 1)

    def read(self, namespace: str, keys: Sequence[str]) -> tuple[Mark, list[bytes | None]]:
        """See `StateStore`."""
        with self._reading():
            mark = self._mark(namespace)
            if mark is None:
                raise unmarked(namespace)
            place = self._place(namespace)
            find = "SELECT body FROM record WHERE place = ? AND key = ?"
            rows = [self._database.maybe(find, (place, key)) for key in keys]
        return mark, [None if row is None else row[0] for row in rows]

    def items(self, namespace: str) -> Iterator[tuple[str, bytes]]:
        """See `StateStore`."""
        last = ""
        while True:
            with self._reading():
                page = self._database.execute(
                    "SELECT key, body FROM record WHERE place = (SELECT place FROM namespace WHERE name = ?) "
                    "AND key > ? ORDER BY key LIMIT ?",
                    (namespace, last, _PAGE),
                )
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1][0]

    def namespaces(self) -> dict[str, Mark]:
        """See `StateStore`."""
        with self._reading():
            rows = self._database.execute("SELECT name, seq, head, version FROM namespace ORDER BY name")
        return {name: Mark(seq, head, version) for name, seq, head, version in rows}

    def drop(self, namespace: str) -> None:
        """See `StateStore`."""
        with self._told(), self._database.transaction():
            self._database.execute("DELETE FROM namespace WHERE name = ?", (namespace,))

    def erase(self, keys: Sequence[str]) -> int:
        """See `StateStore`.

        Raises
        ------
        Unavailable
            When the write-ahead log could not be folded: a reader holds it. The records are gone from the tables;
            call again until nothing is raised.
        """
        with self._told(), self._database.transaction():
            self._database.connection.executemany("INSERT OR IGNORE INTO erased (key) VALUES (?)", ((k,) for k in keys))
            before = self._database.connection.total_changes()
            self._database.connection.executemany(
                "DELETE FROM record WHERE place IN (SELECT place FROM namespace) AND key = ?", ((key,) for key in keys)
            )
            gone = self._database.connection.total_changes() - before
        with self._told():
            # The log holds the pages as they were until it is folded into the file.
            self._database.fold_log("erased records")
        return gone

    def erased(self, after: int = 0) -> list[tuple[int, str]]:
        """See `StateStore`."""
        with self._reading():
            rows = self._database.execute("SELECT number, key FROM erased WHERE number > ? ORDER BY number", (after,))
        return [(number, key) for number, key in rows]

    def close(self) -> None:
        """See `StateStore`."""
        self._database.close()

    def _mark(self, namespace: str) -> Mark | None:
        row = self._database.maybe("SELECT seq, head, version FROM namespace WHERE name = ?", (namespace,))
        return None if row is None else Mark(*row)

    def _place(self, namespace: str) -> int:
        return int(self._database.one("SELECT place FROM namespace WHERE name = ?", (namespace,))[0])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._told(), self._database.reading():
            yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        path = self._database.path
        try:
            yield
        except _DAMAGED as error:
            raise DataError(_mended(path, error)) from error
        except apsw.Error as error:
            raise Unavailable(f"{path}: expected a store that answers, got {error}") from error


def _mended(path: Path, error: BaseException) -> str:
    return f"{path}: expected a sound SQLite file, got {error}; remove it and run `assay features backfill --deployed`"
