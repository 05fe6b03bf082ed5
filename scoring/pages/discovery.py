"""Declarations that stand one a file in a folder, and are found there."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

from domain.errors import DefinitionError

Declared = TypeVar("Declared")


def declared(folder: ModuleType, name: str, kind: type[Declared], *distinct: str) -> list[Declared]:
    """What the modules of a package declare under a name, in the order of their files.

    Parameters
    ----------
    distinct : fields whose values must differ between any two.

    Raises
    ------
    DefinitionError
        When two have the same value of such a field.
    """
    modules = (
        importlib.import_module(f"{folder.__name__}.{each.name}") for each in pkgutil.iter_modules(folder.__path__)
    )
    found = [each for module in modules if isinstance(each := getattr(module, name, None), kind)]
    for field in distinct:
        values = [getattr(each, field) for each in found]
        twice = sorted({str(value) for value in values if values.count(value) > 1})
        if twice:
            raise DefinitionError(f"{folder.__name__}: expected each {field} once, got {', '.join(twice)} again")
    return found
