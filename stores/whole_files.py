"""Files that are there whole or not at all, whatever crashes and whoever else writes them at the same moment."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from domain.errors import Unavailable


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
    with _aside(path, content, mode) as staged:
        staged.replace(path)


def write_once(path: Path, content: bytes, mode: int = 0o644) -> None:
    """As `write_whole`, but what is there stays: of several who write at once the first.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "chain.key"
    >>> write_once(path, b"first"), write_once(path, b"second"), path.read_bytes()
    (None, None, b'first')
    """
    with _aside(path, content, mode) as staged, suppress(FileExistsError):
        os.link(staged, path)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file where it is and force it to the disk."""
    with path.open("wb") as file:
        _write(file, content)


def sync_folder(folder: Path) -> None:
    """Force the names of a folder to the disk."""
    sync(folder)


def sync(path: Path) -> None:
    """Force a file that somebody else has written, or the names of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def only_writer(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the name of a file or folder that is being written, against other threads and processes.

    It is held through a hidden file beside it, which a crash lets go of.

    Parameters
    ----------
    wait : for who holds it, as where something is read, changed and written back.

    Raises
    ------
    Unavailable
        When somebody else holds it and is not waited for.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "snapshot"
    >>> with only_writer(path), only_writer(path):
    ...     pass
    Traceback (most recent call last):
    domain.errors.Unavailable: ...snapshot: expected to be the only one who writes it, somebody else does; ...
    """
    lock = path.with_name(f".{path.name}.lock")
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, path, wait)
            # Who held it before has removed it: then another may hold the file that is there now.
            if _still_there(descriptor, lock):
                try:
                    yield
                finally:
                    lock.unlink()
                return
        finally:
            os.close(descriptor)


def _lock(descriptor: int, path: Path, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise Unavailable(
            f"{path}: expected to be the only one who writes it, somebody else does; wait until that is done"
        ) from None


def _still_there(descriptor: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), lock.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _aside(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """The file under a name of this writer's own, for the block to give it its name."""
    staged = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            _write(file, content)
        yield staged
    finally:
        staged.unlink(missing_ok=True)
    sync_folder(path.parent)


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
