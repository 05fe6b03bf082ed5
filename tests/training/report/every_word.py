"""Everything a section says, in one language; its pictures are drawn on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from scoring.pages.page import Block, Facts, Finding, Picture, Prose, Section, Statistics, Table
from scoring.pages.words import Catalogue, Lang, Say, Tongue

ROOT = Path(__file__).parents[3]
FOLDERS = [ROOT / "scoring" / "pages" / "messages", ROOT / "training" / "report" / "messages"]


def every_word(section: Section, lang: Lang) -> list[str]:
    """Raises where a message is not in the catalogue, or lacks a value."""
    tongue = Catalogue.read(FOLDERS).tongue(lang)
    said = [tongue(section.title), *(tongue(each) for each in section.not_run)]
    for block in section.blocks:
        said += _of(block, tongue)
    return said


def _of(block: Block, tongue: Tongue) -> Iterator[str]:
    match block:
        case Prose() | Finding():
            yield tongue(block.words)
        case Statistics():
            yield tongue(block.title)
            for each in block.statistics:
                told = each.as_dict(tongue)
                yield " · ".join(f"{told[name]}" for name in ("name", "threshold", "source", "note"))
        case Table():
            yield tongue(block.title)
            for row in (block.columns, *block.rows):
                assert len(row) == len(block.columns)
                yield " · ".join(tongue(cell) if isinstance(cell, (Say, str)) else str(cell) for cell in row)
            assert block.statuses is None or len(block.statuses) == len(block.rows)
        case Facts():
            yield tongue(block.title)
            for name, value in block.rows:
                yield f"{tongue(name)} = {tongue(value) if isinstance(value, (Say, str)) else value}"
        case Picture():
            yield f"{tongue(block.title)}: {tongue(block.description)}"
            figure = block.draw(tongue)
            assert isinstance(figure, Figure)
            assert figure.get_size_inches()[0] <= 7.2
            yield from _of(block.table, tongue)
