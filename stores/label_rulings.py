"""What people ruled on outcomes that were held back: append-only, the newest ruling of an outcome counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import InputError, expected_got
from stores.database import Database

RULINGS = ("released", "refused")


@dataclass(frozen=True, slots=True)
class Ruling:
    """One ruling on one outcome; ``at`` in µs UTC."""

    seq: int
    ruling: str
    by: str
    reason: str
    at: int


class LabelRulings:
    """Write and read rulings in a home's database.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> rulings = LabelRulings(Database(Path(tempfile.mkdtemp()) / "assay.db"))
    >>> rulings.rule([4, 7], "released", "wang", "the scheme sent a backlog", 5)
    >>> rulings.newest()
    {4: 'released', 7: 'released'}
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def rule(self, seqs: Sequence[int], ruling: str, by: str, reason: str, at: int) -> None:
        """Write one ruling on several outcomes, all or none.

        Raises
        ------
        InputError
            When the ruling is not one, or nobody or no reason is named.
        """
        if ruling not in RULINGS:
            raise InputError(expected_got(f"one of {', '.join(RULINGS)}", ruling, "label ruling"))
        if not by.strip() or not reason.strip():
            raise InputError(expected_got("who rules, and why", f"by {by!r}, reason {reason!r}", "label ruling"))
        with self.database.transaction():
            self.database.connection.executemany(
                "INSERT INTO label_ruling (seq, ruling, by, reason, at) VALUES (?, ?, ?, ?, ?)",
                [(seq, ruling, by.strip(), reason.strip(), at) for seq in seqs],
            )

    def all(self) -> list[Ruling]:
        """Every ruling, the oldest first."""
        rows = self.database.execute("SELECT seq, ruling, by, reason, at FROM label_ruling ORDER BY ruling_id")
        return [Ruling(*row) for row in rows]

    def newest(self) -> dict[int, str]:
        """Outcome's seq → its newest ruling."""
        return {each.seq: each.ruling for each in self.all()}
