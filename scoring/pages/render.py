"""A page as one HTML file that opens anywhere, and the same page as JSON.

No script, nothing fetched: styles, pictures and the font's characters lie in the file, and its policy
(Content-Security-Policy) lets a browser load nothing else. Nothing is computed here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from pathlib import Path
from typing import Any, Final

from domain.bilingual import Both
from domain.errors import DefinitionError
from scoring.pages import font
from scoring.pages.numbers import interval_of, is_number, value_of, written
from scoring.pages.page import (
    NONE_OF_THEM,
    Block,
    Cell,
    Facts,
    Finding,
    Links,
    Page,
    Picture,
    Prose,
    Section,
    Statistics,
    Table,
)
from scoring.pages.pictures import svg_of
from scoring.pages.status import STATUS_WORDS, Status
from scoring.pages.words import Catalogue, Lang, Say, Tongue, Words

HERE: Final = Path(__file__).parent

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
)
"""Inline styles only because SVG text carries its size and place in them."""

_LANGUAGE: Final = {"zh": "zh-Hans", "en": "en"}
_WIDE: Final = 8
"""Columns from which a table is set in small type."""

_WORD: Final = 12
"""Letters of a word that a wide table keeps on one line."""

_SHORT: Final = 16
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
"""Characters that a column of a table that is not wide may ask to be kept together."""

_PRINTED: Final = 40
"""Rows of a folded table that paper takes."""


def render(page: Page, catalogue: Catalogue, lang: Lang) -> str:
    """The page in one language as one HTML document.

    Raises
    ------
    DefinitionError
        When a message is missing, or two sections or two tables of one section share a key.
    """
    _check_keys(page)
    tongue = catalogue.tongue(lang)
    body = _template().render(page=page, write=_Writer(tongue, lang), t=lambda name: tongue(Say(f"page.{name}")))
    title = f"{tongue(page.kind)} · {tongue(page.subject)}"
    face = font.data_url(frozenset(unescape(body) + title))
    return "".join(
        (
            f'<!doctype html>\n<html lang="{_LANGUAGE[lang]}">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{escape(title)}</title>\n<style>\n",
            f"@font-face {{ font-family: '{font.FAMILY}'; src: url({face}) format('woff'); }}\n",
            (HERE / "page.css").read_text(encoding="utf-8"),
            f"@page {{ @bottom-left {{ content: {_css_string(title)}; }} }}\n",
            f"</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n",
        )
    )


def to_json(page: Page, catalogue: Catalogue, lang: Lang) -> dict[str, Any]:
    """The page as JSON: every number, status and table, words in one language."""
    _check_keys(page)
    tongue = catalogue.tongue(lang)
    return {
        "kind": tongue(page.kind),
        "subject": tongue(page.subject),
        "lang": lang,
        "notice": tongue(page.notice),
        "status": page.status.value,
        "facts": _facts(page.facts, tongue),
        "sections": [_section(section, tongue) for section in page.sections],
    }


def _section(section: Section, tongue: Tongue) -> dict[str, Any]:
    """One section as JSON; blocks in their order, each with its kind."""
    return {
        "key": section.key,
        "title": tongue(section.title),
        "status": section.status.value,
        "statistics": [_finite(each.as_dict(tongue)) for each in section.statistics],
        "blocks": [made for block in section.blocks if (made := _block(block, tongue)) is not None],
        "not_run": [tongue(words) for words in section.not_run],
    }


def _block(block: Block, tongue: Tongue) -> dict[str, Any] | None:
    match block:
        case Statistics():
            return None
        case Prose():
            return {"kind": "prose", "words": tongue(block.words)}
        case Table():
            return _table(block, tongue)
        case Facts():
            return {"kind": "facts", "key": block.key, "title": tongue(block.title), "rows": _facts(block, tongue)}
        case Picture():
            said = {"title": tongue(block.title), "description": tongue(block.description)}
            return {"kind": "picture", "key": block.key, **said, "table": _table(block.table, tongue)}
        case Finding():
            return {"kind": "finding", "key": block.key, "status": block.status.value, "words": tongue(block.words)}
        case Links():
            links = [{"key": e.key, "title": tongue(e.title), "status": e.status.value} for e in block.links]
            return {"kind": "links", "key": block.key, "title": tongue(block.title), "links": links}


def _table(table: Table, tongue: Tongue) -> dict[str, Any]:
    return {
        "kind": "table",
        "key": table.key,
        "title": tongue(table.title),
        "columns": [tongue(column) for column in table.columns],
        "rows": [[_plain(cell, tongue) for cell in row] for row in table.rows],
        "statuses": None if table.statuses is None else [status.value for status in table.statuses],
    }


def _facts(facts: Facts, tongue: Tongue) -> dict[str, Any]:
    return {tongue(name): _plain(value, tongue) for name, value in facts.rows}


def _plain(cell: Cell, tongue: Tongue) -> Any:
    if isinstance(cell, str | Say | Both):
        return tongue(cell)
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _finite(record: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in record.items()
    }


def _check_keys(page: Page) -> None:
    keys = [section.key for section in page.sections]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise DefinitionError(f"page: expected each key once, got {', '.join(twice)} again")


@dataclass(frozen=True)
class _Writer:
    """What the template asks: how things are said in its language, escaped by the template."""

    tongue: Tongue
    lang: Lang

    def href(self, key: str) -> str:
        """The file of another page of the site, in this language."""
        return f"{key}.{self.lang}.html"

    def say(self, words: Words) -> str:
        return self.tongue(words)

    def cell(self, cell: Cell) -> str:
        return written(cell, self.tongue)

    def number(self, cell: Cell) -> bool:
        return is_number(cell)

    def value(self, statistic: Any) -> str:
        return value_of(statistic, self.tongue)

    def interval(self, statistic: Any) -> str:
        return interval_of(statistic)

    def status(self, status: Status) -> str:
        return self.tongue(STATUS_WORDS[status])

    def mark(self, status: Status) -> str:
        return status.name.lower()

    def svg(self, section: Section, picture: Picture) -> Any:
        from markupsafe import Markup

        return Markup(svg_of(picture, self.tongue, f"{section.key}-{picture.key}"))  # noqa: S704 - our own drawing

    def wide(self, table: Table) -> bool:
        return len(table.columns) + (table.statuses is not None) >= _WIDE

    def right(self, table: Table) -> list[bool]:
        """Which columns hold numbers alone; one that holds nothing at all stands as the column before it."""
        columns = zip(*table.rows, strict=True) if table.rows else ((),) * len(table.columns)
        found: list[bool] = []
        for column in columns:
            told = [cell for cell in column if cell is not None and cell != NONE_OF_THEM]
            found.append(all(is_number(cell) for cell in told) if told else found[-1:] == [True])
        return found

    def short(self, table: Table) -> list[bool]:
        """Which columns hold a few characters each, in a wide table days and short words; no line should break them."""
        columns = list(zip(*table.rows, strict=True)) if table.rows else [()] * len(table.columns)
        if self.wide(table):
            return [any(column) and all(each is None or self._whole(each) for each in column) for column in columns]
        return [all(len(self.cell(cell)) <= _SHORT for cell in column) for column in columns]

    def _whole(self, cell: Cell) -> bool:
        return _is_day(cell) or _is_word(self.cell(cell))

    def long(self, table: Table) -> bool:
        """Whether the numbers under a picture are left to the screen and to report.json: paper has no room for them."""
        return len(table.rows) > _PRINTED

    def numbers_of(self, picture: Picture) -> str:
        return self.tongue(Say("page.numbers_of", {"title": picture.title}))

    def kind(self, block: Block) -> str:
        return type(block).__name__.lower()


def _css_string(text: str) -> str:
    r"""A CSS string that can end neither itself nor the style element.

    Examples
    --------
    >>> print(_css_string('a "b" </style>'))
    "a \22 b\22  \3c /style>"
    """
    return '"' + "".join(f"\\{ord(each):x} " if each in '"\\<\n\r\f' else each for each in text) + '"'


@lru_cache(maxsize=1)
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(str(HERE))
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.get_template("page.html")


def _is_word(text: str) -> bool:
    """Whether a text is one word that a column can keep whole; a Chinese character is as wide as two letters.

    Examples
    --------
    >>> [_is_word(text) for text in ("acceptable", "可接受", "customer service", "merchant_amount_mean_30d")]
    [True, True, False, False]
    """
    return " " not in text and sum(1 + (letter > "\u2e7f") for letter in text) <= _WORD


def _is_day(cell: Cell) -> bool:
    return isinstance(cell, str) and _DAY.fullmatch(cell) is not None
