"""The service desk: promises that are broken and still run, at the end of each day."""

from __future__ import annotations

from collections.abc import Iterator

from domain.matters import Matter, MatterKind
from monitoring.indicator import Indicator
from monitoring.matters.intake import complaints_at
from monitoring.reading import Reading, not_assessed
from monitoring.sight import Sight
from scoring.pages.words import say
from stores.matter_settings import ComplaintSettings
from stores.matters import Matters
from stores.settings_files import load_settings


def _overdue(matters: list[Matter], until: int, what: str) -> Iterator[Reading]:
    """How many have a promise that was broken before the end of the day."""
    if not matters:
        yield not_assessed(f"no {what}")
        return
    yield Reading(float(sum(bool(each.overdue(until - 1)) for each in matters)), len(matters))


def _complaints(sight: Sight) -> Iterator[Reading]:
    settings = load_settings(sight.look.configs / "complaints.yaml", ComplaintSettings)
    return _overdue(complaints_at(sight.look.journal, settings, sight.until), sight.until, "complaint")


def _tickets(sight: Sight) -> Iterator[Reading]:
    return _overdue(Matters(sight.look.database).of(MatterKind.TICKET, until=sight.until), sight.until, "ticket")


def _cases(sight: Sight) -> Iterator[Reading]:
    return _overdue(Matters(sight.look.database).of(MatterKind.CASE, until=sight.until), sight.until, "case")


INDICATORS = (
    Indicator("complaints_overdue", say("complaints.overdue"), _complaints, form=",.0f"),
    Indicator("tickets_overdue", say("desk.overdue"), _tickets, form=",.0f"),
    Indicator("cases_overdue", say("casework.overdue"), _cases, form=",.0f"),
)
