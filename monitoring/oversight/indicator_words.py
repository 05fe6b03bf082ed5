"""An indicator as pages say it: its title instead of its key, and its value in per cent where it is a share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from monitoring.indicator import Indicator, indicators
from scoring.pages.page import Cell, percent_of
from scoring.pages.words import Words, say


def title_of(key: str, code: str = "") -> Words:
    """What people read, with a code in brackets: its key, or that of a limit; a key that nobody declares as it is.

    Examples
    --------
    >>> title_of("foreign_share"), title_of("gone")
    (Say(key='risks.foreign_share', values={}), 'gone')
    >>> sorted(title_of("foreign_share", "foreign-share").values)
    ['code', 'title']
    """
    known = _indicators().get(key)
    title = key if known is None else known.title
    return say("early_warning.coded", title=title, code=code) if code else title


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
