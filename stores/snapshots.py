"""Snapshots: a feature table and its manifest, in one folder that appears complete or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import DataError, Unavailable
from stores.whole_files import only_writer, sha256_of, sync, sync_folder

TABLE = "table.parquet"
MANIFEST = "manifest.json"


class SnapshotWriter:
    """Writes a snapshot block by block, hashing the table as it goes; the folder gets its name at the end.

    Parameters
    ----------
    folder : where the snapshot will be.

    Raises
    ------
    DataError
        When the folder exists: a snapshot is never overwritten.
    Unavailable
        When the disk is full or takes no files, or somebody else is writing this snapshot; nothing is left behind.
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists():
            raise DataError(f"{folder}: expected no snapshot there yet; choose another folder or remove it")
        self.folder = folder
        self._staged = folder.with_name(f".{folder.name}.staged")
        self._writer: pq.ParquetWriter | None = None
        self._file: _Hashed | None = None
        self._held = ExitStack()

    def __enter__(self) -> SnapshotWriter:
        with taking_files(self.folder), ExitStack() as held:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(only_writer(self.folder))
            shutil.rmtree(self._staged, ignore_errors=True)
            self._staged.mkdir()
            self._file = _Hashed(self._staged / TABLE)
            self._held = held.pop_all()
        return self

    def write(self, table: pa.Table) -> None:
        """Append rows, as one row group."""
        assert self._file is not None  # noqa: S101 - for the type checker
        with taking_files(self.folder):
            if self._writer is None:
                self._writer = pq.ParquetWriter(
                    pa.PythonFile(self._file, "w"), table.schema, compression="zstd", compression_level=1
                )
            self._writer.write_table(table, row_group_size=max(table.num_rows, 1))

    def finish(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Write the manifest and give the folder its name.

        Returns
        -------
        dict
            The manifest as written: with the SHA-256 of the table under ``table_sha256``.
        """
        assert self._file is not None  # noqa: S101 - for the type checker
        assert self._writer is not None  # noqa: S101 - one table at least, with its schema
        with taking_files(self.folder):
            self._writer.close()
            self._writer = None
            self._file.close()
            complete = {**manifest, "table_sha256": self._file.digest.hexdigest()}
            text = json.dumps(complete, indent=2, sort_keys=True, ensure_ascii=False)
            (self._staged / MANIFEST).write_text(text + "\n", encoding="utf-8")
            for name in (TABLE, MANIFEST):
                sync(self._staged / name)
            self._staged.rename(self.folder)
            sync_folder(self.folder.parent)
        return complete

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            # What was begun is thrown away: closing the Parquet writer would write its end.
            self._file.discard()
        shutil.rmtree(self._staged, ignore_errors=True)
        self._held.close()


class _Hashed(io.RawIOBase):
    """A file that is hashed as it is written."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.digest = hashlib.sha256()
        self._file = path.open("wb")
        self._kept = True

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        if self._kept:
            self.digest.update(content)
            self._file.write(content)
        return len(content)

    def flush(self) -> None:
        if self._kept and not self._file.closed:
            self._file.flush()

    def discard(self) -> None:
        """Take no more."""
        self._kept = False
        with suppress(OSError):
            self._file.close()

    def close(self) -> None:
        super().close()
        self._file.close()


@contextmanager
def taking_files(folder: Path) -> Iterator[None]:
    """Tells a full or read-only disk as what it is.

    Raises
    ------
    Unavailable
        Naming the folder.
    """
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"{folder}: expected a folder that takes files and a disk with room, got {error}; no snapshot was made"
        ) from error


def write_snapshot(folder: Path, table: pa.Table, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Write a whole table and its manifest; see `SnapshotWriter`."""
    with SnapshotWriter(folder) as writer:
        for start in range(0, max(table.num_rows, 1), _BLOCK):
            writer.write(table.slice(start, _BLOCK))
        return writer.finish(manifest)


_BLOCK = 2**16


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, once the table is found to be the one it speaks of.

    Raises
    ------
    DataError
        When a file is missing, cannot be read, or was altered.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        found = sha256_of(folder / TABLE)
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: expected a snapshot ({TABLE}, {MANIFEST}), got {error}; build it again") from error
    if found != manifest.get("table_sha256"):
        raise DataError(
            f"{folder / TABLE}: expected sha256 {str(manifest.get('table_sha256'))[:12]}…, got {found[:12]}…; "
            "the table was altered: build it again"
        )
    return manifest


def read_table(folder: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The table, or some of its columns."""
    with pq.ParquetFile(folder / TABLE) as file:
        return file.read(columns=None if columns is None else list(columns))


def read_snapshot(folder: Path) -> tuple[pa.Table, dict[str, Any]]:
    """Table and manifest of a snapshot; see `read_manifest` for what can be wrong with it."""
    manifest = read_manifest(folder)
    return read_table(folder), manifest
