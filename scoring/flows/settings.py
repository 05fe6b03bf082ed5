"""Settings of the patterns of payments."""

from __future__ import annotations

from pydantic import Field

from domain.bilingual import Sourced
from domain.settings import Settings
from domain.time import Duration


class PatternSettings(Settings):
    """What belongs together.

    Parameters
    ----------
    window : payments this close. longest : accounts of a cycle. kept : the share of a sum that goes on along a cycle.
    source : who says so.
    """

    window: Duration
    longest: int = Field(ge=2, le=8)
    kept: float = Field(gt=0, le=1)
    source: Sourced
