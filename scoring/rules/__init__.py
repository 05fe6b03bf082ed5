"""Rules, one a file: each module here that defines one is found and registered."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from scoring.rules.rule import RULES, Example, Facts, FloorRule, Hit, Rule

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

__all__ = ["RULES", "Example", "Facts", "FloorRule", "Hit", "Rule"]
