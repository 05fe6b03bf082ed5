"""A snapshot: the features of a span of the journal as a table, with a manifest that says how it was made."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from stores.snapshots import read_manifest, read_table, write_snapshot


class Snapshot:
    """Features in ``seq`` order.

    Parameters
    ----------
    table : seq, client, event_id, event_time, known_at, keys of the subject, amount_base (int64, minor units
        of the base currency), every feature (float64, text for categories), truncated, stale. None where it lies
        in the folder: it is read when it is asked for.
    manifest : how it was made.
    folder : where it was written.

    Examples
    --------
    >>> Snapshot(pa.table({"seq": [1], "amount": [9.5]}), {"n_rows": 1}).columns(["amount"]).to_pydict()
    {'amount': [9.5]}
    """

    def __init__(self, table: pa.Table | None, manifest: Mapping[str, Any], folder: Path | None = None) -> None:
        if table is None and folder is None:
            raise ValueError("a snapshot needs a table, or the folder that holds it")
        self._table = table
        self.manifest = manifest
        self.folder = folder

    @property
    def table(self) -> pa.Table:
        """The whole table in memory; see `columns` for a part of it."""
        if self._table is None:
            self._table = self.columns(None)
        return self._table

    def columns(self, names: Sequence[str] | None) -> pa.Table:
        """Some columns, all for None."""
        if self._table is not None:
            return self._table if names is None else self._table.select(list(names))
        assert self.folder is not None  # noqa: S101 - one of the two is there
        return read_table(self.folder, names)

    def save(self, folder: Path) -> None:
        """Write it to a new folder."""
        if self._table is None and self.folder is not None and not folder.exists():
            shutil.copytree(self.folder, folder)
        else:
            write_snapshot(folder, self.table, self.manifest)

    @classmethod
    def load(cls, folder: Path) -> Snapshot:
        """Find it and check it; the table is read when it is asked for.

        Raises
        ------
        DataError
            When a file is missing, cannot be read, or is not the one the manifest speaks of.
        """
        return cls(None, read_manifest(folder), folder)

    def __repr__(self) -> str:
        return f"Snapshot({self.manifest.get('n_rows')} rows, {self.folder or 'in memory'})"
