"""Compile the kernel, or take it from a cache whose folder is named by the hash of the sources.

Numba's own cache looks only at the file of the function itself and would not notice a change in a
file that it imports; a folder per hash cannot be out of date.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llvmlite  # type: ignore[import-untyped]  # carries no types
import numba
from numba import boolean, float64, int64, types, uint8  # noqa: F401 - the names of the signatures below

from features.kernel import entries

SOURCES = Path(__file__).parent

_WORDS = int64[::1]
_TABLE = int64[:, ::1]
_FLOATS = float64[::1]
_MATRIX = float64[:, ::1]


def _lent(dtype: Any) -> Any:
    """An array of Arrow's, which may only be read."""
    return types.Array(dtype, 1, "C", readonly=True)


_SIGNATURES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("insert_many", (_WORDS, _TABLE, _WORDS, _TABLE, _WORDS, _TABLE, int64)),
    ("answer", (_WORDS, _TABLE, _WORDS, _WORDS, _WORDS, _WORDS, _TABLE, _MATRIX, _WORDS, _FLOATS, _WORDS, _WORDS,
                _WORDS, _TABLE)),
    ("replay", (_WORDS, _TABLE, _WORDS, _WORDS, _WORDS, int64, int64, _WORDS, _TABLE, _WORDS, _TABLE, _MATRIX,
                uint8[::1], _WORDS, _TABLE)),
    ("derive", (_MATRIX, _WORDS, _TABLE, _WORDS, _FLOATS, _WORDS, _WORDS)),
    ("group", (_WORDS, int64)),
    ("hash_texts", (_lent(types.int32), _lent(uint8), _WORDS)),
    ("number", (_WORDS, _WORDS, _WORDS, _WORDS, int64, int64)),
)  # fmt: skip

_DAMAGED = (EOFError, pickle.UnpicklingError, ValueError, ImportError, AttributeError, IndexError, KeyError, OSError)
"""What reading a damaged cache file raises."""

_lock = threading.Lock()
_loaded: Kernel | None = None


@dataclass(frozen=True)
class Kernel:
    """The compiled doors (see `features.kernel.entries`), and where their cache lies (None: memory only)."""

    insert_many: Any
    answer: Any
    replay: Any
    derive: Any
    group: Any
    hash_texts: Any
    number: Any
    folder: Path | None
    from_cache: bool


def source_hash(sources: Path = SOURCES) -> str:
    """SHA-256 of all kernel sources and of what compiles them, shortened to 24 digits.

    Examples
    --------
    >>> len(source_hash())
    24
    """
    digest = hashlib.sha256()
    for part in (platform.python_version(), numba.__version__, llvmlite.__version__):
        digest.update(part.encode() + b"\0")
    for path in sorted(sources.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def load_kernel(folder: Path | None = None) -> Kernel:
    """The compiled kernel; the first call of a process compiles it or loads it from the cache.

    Parameters
    ----------
    folder : where compiled code is kept; by default beside the sources, else in the user's cache folder.
        When none of them can be written it is compiled into memory.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _load(_candidates(folder))
        return _loaded


def _candidates(folder: Path | None) -> list[Path]:
    given = [] if folder is None else [folder]
    # Never a shared temporary folder: compiled code found there is run.
    return [*given, SOURCES / "__pycache__", Path("~/.cache/assay").expanduser()]


def _load(candidates: Sequence[Path]) -> Kernel:
    name = f"kernel-{source_hash()}"
    return _compile(usable(candidate / name for candidate in candidates))


def usable(folders: Iterable[Path]) -> Path | None:
    """The first of the folders that holds compiled code or takes files; None when there is none."""
    for folder in folders:
        # An image may ship a filled cache that it does not let anyone write.
        if any(folder.rglob("entries.*.nbi")) or writable([folder]) is not None:
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


def _compile(folder: Path | None) -> Kernel:
    doors: dict[str, Any] = {}
    before = numba.config.CACHE_DIR
    try:
        if folder is not None:
            numba.config.CACHE_DIR = str(folder)
        for name, arguments in _SIGNATURES:
            door = getattr(entries, name)
            if folder is not None:
                door.enable_caching()
            try:
                door.compile(arguments)
            except _DAMAGED:
                if folder is None:
                    raise
                # Cut short by a full disk or a kill: what it held can be made again.
                for path in folder.rglob(f"entries.{name}-*"):
                    path.unlink(missing_ok=True)
                door.compile(arguments)
            doors[name] = door
    finally:
        numba.config.CACHE_DIR = before
    for door in doors.values():
        door.disable_compile()
    hits = sum(sum(door.stats.cache_hits.values()) for door in doors.values())
    return Kernel(**doors, folder=folder, from_cache=hits == len(doors))
