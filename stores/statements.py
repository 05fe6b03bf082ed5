"""Statements of the custody account: lines as the bank told them, each kept once, with the file it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from domain.errors import DataError
from stores.database import Database


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement.

    Parameters
    ----------
    bank_ref : the bank's number of it, unique within an account. row : in its file.
    booked_on : ISO day. minor : minor units, above zero came in, below went out.
    our_ref : our event id, where the bank passes it on. counterparty : token of the account at the other end.
    balance : after the movement, minor units.
    """

    bank_ref: str
    row: int
    booked_on: str
    minor: int
    currency: str
    our_ref: str | None
    counterparty: str | None
    balance: int | None


@dataclass(frozen=True, slots=True)
class KeptLine(StatementLine):
    """A line with the time its file was read, µs UTC."""

    read_at: int


class Statements:
    """Keep and read lines of custody accounts.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> store = Statements(Database(Path(tempfile.mkdtemp()) / "assay.db"))
    >>> line = StatementLine("b1", 2, "2026-03-01", 500, "CNY", None, None, 500)
    >>> store.keep("custody", "0" * 64, [line], read_at=10, read_by="lin"), len(store.lines("custody"))
    (1, 1)
    >>> store.keep("custody", "0" * 64, [line], read_at=11, read_by="lin")
    0
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(
        self, account: str, statement_id: str, lines: Sequence[StatementLine], *, read_at: int, read_by: str
    ) -> int:
        """Keep the lines of a file, all or none; how many were new. The same line may come again in a later file.

        Raises
        ------
        DataError
            When a number of the bank's comes again with another amount, day or currency: nothing is kept.
        """
        with self._database.transaction():
            self._database.execute(
                "INSERT OR IGNORE INTO custody_statement VALUES (?, ?, ?, ?, ?)",
                (statement_id, account, read_at, read_by, len(lines)),
            )
            n_new = 0
            for line in lines:
                kept = self._database.maybe(
                    "SELECT booked_on, minor, currency FROM custody_line WHERE account = ? AND bank_ref = ?",
                    (account, line.bank_ref),
                )
                if kept is not None:
                    if kept != (line.booked_on, line.minor, line.currency):
                        raise DataError(
                            f"row {line.row}: expected bank reference {line.bank_ref} as it was kept "
                            f"({kept[0]}, {kept[1]} minor units {kept[2]}), got {line.booked_on}, {line.minor} "
                            f"{line.currency}; nothing of the file was kept"
                        )
                    continue
                bank_ref, row, *rest = astuple(line)
                self._database.execute(
                    "INSERT INTO custody_line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (account, bank_ref, statement_id, row, *rest),
                )
                n_new += 1
            return n_new

    def lines(self, account: str, *, before: int | None = None) -> list[KeptLine]:
        """Lines of an account by day and row.

        Parameters
        ----------
        before : only of files read before this time (µs UTC).
        """
        rows = self._database.execute(
            "SELECT bank_ref, row, booked_on, minor, currency, our_ref, counterparty, balance, read_at "
            "FROM custody_line JOIN custody_statement USING (statement_id) "
            "WHERE custody_line.account = ? AND read_at < ? ORDER BY booked_on, read_at, row",
            (account, 2**62 if before is None else before),
        )
        return [KeptLine(*row) for row in rows]
