"""Disclosure: the report of the newest month that was over by the end of the period."""

from __future__ import annotations

from dataclasses import replace

from monitoring.book.settings import BookSettings, pricing_of
from monitoring.chunk import Chunker
from monitoring.disclosure.page import sections
from monitoring.disclosure.report import disclose
from monitoring.disclosure.settings import DisclosureSettings, Figure
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.page import Section, Statistics
from scoring.pages.status import not_assessed
from scoring.pages.words import say
from stores.settings_files import load_settings

_TOLD = (Figure.LOANS_TOTAL_N, Figure.PAYMENTS_N)


def build(look: Look) -> tuple[Section, ...]:
    """Every figure with definition and source."""
    settings = load_settings(look.configs / "disclosure.yaml", DisclosureSettings)
    book = load_settings(look.configs / "book.yaml", BookSettings)
    month = Chunker("month", look.platform.time_zone).newest(look.until)
    at_end = replace(look, since=month.since, until=month.until)
    report = disclose(at_end, month, settings, book, pricing_of(look.configs / "credit.yaml"))
    if not any(report.item(each).value for each in _TOLD):
        none = not_assessed("disclosure", say("disclosure.title"), say("disclosure.none", month=month.name), n=0)
        return (Section("figures", say("disclosure.title"), (Statistics((none,)),)),)
    return sections(report)


PAGE = PagePlan(55, "disclosure", say("disclosure.title"), build)
