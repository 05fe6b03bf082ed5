"""Where a home's own MLflow store says its artifacts lie: it names them by place, so they move with the home."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

_MOVES: Final = {
    ("experiments", "artifact_location"): "UPDATE experiments SET artifact_location = ?2 || substr(artifact_location, "
    "length(?1) + 1) WHERE substr(artifact_location || '/', 1, length(?1) + 1) = ?1 || '/'",
    ("runs", "artifact_uri"): "UPDATE runs SET artifact_uri = ?2 || substr(artifact_uri, length(?1) + 1) "
    "WHERE substr(artifact_uri || '/', 1, length(?1) + 1) = ?1 || '/'",
    ("model_versions", "source"): "UPDATE model_versions SET source = ?2 || substr(source, length(?1) + 1) "
    "WHERE substr(source || '/', 1, length(?1) + 1) = ?1 || '/'",
    ("model_versions", "storage_location"): "UPDATE model_versions SET storage_location = ?2 || "
    "substr(storage_location, length(?1) + 1) WHERE substr(storage_location || '/', 1, length(?1) + 1) = ?1 || '/'",
}
"""Table and column → how the part of an address that is the folder's is replaced: whole names, no longer ones."""


def move_artifacts(registry: Path, former: str, present: str) -> int:
    """Name artifacts by their present place; returns how many names were changed.

    Parameters
    ----------
    registry : MLflow's SQLite file; nothing happens where there is none.
    former, present : URI of the artifact folder. What lies elsewhere, such as in an object store, is left alone.
    """
    if former == present or not registry.is_file():
        return 0
    changed = 0
    database = apsw.Connection(str(registry), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        with database:
            for named, move in _MOVES.items():
                if database.execute("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", named).fetchone():
                    database.execute(move, (former, present))
                    changed += database.changes()
    finally:
        database.close()
    return changed
