"""Secret keys: from the environment, or from files only their owner can read."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from domain.errors import DefinitionError

KEY_BYTES = 32


def secret_key(folder: Path, name: str, environment: Mapping[str, str]) -> bytes:
    """The 32-byte key ``name``; ``ASSAY_<NAME>_KEY`` (64 hex digits) wins over the file, which is made when absent.

    Raises
    ------
    DefinitionError
        When the key is not 32 bytes, or its file cannot be read or made.

    Examples
    --------
    >>> secret_key(Path("unused"), "chain", {"ASSAY_CHAIN_KEY": "00" * 32}) == bytes(32)
    True
    """
    variable = f"ASSAY_{name.upper()}_KEY"
    if variable in environment:
        try:
            key = bytes.fromhex(environment[variable])
        except ValueError:
            key = b""
        source = variable
    else:
        path = folder / f"{name}.key"
        source = str(path)
        key = _read_or_make(path)
    if len(key) != KEY_BYTES:
        raise DefinitionError(f"{source}: expected a key of {KEY_BYTES} bytes, got {len(key)} usable ones")
    return key


def _read_or_make(path: Path) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path)
        return path.read_bytes()
    except OSError as error:
        raise DefinitionError(f"{path}: expected a key file of the owner's, got {error}") from error


def _make(path: Path) -> None:
    """A whole key or none: written aside and linked, so that two processes, or a crash, never leave half of one."""
    staged = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(staged, path)
    finally:
        staged.unlink()
