"""A journal that is looked back on: each column of each kind is read from the disk once, as of one moment.

journal, last seq at the beginning -> columns that were asked for so far, by kind -> slices of them

Whoever reads it sees the same rows however long he takes; what arrives meanwhile is for the next look.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from stores.journal import Journal


class KeptJournal(Journal):
    """`Journal` for one run that reads much and writes nothing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from domain.events import Event
    >>> from stores.database import Database
    >>> folder = Path(tempfile.mkdtemp())
    >>> journal = Journal(Database(folder / "assay.db"), folder / "journal")
    >>> appended = journal.append([Event("inquiry", "a", 1, 1, {"borrower_id": "x"})])
    >>> kept = KeptJournal.of(journal)
    >>> appended = journal.append([Event("inquiry", "late", 3, 3, {"borrower_id": "x"})])
    >>> kept.read("inquiry", columns=["event_id"])["event_id"].to_pylist(), journal.count("inquiry")
    (['a'], 2)
    """

    _last: int
    _kept: dict[str, pa.Table]

    @classmethod
    def of(cls, journal: Journal) -> KeptJournal:
        """The same journal as it stands now."""
        made = cls(journal.database, journal.segments)
        made._last, made._kept = journal.last_seq(), {}
        return made

    def read(
        self, kind: str, *, after: int = 0, upto: int | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """As `Journal.read`, of what there was at the beginning."""
        wanted = self._wanted(kind, columns)
        whole = self._with(kind, wanted.names)
        if after > 0 or (upto is not None and upto < self._last):
            seq = whole["seq"].to_numpy()
            first, end = np.searchsorted(seq, [after, self._last if upto is None else upto], side="right")
            whole = whole.slice(int(first), max(0, int(end - first)))
        return whole.select(wanted.names)

    def _with(self, kind: str, names: Sequence[str]) -> pa.Table:
        """What is kept of a kind, with these columns at least."""
        kept = self._kept.get(kind)
        lacking = [name for name in dict.fromkeys(["seq", *names]) if kept is None or name not in kept.column_names]
        if kept is None or lacking:
            read = super().read(kind, upto=self._last, columns=lacking)
            if kept is None:
                kept = read
            else:
                for name in lacking:
                    kept = kept.append_column(read.schema.field(name), read[name])
            self._kept[kind] = kept
        return kept
