"""The scorer's and the explainer's kernels, compiled once a process or taken from the cache of `features.compiled`."""

from __future__ import annotations

import threading
from pathlib import Path
from types import ModuleType
from typing import Any

from numba import float64, types, uint16, uint64

from features.compiled import cache_folders, compile_doors, hash_of
from features.kernel import compiling
from scoring.kernel import shapley, walk

SOURCES = Path(__file__).parent

_WORDS, _FLOATS, _NARROW = uint64[::1], float64[::1], uint16[::1]
_TABLE, _MATRIX = uint64[:, ::1], float64[:, ::1]
_LENT = types.Array(float64, 2, "C", readonly=True)  # rows of a table belong to Arrow
_SIGNATURES = {
    "shapley": (_TABLE, _TABLE, _TABLE, _WORDS, _NARROW, _FLOATS, _FLOATS, _FLOATS, _FLOATS, _LENT, _MATRIX, _FLOATS,
                _FLOATS, _FLOATS, _FLOATS, _FLOATS, _FLOATS, _WORDS),
    "score": (_TABLE, _TABLE, _WORDS, _WORDS, _WORDS, _WORDS, _NARROW, _FLOATS, _FLOATS, _FLOATS, _WORDS, _FLOATS),
}  # fmt: skip

_lock = threading.Lock()
_loaded: dict[str, Any] = {}


def load_shapley() -> Any:
    """The compiled `scoring.kernel.shapley.shapley`; it frees the interpreter's lock while it runs."""
    return _load(shapley, "shapley")


def load_walk() -> Any:
    """The compiled `scoring.kernel.walk.score`; it keeps the interpreter's lock."""
    return _load(walk, "score")


def _load(module: ModuleType, door: str) -> Any:
    with _lock:
        if door not in _loaded:
            name = f"{door}-{hash_of([*SOURCES.glob('*.py'), Path(compiling.__file__)])}"
            compiled = compile_doors(module, ((door, _SIGNATURES[door]),), name, cache_folders(SOURCES))
            _loaded[door] = compiled.functions[door]
        return _loaded[door]
