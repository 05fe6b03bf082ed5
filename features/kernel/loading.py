"""The kernel, compiled once a process or taken from the cache of `features.compiled`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numba import boolean, float64, int64, types, uint8  # noqa: F401 - the names of the signatures below

from features.compiled import cache_folders, compile_doors, hash_of
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
    ("insert_many", (_WORDS, _TABLE, _TABLE, _WORDS, _TABLE, _WORDS, _TABLE, int64)),
    ("learn", (_WORDS, _TABLE, _TABLE, _WORDS, _TABLE, _WORDS, _WORDS, _TABLE, int64)),
    ("answer", (_WORDS, _TABLE, _WORDS, _TABLE, _WORDS, _WORDS, _TABLE, _MATRIX, _WORDS, _FLOATS, _WORDS, _WORDS,
                _WORDS, _TABLE)),
    ("replay", (_WORDS, _TABLE, _TABLE, _WORDS, _WORDS, _WORDS, int64, int64, _WORDS, _TABLE, _WORDS, _TABLE, _MATRIX,
                uint8[::1], _WORDS, _TABLE)),
    ("derive", (_MATRIX, _WORDS, _TABLE, _WORDS, _FLOATS, _WORDS, _WORDS)),
    ("group", (_WORDS, int64)),
    ("hash_texts", (_lent(types.int32), _lent(uint8), _WORDS)),
    ("number", (_WORDS, _WORDS, _WORDS, _WORDS, int64, int64)),
)  # fmt: skip

_lock = threading.Lock()
_loaded: Kernel | None = None


@dataclass(frozen=True)
class Kernel:
    """The compiled doors (see `features.kernel.entries`), and where their cache lies (None: memory only)."""

    insert_many: Any
    learn: Any
    answer: Any
    replay: Any
    derive: Any
    group: Any
    hash_texts: Any
    number: Any
    folder: Path | None
    from_cache: bool


def source_hash(sources: Path = SOURCES) -> str:
    """Hash of all kernel sources and of what compiles them.

    Examples
    --------
    >>> len(source_hash())
    24
    """
    return hash_of(sources.glob("*.py"))


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
            made = compile_doors(entries, _SIGNATURES, f"kernel-{source_hash()}", cache_folders(SOURCES, folder))
            _loaded = Kernel(**made.functions, folder=made.folder, from_cache=made.from_cache)
        return _loaded
