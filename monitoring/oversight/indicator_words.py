"""An indicator as pages say it: its title instead of its key, and its value in per cent where it is a share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from monitoring.indicator import Indicator, indicators
from scoring.pages.page import Cell, percent_of
from scoring.pages.words import Words


def title_of(key: str) -> Words:
    """What people read; a key that nobody declares any more as it is.

    Examples
    --------
    >>> title_of("foreign_share"), title_of("gone")
    (Say(key='risks.foreign_share', values={}), 'gone')
    """
    known = _indicators().get(key)
    return key if known is None else known.title


def value_cell(key: str, value: float | None) -> Cell:
    """A value of an indicator.

    Examples
    --------
    >>> type(value_cell("foreign_share", 0.31)).__name__, value_cell("tickets_overdue", 4.0)
    ('Percent', 4.0)
    """
    known = _indicators().get(key)
    return percent_of(value) if known is not None and known.form.endswith("%") else value


@lru_cache(maxsize=1)
def _indicators() -> Mapping[str, Indicator]:
    return {each.key: each for each in indicators()}
