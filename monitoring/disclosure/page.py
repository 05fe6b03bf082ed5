"""A month's disclosure as a section of figures, each with its definition and who asks for it."""

from __future__ import annotations

from domain.bilingual import Both
from monitoring.disclosure.report import Disclosure, Item
from scoring.pages.page import Block, Cell, Facts, Prose, Section, table_of
from scoring.pages.words import say, worded


def sections(report: Disclosure) -> tuple[Section, ...]:
    """The figures, and the sources of their definitions."""
    rows: list[tuple[Cell, ...]] = [
        (Both(item.definition.name_zh, item.definition.name_en), _value(item),
         Both(item.definition.zh, item.definition.en), worded(item.definition.source))
        for item in report.items
    ]  # fmt: skip
    heads = [say("disclosure.figure"), say("disclosure.value", currency=report.currency)]
    heads += [say("disclosure.definition"), say("disclosure.asked")]
    missing: list[tuple[Cell, ...]] = [
        (Both(item.definition.name_zh, item.definition.name_en), item.note)
        for item in report.items
        if item.value is None
    ]
    blocks: list[Block] = [
        Facts("period", ((say("disclosure.month"), report.month.name),)),
        Prose(say("disclosure.intro"), quiet=True),
        table_of("figures", say("disclosure.figures"), heads, rows),
    ]
    if missing:
        columns = (say("disclosure.figure"), say("disclosure.why"))
        blocks.append(table_of("missing", say("disclosure.missing"), columns, missing))
    return (Section("figures", say("disclosure.title"), tuple(blocks)),)


def _value(item: Item) -> Cell:
    return say("disclosure.not_assessed") if item.value is None else format(item.value, item.form)
