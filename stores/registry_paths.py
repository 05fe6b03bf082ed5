"""Where a home's own MLflow store says its artifacts lie: it names them by place, so a home that moves takes them along."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

_NAMED: Final = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


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
            for table, column in _NAMED:
                if database.execute("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (table, column)).fetchone():
                    database.execute(
                        f"UPDATE {table} SET {column} = ?2 || substr({column}, length(?1) + 1) "
                        f"WHERE {column} = ?1 OR substr({column}, 1, length(?1) + 1) = ?1 || '/'",
                        (former, present),
                    )
                    changed += database.changes()
    finally:
        database.close()
    return changed
