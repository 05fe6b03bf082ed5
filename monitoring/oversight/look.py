"""What a page of the site may look at: the stores of a home, and the period it speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.settings import PlatformSettings
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger


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
