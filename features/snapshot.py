"""A snapshot: the features of a span of the journal as a table, with a manifest that says how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from stores.snapshots import read_snapshot, write_snapshot


@dataclass(frozen=True)
class Snapshot:
    """Features in ``seq`` order.

    ``table``: seq, client, event_id, event_time, known_at, keys of the subject, amount_base (int64, minor units
    of the base currency), every feature (float64, text for categories), truncated, stale.
    """

    table: pa.Table
    manifest: Mapping[str, Any]

    def save(self, folder: Path) -> None:
        """Write it to a new folder."""
        write_snapshot(folder, self.table, self.manifest)

    @classmethod
    def load(cls, folder: Path) -> Snapshot:
        """Read it back; see `stores.snapshots.read_snapshot` for what can be wrong with it."""
        return cls(*read_snapshot(folder))
