"""What a page is made of: sections of blocks; how they look is the renderer's business alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import DefinitionError
from scoring.pages.status import Statistic, Status, worst
from scoring.pages.words import Tongue, Words

Cell = Words | int | float | None


class Percent(float):
    """A share that pages write in per cent and JSON as the share that it is."""


# A cell of a matrix where there was none, which a 0 would only crowd.
NONE_OF_THEM = "·"
"""Text, a whole number (written with thousands separators), a number (four significant digits), or nothing (—)."""


@dataclass(frozen=True)
class Prose:
    """A paragraph; ``quiet`` for what explains rather than tells."""

    words: Words
    quiet: bool = False


@dataclass(frozen=True)
class Statistics:
    """A table of statistics, each with interval, size, threshold, source and status."""

    statistics: tuple[Statistic, ...]
    title: Words = ""


@dataclass(frozen=True)
class Table:
    """Plain rows.

    Parameters
    ----------
    key : stable name in report.json.
    columns : headings; ``rows`` as wide. statuses : of each row, where rows are judged.
    folded : put away behind its title on the screen, printed whole: for the table under a picture.
    """

    key: str
    title: Words
    columns: tuple[Words, ...]
    rows: tuple[tuple[Cell, ...], ...]
    statuses: tuple[Status, ...] | None = None
    folded: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and values, such as hash and author."""

    key: str
    rows: tuple[tuple[Words, Cell], ...]
    title: Words = ""


@dataclass(frozen=True)
class Picture:
    """A plot, its description for who cannot see it, and the table of its numbers.

    Parameters
    ----------
    draw : given a tongue, a matplotlib Figure of ``figsize`` in inches at most 7.2 wide, drawn in the house style;
        called once a language, when the page is written.
    """

    key: str
    title: Words
    description: Words
    draw: Callable[[Tongue], Any]
    table: Table


@dataclass(frozen=True)
class Finding:
    """Something a reviewer must not overlook."""

    key: str
    status: Status
    words: Words


@dataclass(frozen=True)
class Link:
    """Another page of the same site: its key (the file is ``KEY.LANG.html``), its title and its status."""

    key: str
    title: Words
    status: Status


@dataclass(frozen=True)
class Links:
    """Other pages of the same site, which lie in the same folder."""

    key: str
    title: Words
    links: tuple[Link, ...]


Block = Prose | Statistics | Table | Facts | Picture | Finding | Links


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Parameters
    ----------
    key : stable name in report.json and anchor in the page.
    not_run : what was left out here and why, gathered at the end of the report.

    Raises
    ------
    DefinitionError
        When two blocks that are not prose share a key, or two statistics do.
    """

    key: str
    title: Words
    blocks: tuple[Block, ...]
    not_run: tuple[Words, ...] = ()

    def __post_init__(self) -> None:
        """Anchors of a page and names in report.json are distinct."""
        blocks = [block.key for block in self.blocks if not isinstance(block, Prose | Statistics)]
        for keys in (blocks, [each.key for each in self.statistics]):
            twice = sorted({key for key in keys if keys.count(key) > 1})
            if twice:
                raise DefinitionError(f"section {self.key}: expected each key once, got {', '.join(twice)} again")

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """All statistics of the section."""
        return tuple(each for block in self.blocks if isinstance(block, Statistics) for each in block.statistics)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings of the section."""
        return tuple(block for block in self.blocks if isinstance(block, Finding))

    @property
    def status(self) -> Status:
        """The worst of its statistics, findings, judged rows and linked pages."""
        rows = [each for block in self.blocks if isinstance(block, Table) for each in block.statuses or ()]
        links = [each.status for block in self.blocks if isinstance(block, Links) for each in block.links]
        told = [*(each.status for each in self.statistics), *(each.status for each in self.findings)]
        return worst([*told, *rows, *links])


@dataclass(frozen=True)
class Page:
    """A whole page.

    Parameters
    ----------
    kind : of document, such as ``model report``; with ``subject`` its title. facts : stand under the title.
    """

    kind: Words
    subject: Words
    facts: Facts
    sections: tuple[Section, ...]
    notice: Words = ""

    @property
    def status(self) -> Status:
        """The worst of its sections."""
        return worst(section.status for section in self.sections)


def percent_of(share: float | None) -> Percent | None:
    """A share as a cell."""
    return None if share is None else Percent(share)


def table_of(key: str, title: Words, columns: Sequence[Words], rows: Iterable[Sequence[Cell]], **more: Any) -> Table:
    """A table from any rows."""
    return Table(key, title, tuple(columns), tuple(tuple(row) for row in rows), **more)
