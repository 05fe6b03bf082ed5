"""Secret keys: from the environment, or from files only their owner can read."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from domain.errors import DefinitionError
from stores.whole_files import write_once

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
            write_once(path, secrets.token_bytes(KEY_BYTES), 0o600)
        return path.read_bytes()
    except OSError as error:
        raise DefinitionError(f"{path}: expected a key file of the owner's, got {error}") from error
