"""What a section says: every word in one language or both, its pictures drawn on the way; and how it judges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from domain.bilingual import Both
from scoring.pages.page import Block, Facts, Finding, Picture, Prose, Section, Statistics, Table
from scoring.pages.status import Statistic, Status
from scoring.pages.words import LANGS, Catalogue, Lang, Say, Tongue

ROOT = Path(__file__).parents[3]
WORDS = Catalogue.read([ROOT / "scoring" / "pages" / "messages", ROOT / "training" / "report" / "messages"])


def every_word(section: Section, lang: Lang) -> list[str]:
    """Raises where a message is not in the catalogue, or lacks a value."""
    tongue = WORDS.tongue(lang)
    said = [tongue(section.title), *(tongue(each) for each in section.not_run)]
    for block in section.blocks:
        said += _of(block, tongue)
    return said


def said(section: Section) -> list[str]:
    """Every word in both languages."""
    return [text for lang in LANGS for text in every_word(section, lang)]


def read_aloud(section: Section) -> dict[str, str]:
    """All text by language."""
    return {lang: "\n".join(every_word(section, lang)) for lang in LANGS}


def named(section: Section, key: str) -> Statistic:
    """One statistic of a section."""
    (found,) = (each for each in section.statistics if each.key == key)
    return found


def statuses(section: Section) -> dict[str, Status]:
    """Status of each statistic by its key."""
    return {each.key: each.status for each in section.statistics}


def with_status(section: Section, status: Status) -> set[str]:
    """Keys of statistics and findings of a status."""
    return {each.key for each in (*section.statistics, *section.findings) if each.status is status}


def _of(block: Block, tongue: Tongue) -> Iterator[str]:
    match block:
        case Prose() | Finding():
            yield tongue(block.words)
        case Statistics():
            yield tongue(block.title)
            for each in block.statistics:
                yield str(each.as_dict(tongue))
        case Table():
            yield tongue(block.title)
            for row in (block.columns, *block.rows):
                assert len(row) == len(block.columns)
                yield " · ".join(tongue(cell) if isinstance(cell, (Say, Both, str)) else str(cell) for cell in row)
            assert block.statuses is None or len(block.statuses) == len(block.rows)
        case Facts():
            yield tongue(block.title)
            for name, value in block.rows:
                yield f"{tongue(name)} = {tongue(value) if isinstance(value, (Say, Both, str)) else value}"
        case Picture():
            yield f"{tongue(block.title)}: {tongue(block.description)}"
            figure = block.draw(tongue)
            assert isinstance(figure, Figure)
            assert figure.get_size_inches()[0] <= 7.2
            yield from _of(block.table, tongue)
