"""An indicator of the early warning, declared beside the code that reads it; all of them are discovered.

To add one, put a file into `monitoring/indicators` with

    INDICATORS = (Indicator("first_payment_default", say("book.first_payment_default"), read, period="month"),)

where ``read(sight)`` yields a `Reading` for the whole or for each place it speaks of (``where="grade=C"``). Its words
stand in any catalogue of `monitoring/oversight/messages`; its limits in `configs/limits.yaml`. Without a limit it is
read and kept, and raises nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from domain.errors import DefinitionError, expected_got
from monitoring import indicators as folder
from monitoring.chunk import Period
from monitoring.reading import Reading
from monitoring.sight import Sight
from scoring.pages.words import Words

_KEY = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Indicator:
    """Something that is read once at the end of every day, week or month.

    Parameters
    ----------
    key : stable name; limits and readings cite it.
    title : what people read.
    read : the readings of one chunk; a place (``where``) at most once. It sees nothing but what the sight gives, so
        that reading a past chunk again says the same.
    period : of its chunks, cut at midnight of the business time zone.
    form : how its values are written, a format specification such as ``.3f``, ``.1%``, ``,.0f``.
    restricted : of the restricted class (AML): kept out of ordinary pages, lists and webhooks.

    Raises
    ------
    DefinitionError
        When the key is not in lower case letters, digits and underscores.
    """

    key: str
    title: Words
    read: Callable[[Sight], Iterable[Reading]]
    period: Period = "day"
    form: str = ".3g"
    restricted: bool = False

    def __post_init__(self) -> None:
        """Keys are cited in YAML and in the store."""
        if not _KEY.fullmatch(self.key):
            raise DefinitionError(expected_got("lower case letters, digits, underscores", self.key, "indicator key"))


def indicators() -> tuple[Indicator, ...]:
    """Every indicator, in the order of their files and within them.

    Raises
    ------
    DefinitionError
        When two have one key, or a file holds none.
    """
    found: list[Indicator] = []
    for module in pkgutil.iter_modules(folder.__path__):
        declared = getattr(importlib.import_module(f"{folder.__name__}.{module.name}"), "INDICATORS", ())
        if not declared:
            raise DefinitionError(expected_got("INDICATORS with at least one", declared, f"indicators/{module.name}"))
        found.extend(declared)
    keys = [each.key for each in found]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise DefinitionError(f"indicators: expected each key once, got {', '.join(twice)} again")
    return tuple(found)
