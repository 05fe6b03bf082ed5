"""Files that are there whole or not at all, whatever crashes and whoever else writes them at the same moment."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file aside, force it to the disk and put it in place; of several who write at once the last stays.

    Parameters
    ----------
    mode : who may read it, whatever the umask and whatever lay there before.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "lists.json"
    >>> write_whole(path, b"{}", 0o600)
    >>> path.read_bytes(), oct(path.stat().st_mode & 0o777), [each.name for each in path.parent.iterdir()]
    (b'{}', '0o600', ['lists.json'])
    """
    staged = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            _write(file, content)
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file where it is and force it to the disk."""
    with path.open("wb") as file:
        _write(file, content)


def sync_folder(folder: Path) -> None:
    """Force the names of a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
