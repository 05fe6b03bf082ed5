"""Limits of the figures on cases, complaints, tickets and drills: ``configs/desk_limits.yaml``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Self

from pydantic import model_validator

from domain.settings import Settings
from monitoring.matters.promises import Share
from scoring.pages.status import Limit, Statistic, not_assessed
from scoring.pages.words import Words, say
from stores.settings_files import load_settings

KEYS = (
    "alerts_overdue", "case_pick_up", "case_resolution",
    "complaints_overdue", "complaint_first_answer", "complaint_resolution", "complaint_content", "complaint_repeat",
    "tickets_overdue", "ticket_pick_up", "ticket_first_answer", "ticket_resolution", "ticket_follow_up",
    "ticket_resolved", "ticket_content", "ticket_repeat", "ticket_reviewed",
    "drill_age",
)  # fmt: skip
"""Figures that can have a limit."""


class DeskLimits(Settings):
    """Figure → limit with its source; a figure without one says so."""

    limits: dict[str, Limit]

    @model_validator(mode="after")
    def _known_figures(self) -> Self:
        unknown = sorted(set(self.limits) - set(KEYS))
        if unknown:
            raise ValueError(f"limits: expected figures out of {', '.join(KEYS)}, got {unknown}")
        return self

    @classmethod
    def read(cls, configs: Path) -> DeskLimits:
        """Those of a folder of settings."""
        return load_settings(configs / "desk_limits.yaml", cls)

    def count(self, key: str, name: Words, value: int, n: int) -> Statistic:
        """A count out of ``n``, judged; not assessed where there is nothing to count."""
        if not n:
            return not_assessed(key, name, say("casework.nothing"), n=0)
        return Statistic(key, name, float(value), n=n, form=",.0f").held(self.limits.get(key))

    def share(self, key: str, name: Words, share: Share) -> Statistic:
        """A share with its interval, judged; not assessed where there is nothing to share."""
        if share.value is None:
            return not_assessed(key, name, say("casework.nothing"), n=0)
        low, high = share.interval
        made = Statistic(key, name, share.value, low, high, n=share.n, n_events=share.hits, form=".1%")
        return made.held(self.limits.get(key))


def unjudged(statistic: Statistic, note: Words) -> Statistic:
    """A figure that tells and is not held against anything."""
    return replace(statistic, note=note)
