"""The explainer's kernel, compiled once a process or taken from the cache of `features.compiled`."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from numba import float64, types, uint16, uint64

from features.compiled import cache_folders, compile_doors, hash_of
from features.kernel import compiling
from scoring.kernel import shapley

SOURCES = Path(__file__).parent

_WORDS, _FLOATS = uint64[::1], float64[::1]
_TABLE, _NARROW, _MATRIX = uint64[:, ::1], uint16[::1], float64[:, ::1]
_LENT = types.Array(float64, 2, "C", readonly=True)  # rows of a table belong to Arrow
_SIGNATURES = (
    ("shapley", (_TABLE, _TABLE, _TABLE, _WORDS, _NARROW, _FLOATS, _FLOATS, _FLOATS, _FLOATS, _LENT, _MATRIX, _FLOATS,
                 _FLOATS, _FLOATS, _FLOATS, _FLOATS, _FLOATS, _WORDS)),
)  # fmt: skip

_lock = threading.Lock()
_loaded: Any = None


def load_shapley() -> Any:
    """The compiled `scoring.kernel.shapley.shapley`; it frees the interpreter's lock while it runs."""
    global _loaded
    with _lock:
        if _loaded is None:
            name = f"shapley-{hash_of([*SOURCES.glob('*.py'), Path(compiling.__file__)])}"
            _loaded = compile_doors(shapley, _SIGNATURES, name, cache_folders(SOURCES)).functions["shapley"]
        return _loaded
