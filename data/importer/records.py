"""What was imported into a home, one JSON file per mapping: training reads from it whether rows have a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.errors import DataError
from stores.whole_files import only_writer, write_whole


def write_record(folder: Path, name: str, imported: Mapping[str, object]) -> Path:
    """Add one import to the record of its mapping, the newest last."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{name}.json"
    with only_writer(path, wait=True):
        imports = [*read_record(folder, name), dict(imported)]
        write_whole(path, (json.dumps({"imports": imports}, indent=2, ensure_ascii=False) + "\n").encode())
    return path


def read_record(folder: Path, name: str) -> list[dict[str, Any]]:
    """The imports by one mapping, oldest first; empty when there were none.

    Raises
    ------
    DataError
        When the record is not one of ours.
    """
    path = folder / f"{name}.json"
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [dict(imported) for imported in content["imports"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: expected the record of imports, got {error}") from error
