"""One SQLite file in write-ahead mode, fully synchronous, migrated from its first version on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from domain.errors import DataError, Unavailable
from stores.migrations import MIGRATIONS

_AGAIN_SECONDS = 0.01
_BETWEEN_SECONDS = 0.002
_STATEMENTS = 200


class Database:
    """A connection to one SQLite file; use one per thread.

    Parameters
    ----------
    path : the file; created, with its folder, when absent.
    busy_seconds : how long a writer waits for another.
    migrations : scripts that make the schema, one version each; by default those of the home's database.

    Raises
    ------
    Unavailable
        When the file cannot be opened.
    DataError
        When the file was written by a newer Assay.
    """

    def __init__(self, path: Path, busy_seconds: float = 30.0, migrations: tuple[str, ...] | None = None) -> None:
        self.path = path
        self._migrations = MIGRATIONS if migrations is None else migrations
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Rows are written many at a time: a table has as many statements as there may be rows (`stores.many_rows`).
            self.connection = apsw.Connection(str(path), statementcachesize=_STATEMENTS)
            self.wait_at_most(busy_seconds)
            self.execute("PRAGMA journal_mode=WAL")
            # FULL: an acknowledged transaction is on disk; group commit pays for it.
            self.execute("PRAGMA synchronous=FULL")
            self.execute("PRAGMA foreign_keys=ON")
            # Deleted rows are overwritten with zeros: an erased key must not lie about in free pages.
            self.execute("PRAGMA main.secure_delete=ON")
            self._migrate()
        except (apsw.Error, OSError) as error:
            raise Unavailable(f"{path}: expected a SQLite file that can be written, got {error}") from error

    def wait_at_most(self, seconds: float) -> None:
        """How long whoever holds the file is waited for."""
        self._busy_seconds = seconds
        self.connection.set_busy_timeout(int(seconds * 1000))

    def write_often(self) -> None:
        """Keep in memory what a writer of many transactions might take back, and few pages beside it.

        A statement of several rows, or a savepoint, notes each page before it changes it: in a file, that was as much
        writing as the transaction itself. SQLite looks at every page at hand when it commits after a leaf was split,
        as long as the file is smaller than 1 GB (`pcache1TruncateUnsafe`: pages that change places pass the number of
        the byte that is locked): with 64 MB that took 0.6 ms of one transaction in four, and the processor's caches
        with it. Pages that are not at hand come from the system's memory in a few microseconds.
        """
        self.execute("PRAGMA cache_size=-2048")
        self.execute("PRAGMA temp_store=MEMORY")

    def _migrate(self) -> None:
        if self._version() == len(self._migrations):
            return
        with self.transaction():
            version = self._version()
            if version > len(self._migrations):
                raise DataError(
                    f"{self.path}: expected schema version up to {len(self._migrations)}, got {version}; "
                    "it was written by a newer Assay: upgrade this installation"
                )
            for script in self._migrations[version:]:
                self.connection.execute(script)
            self.connection.execute(f"PRAGMA user_version={len(self._migrations)}")

    def _version(self) -> int:
        return int(self.one("PRAGMA user_version")[0])

    def execute(self, sql: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows."""
        return self.connection.execute(sql, values).fetchall()

    def one(self, sql: str, values: Any = ()) -> tuple[Any, ...]:
        """The first row of a statement that always has one."""
        row: tuple[Any, ...] = next(self.connection.execute(sql, values))
        return row

    def maybe(self, sql: str, values: Any = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        return next(iter(self.execute(sql, values)), None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A write transaction: all of it on disk, or none of it.

        Raises
        ------
        Unavailable
            When the store is busy, full or read-only; nothing was written.
        """
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._rollback()
                raise
            try:
                self.connection.execute("COMMIT")
            except apsw.Error:
                self._rollback()
                raise
        except (apsw.BusyError, apsw.FullError, apsw.IOError, apsw.ReadOnlyError) as error:
            raise Unavailable(
                f"{self.path}: expected a store that takes writes, got {error}; nothing was written"
            ) from error

    @contextmanager
    def transaction_between(self) -> Iterator[None]:
        """The same beside who writes all the time: asks every 2 ms, not at last every 100, whether the store is free.

        Raises
        ------
        Unavailable
            As `transaction`.
        """
        until = time.monotonic() + self._busy_seconds

        def asks_again(n_asked: int) -> bool:
            del n_asked
            time.sleep(_BETWEEN_SECONDS)
            return time.monotonic() < until

        self.connection.set_busy_handler(asks_again)
        try:
            with self.transaction():
                yield
        finally:
            self.wait_at_most(self._busy_seconds)

    def _rollback(self) -> None:
        # A full disk makes SQLite roll back by itself; a second ROLLBACK would hide the first error.
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A read transaction: every statement in it sees one moment; nests inside a transaction."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self._rollback()

    def fold_log(self, why: str) -> None:
        """Fold the write-ahead log into the file: it holds the pages as they were, with what was deleted since.

        Parameters
        ----------
        why : what the log must not hold any more, for the message.

        Raises
        ------
        Unavailable
            When a reader holds the log; call again.
        """
        until = time.monotonic() + self._busy_seconds
        while self.one("PRAGMA wal_checkpoint(TRUNCATE)")[0]:
            # SQLite has waited for readers and writers, but never waits for who is copying back, as a service often is.
            if time.monotonic() > until:
                raise Unavailable(
                    f"{self.path}: expected to fold the log over {why}, a reader holds it; "
                    "end what reads long, and do it again"
                )
            time.sleep(_AGAIN_SECONDS)

    def close(self) -> None:
        """Release the file."""
        self.connection.close()
