"""A month's disclosure as a section of figures, each with its definition and who asks for it."""

from __future__ import annotations

from monitoring.disclosure.report import Disclosure, Item
from scoring.pages.page import Cell, Facts, Prose, Section, table_of
from scoring.pages.words import say


def sections(report: Disclosure) -> tuple[Section, ...]:
    """The figures, and the sources of their definitions."""
    rows: list[tuple[Cell, ...]] = [
        (say("disclosure.told", zh=item.definition.name_zh, en=item.definition.name_en), _value(item, report.currency),
         say("disclosure.told", zh=item.definition.zh, en=item.definition.en), item.definition.source)
        for item in report.items
    ]  # fmt: skip
    heads = [say(f"disclosure.{name}") for name in ("figure", "value", "definition", "asked")]
    missing = [
        (say("disclosure.told", zh=item.definition.name_zh, en=item.definition.name_en), item.note)
        for item in report.items
        if item.value is None
    ]
    blocks = [
        Facts("period", ((say("disclosure.month"), report.month.name),)),
        Prose(say("disclosure.intro"), quiet=True),
        table_of("figures", say("disclosure.figures"), heads, rows),
    ]
    if missing:
        columns = (say("disclosure.figure"), say("disclosure.why"))
        blocks.append(table_of("missing", say("disclosure.missing"), columns, missing))
    return (Section("figures", say("disclosure.title"), tuple(blocks)),)


def _value(item: Item, currency: str) -> Cell:
    if item.value is None:
        return say("disclosure.not_assessed")
    return f"{format(item.value, item.form)}{f' {currency}' if item.money else ''}"
