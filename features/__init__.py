"""Declarations (what), one compiled kernel (how), its two clocks (replay, online), the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from features.frames import as_of

__all__ = ["as_of"]


def __getattr__(name: str) -> Any:
    # Lazily: pandas and the kernel must not be loaded by everyone who imports one module of ours.
    if name == "as_of":
        from features.frames import as_of

        return as_of
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
