"""Snapshots: a feature table and its manifest, in one folder written all at once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import DataError

TABLE = "table.parquet"
MANIFEST = "manifest.json"


def write_snapshot(folder: Path, table: pa.Table, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Write table and manifest; the folder appears complete or not at all.

    Returns
    -------
    dict
        The manifest as written: with the SHA-256 of the table under ``table_sha256``.

    Raises
    ------
    DataError
        When the folder exists: a snapshot is never overwritten.
    """
    if folder.exists():
        raise DataError(f"{folder}: expected no snapshot there yet; choose another folder or remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = folder.with_name(f".{folder.name}.staged")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    pq.write_table(table, staged / TABLE, compression="zstd", compression_level=1)
    complete = {**manifest, "table_sha256": _sha256(staged / TABLE)}
    text = json.dumps(complete, indent=2, sort_keys=True, ensure_ascii=False)
    (staged / MANIFEST).write_text(text + "\n", encoding="utf-8")
    for name in (TABLE, MANIFEST):
        _sync(staged / name)
    staged.rename(folder)
    _sync(folder.parent)
    return complete


def read_snapshot(folder: Path) -> tuple[pa.Table, dict[str, Any]]:
    """Table and manifest of a snapshot.

    Raises
    ------
    DataError
        When a file is missing, cannot be read, or is not the one the manifest speaks of.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        found = _sha256(folder / TABLE)
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: expected a snapshot ({TABLE}, {MANIFEST}), got {error}; build it again") from error
    if found != manifest.get("table_sha256"):
        raise DataError(
            f"{folder / TABLE}: expected sha256 {str(manifest.get('table_sha256'))[:12]}…, got {found[:12]}…; "
            "the table was altered: build it again"
        )
    with pq.ParquetFile(folder / TABLE) as file:
        return file.read(), manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
