"""Benchmark data as events: imported by their mapping once, into a journal of their own."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from data.importer.importer import import_source
from data.importer.mapping import ImportMapping
from domain.errors import DataError
from domain.settings import PlatformSettings
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.settings_files import load_settings
from stores.vault import Vault
from stores.whole_files import only_writer
from training.progress import Progress, silent


def journal_of(
    mapping: Path, source: Path, home: Home, platform: PlatformSettings, progress: Progress = silent
) -> Journal:
    """The journal of one public file; made when the home has none of this file, mapping and platform yet.

    Raises
    ------
    DataError
        When the file is absent or rows of it are rejected: a protocol takes a file whole.
    """
    if not source.is_file():
        raise DataError(f"{source}: expected the data set's file, found none; name its folder with --data")
    folder = home.root / "benchmarks" / f"{mapping.stem}-{_digest(mapping, source, platform)[:16]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Whoever comes second waits, and finds it made.
    with only_writer(folder, wait=True):
        if not folder.exists():
            staged = folder.with_name(f".{folder.name}.staged")
            shutil.rmtree(staged, ignore_errors=True)
            staged.mkdir()
            _import(mapping, source, staged, platform, progress)
            staged.rename(folder)
    return Journal(Database(folder / "assay.db"), folder / "journal")


def _import(mapping: Path, source: Path, folder: Path, platform: PlatformSettings, progress: Progress) -> None:
    database = Database(folder / "assay.db")
    # Public data name nobody: their tokens need no secret.
    vault = Vault(database, bytes(32))
    chosen = load_settings(mapping, ImportMapping)
    result = import_source(
        chosen, source, Journal(database, folder / "journal"), vault, platform, folder / "rejects",
        lambda done, total: progress("import", done, total, source.name),
    )  # fmt: skip
    database.close()
    if result.n_rejected:
        raise DataError(
            f"{source}: expected every row to fit {mapping.name}, got {result.n_rejected:,} rejected: "
            f"{next(iter(result.reasons), '')}; a protocol takes the file whole"
        )


def _digest(mapping: Path, source: Path, platform: PlatformSettings) -> str:
    digest = hashlib.sha256(mapping.read_bytes())
    digest.update(platform.model_dump_json().encode())
    with source.open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
