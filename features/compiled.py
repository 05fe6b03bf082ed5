"""Compile functions, or take them from a cache whose folder is named by the hash of their sources.

Numba's own cache looks only at the file of the function itself and would not notice a change in a
file that it imports; a folder per hash cannot be out of date.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite  # type: ignore[import-untyped]  # carries no types
import numba

Signatures = Sequence[tuple[str, tuple[Any, ...]]]
"""Name of each function and the Numba types of its arguments; each has one signature."""

_DAMAGED = (EOFError, pickle.UnpicklingError, ValueError, ImportError, AttributeError, IndexError, KeyError, OSError)
"""What reading a damaged cache file raises."""


@dataclass(frozen=True)
class Compiled:
    """Compiled functions by name, and where their cache lies (None: memory only)."""

    functions: dict[str, Any]
    folder: Path | None
    from_cache: bool


def hash_of(sources: Iterable[Path]) -> str:
    """SHA-256 of source files and of what compiles them, shortened to 24 digits.

    Examples
    --------
    >>> len(hash_of([Path(__file__)]))
    24
    """
    digest = hashlib.sha256()
    for part in (platform.python_version(), numba.__version__, llvmlite.__version__):
        digest.update(part.encode() + b"\0")
    for path in sorted(sources, key=lambda path: path.name):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def compile_doors(module: ModuleType, signatures: Signatures, name: str, folders: Iterable[Path]) -> Compiled:
    """Compile a module's functions, or read them from ``folder / name`` of the first folder that can be used.

    Parameters
    ----------
    name : of the cache folder; it must hold the hash of every source that matters.
    folders : where the cache may lie; when none of them can be written the code is kept in memory.
    """
    folder = usable(place / name for place in folders)
    stem = module.__name__.rpartition(".")[2]
    doors: dict[str, Any] = {}
    before = numba.config.CACHE_DIR
    try:
        if folder is not None:
            numba.config.CACHE_DIR = str(folder)
        for door_name, arguments in signatures:
            door = getattr(module, door_name)
            if folder is not None:
                door.enable_caching()
            try:
                door.compile(arguments)
            except _DAMAGED:
                if folder is None:
                    raise
                # Cut short by a full disk or a kill: what it held can be made again.
                for path in folder.rglob(f"{stem}.{door_name}-*"):
                    path.unlink(missing_ok=True)
                door.compile(arguments)
            doors[door_name] = door
    finally:
        numba.config.CACHE_DIR = before
    for door in doors.values():
        door.disable_compile()
    hits = sum(sum(door.stats.cache_hits.values()) for door in doors.values())
    return Compiled(doors, folder, hits == len(doors))


def cache_folders(sources: Path, folder: Path | None = None) -> list[Path]:
    """Where compiled code may be kept: a given folder, beside the sources, in the user's cache folder."""
    given = [] if folder is None else [folder]
    # Never a shared temporary folder: compiled code found there is run.
    return [*given, sources / "__pycache__", Path("~/.cache/assay").expanduser()]


def usable(folders: Iterable[Path]) -> Path | None:
    """The first of the folders that holds compiled code or takes files; None when there is none."""
    for folder in folders:
        # An image may ship a filled cache that it does not let anyone write.
        if any(folder.rglob("*.nbi")) or writable([folder]) is not None:
            return folder
    return None


def writable(folders: Iterable[Path]) -> Path | None:
    """The first of the folders that exists, or can be made, and takes files; None when there is none."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, probe = tempfile.mkstemp(dir=folder)
        except (OSError, RuntimeError):
            continue
        os.close(descriptor)
        Path(probe).unlink()
        return folder
    return None
