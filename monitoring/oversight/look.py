"""What a page of the site may look at: the stores of a home, and the period it speaks of."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from domain.settings import PlatformSettings
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger

T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """One look back at a home.

    Parameters
    ----------
    configs : folder of the settings.
    since, until : µs UTC; the period is ``since <= t < until``. The look is taken at ``until``: what became known
        later (``known_at >= until``) is not seen, so that a past look can be taken again and says the same.
    """

    home: Home
    configs: Path
    platform: PlatformSettings
    database: Database
    journal: Journal
    ledger: Ledger
    since: int
    until: int
    _kept: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once for this look and all made from it; ``what`` names all that it depends on."""
        if what not in self._kept:
            self._kept[what] = make()
        found: T = self._kept[what]
        return found
