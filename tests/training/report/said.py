"""Reads a section as a renderer does: every word in both languages, every picture drawn."""

from __future__ import annotations

from typing import Any

from scoring.pages.page import Facts, Finding, Picture, Prose, Section, Statistics, Table
from scoring.pages.status import Statistic, Status
from scoring.pages.words import LANGS, Catalogue, Say, Tongue, Words
from tests.training.conftest import ROOT
from training.report.settings import ReportSettings


def catalogue() -> Catalogue:
    return Catalogue.read([ROOT / "scoring" / "pages" / "messages", ROOT / "training" / "report" / "messages"])


def read_aloud(section: Section) -> dict[str, str]:
    """All text of a section by language; fails where a message or one of its values is absent."""
    words = catalogue()
    return {lang: "\n".join(_lines(section, words.tongue(lang))) for lang in LANGS}


def _lines(section: Section, tongue: Tongue) -> list[str]:
    found = [tongue(section.title), *map(tongue, section.not_run)]
    for block in section.blocks:
        if isinstance(block, Prose | Finding):
            found.append(tongue(block.words))
        elif isinstance(block, Statistics):
            found += [tongue(block.title), *(str(each.as_dict(tongue)) for each in block.statistics)]
        elif isinstance(block, Table):
            found += _table(block, tongue)
        elif isinstance(block, Picture):
            figure: Any = block.draw(tongue)
            assert figure.get_size_inches()[0] <= 7.2
            found += [tongue(block.title), tongue(block.description), *_table(block.table, tongue)]
        elif isinstance(block, Facts):
            found += [tongue(block.title), *(tongue(name) for name, _ in block.rows)]
    return found


def _table(table: Table, tongue: Tongue) -> list[str]:
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert table.statuses is None or len(table.statuses) == len(table.rows)
    cells: list[Words] = [cell for row in table.rows for cell in row if isinstance(cell, str | Say)]
    return [tongue(table.title), *map(tongue, table.columns), *map(tongue, cells)]


def named(section: Section, key: str) -> Statistic:
    return next(each for each in section.statistics if each.key == key)


def with_status(section: Section, status: Status) -> set[str]:
    """Keys of statistics and findings of a status."""
    return {each.key for each in (*section.statistics, *section.findings) if each.status is status}


def report_settings(effort: str = "full") -> ReportSettings:
    from stores.settings_files import load_settings

    return load_settings(ROOT / "configs" / "report.yaml", ReportSettings).model_copy(update={"effort": effort})
