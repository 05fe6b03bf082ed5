"""From events and labels to a registered, reviewed and deployed model bundle.

    from training import train, compare, evaluate

In a notebook these three open what they need (see `training.notebook`); nothing heavy is imported before they are
asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.notebook import compare, evaluate, train

__all__ = ["compare", "evaluate", "train"]

_WHERE = {"train": "training.notebook", "evaluate": "training.notebook", "compare": "training.notebook"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'training' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)
