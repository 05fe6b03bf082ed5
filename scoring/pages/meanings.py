"""What a feature means, in Chinese too: the English that `features.describing` puts together, read phrase by phrase.

    number of failed events over the 1h before: authentication events of the customer
    客户的认证事件：失败事件数，此前1小时

Phrases and words are in ``meanings.yaml``. Names of columns are identifiers and stay. A sentence that no phrase fits
stays English.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from domain.bilingual import Both
from domain.settings import Settings
from stores.settings_files import load_settings

FILE: Final = Path(__file__).with_name("meanings.yaml")

_EVENTS = re.compile(r"(?P<line>.+): (?P<source>\w+) events of the (?P<entity>\w+)")
_WINDOW = re.compile(r"(\d+)([smhdw])")


class Meanings(Settings):
    """Sentences declared whole, words by their kind, and phrases as pairs of a pattern and its Chinese."""

    whole: dict[str, str]
    entities: dict[str, str]
    kinds: dict[str, str]
    groups: dict[str, str]
    conditions: dict[str, str]
    units: dict[str, str]
    windows: list[tuple[str, str]]
    lines: list[tuple[str, str]]

    def word(self, name: str) -> str:
        """A condition, or a window, in Chinese; a name of a column as it is."""
        window = _WINDOW.fullmatch(name)
        return self.conditions.get(name, name) if window is None else window[1] + self.units[window[2]]


def meaning(doc: str) -> Both | str:
    """The sentence in both languages, or as it is where it cannot be said in Chinese.

    Examples
    --------
    >>> said = meaning("mean of amount over the 7d before: loan events of the borrower")
    >>> isinstance(said, Both) and said.zh
    '借款人的贷款事件：amount的均值，此前7天'
    >>> meaning("what nobody has translated")
    'what nobody has translated'
    """
    known = _meanings()
    whole = known.whole.get(doc)
    if whole is not None:
        return Both(whole, doc)
    events = _EVENTS.fullmatch(doc)
    if events is None:
        line = _line(doc)
        return doc if line is None else Both(line, doc)
    line, entity = _windowed(events["line"]), known.entities.get(events["entity"])
    if line is None or entity is None:
        return doc
    return Both(f"{entity}的{known.kinds.get(events['source'], events['source'])}事件：{line}", doc)


def counted(text: str) -> Both | str:
    """Counts of rows by label status or drop rule, as ``parts.csv`` has them, in both languages.

    Examples
    --------
    >>> said = counted("1,101 censored, 3 dropped: card_id in train")
    >>> isinstance(said, Both) and said.zh
    '1,101删失，3剔除：曾用于学习的card_id'
    """
    each = [re.fullmatch(r"([\d,]+) (.+)", part) for part in text.split(", ")]
    if not all(each):
        return text
    return Both("，".join(f"{found[1]}{_zh(found[2])}" for found in each if found), text)


def group_named(group: str) -> Both | str:
    """A group of features; one that nobody has translated as it is.

    Examples
    --------
    >>> group_named("payee"), group_named("yours")
    (Both(zh='收款人', en='payee'), 'yours')
    """
    zh = _meanings().groups.get(group)
    return group if zh is None else Both(zh, group)


def kind_named(kind: str) -> Both | str:
    """A kind of event; one that nobody has translated as it is.

    Examples
    --------
    >>> kind_named("transaction")
    Both(zh='交易', en='transaction')
    """
    zh = _meanings().kinds.get(kind)
    return kind if zh is None else Both(zh, kind)


def _zh(text: str) -> str:
    said = meaning(text)
    return said.zh if isinstance(said, Both) else f" {said}"


def _windowed(text: str) -> str | None:
    known = _meanings()
    for pattern, zh in known.windows:
        found = re.fullmatch(pattern, text)
        if found is not None:
            line = _line(found[1])
            return None if line is None else zh.format(line, *map(known.word, found.groups()[1:]))
    return _line(text)


def _line(text: str) -> str | None:
    known = _meanings()
    for pattern, zh in known.lines:
        found = re.fullmatch(pattern, text)
        if found is not None:
            return zh.format(*map(known.word, found.groups()))
    return None


@lru_cache(maxsize=1)
def _meanings() -> Meanings:
    return load_settings(FILE, Meanings)
