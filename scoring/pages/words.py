"""Words in Chinese and English from one catalogue; what has no translation, such as a feature's name, stays text.

catalogue   key → {zh, en}, each a format string                 messages/*.yaml
Say         a key and its values, said in a language only when the page is written
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any, Literal, cast

from domain.bilingual import Both, InBothLanguages
from domain.errors import DefinitionError, expected_got
from stores.settings_files import read_yaml

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Say:
    """A message of the catalogue with its values; a value may be a message itself.

    Examples
    --------
    >>> words = Catalogue({"rows": {"zh": "{n:,} 行", "en": "{n:,} rows"}})
    >>> words.tongue("en")(Say("rows", {"n": 1200})), words.tongue("zh")(say("rows", n=1200))
    ('1,200 rows', '1,200 行')
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


def worded(source: InBothLanguages | str | Mapping[str, str]) -> Both | str:
    """A source as pages say it; a mapping is one that was read back from JSON.

    Examples
    --------
    >>> worded({"zh": "合同", "en": "a contract"}), worded("a contract")
    (Both(zh='合同', en='a contract'), 'a contract')
    """
    if isinstance(source, str):
        return source
    return source.words if isinstance(source, InBothLanguages) else Both(source["zh"], source["en"])


Words = Say | Both | str
"""A message to be translated, text given in both languages, or text that is the same in every one."""

Tongue = Callable[[Words], str]
"""Says words in one language."""


def say(key: str, **values: Any) -> Say:
    """A message with its values."""
    return Say(key, values)


def joined(words: Iterable[Words]) -> Words:
    """Words listed one after the other, as each language lists them; nothing where there are none.

    Examples
    --------
    >>> words = Catalogue({"page.listed": {"zh": "{first}、{then}", "en": "{first}, {then}"}})
    >>> [words.tongue(lang)(joined([Both("卡", "card"), "mcc"])) for lang in LANGS], joined([])
    (['卡、mcc', 'card, mcc'], '')
    """
    told = list(words)
    return reduce(lambda first, then: say("page.listed", first=first, then=then), told[1:], told[0]) if told else ""


class Catalogue:
    """All messages of a page.

    Raises
    ------
    DefinitionError
        When a message lacks a language, or its languages do not have the same places for values.
    """

    def __init__(self, messages: Mapping[str, Mapping[str, str]]) -> None:
        self._messages = dict(messages)
        for key, message in self._messages.items():
            if set(message) != set(LANGS):
                raise DefinitionError(expected_got("zh and en", sorted(message), f"message {key}"))
            places = {lang: _places(message[lang]) for lang in LANGS}
            if places["zh"] != places["en"]:
                raise DefinitionError(expected_got("the same values in zh and en", places, f"message {key}"))

    @classmethod
    def read(cls, folders: Iterable[Path]) -> Catalogue:
        """Every YAML file of some folders; a key is the file's name, a dot, and its name within the file.

        Raises
        ------
        DefinitionError
            As the class, or when a key is given twice.
        """
        found: dict[str, Mapping[str, str]] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.yaml")):
                content = cast("Mapping[str, Mapping[str, str]]", read_yaml(path))
                for name, message in content.items():
                    key = f"{path.stem}.{name}"
                    if key in found:
                        raise DefinitionError(f"message {key}: expected once, got again in {path.name}")
                    found[key] = message
        return cls(found)

    def __contains__(self, key: object) -> bool:
        return key in self._messages

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, in the order they were read."""
        return tuple(self._messages)

    def message(self, key: str) -> Mapping[str, str]:
        """A message in every language, its values not yet in."""
        return self._messages[key]

    def characters(self) -> set[str]:
        """Every character of the Chinese messages, which a font has to hold."""
        return {character for message in self._messages.values() for character in message["zh"]}

    def tongue(self, lang: Lang) -> Tongue:
        """What says words in a language."""

        def speak(words: Words) -> str:
            if isinstance(words, str):
                return words
            if isinstance(words, Both):
                return words.zh if lang == "zh" else words.en
            if words.key not in self._messages:
                raise DefinitionError(f"message {words.key}: expected in the catalogue, got none of this name")
            values = {
                name: speak(value) if isinstance(value, Say | Both) else value for name, value in words.values.items()
            }
            return _WRITER.vformat(self._messages[words.key][lang], (), values)

        return speak


class _Writer(string.Formatter):
    """Writes numbers with a minus sign, not a hyphen, and no sign before a nought.

    Examples
    --------
    >>> _WRITER.format("{:+.1f} {:.1f} {}", -2.06, -0.01, "a-b")
    '−2.1 0.0 a-b'
    """

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        return minus(text) if isinstance(value, int | float) else text


_WRITER = _Writer()


def minus(number: str) -> str:
    """A written number with a minus sign for its hyphen, and without one where nothing but noughts is left.

    Examples
    --------
    >>> minus("-0.25"), minus("-0.0%"), minus("1e-09")
    ('−0.25', '0.0%', '1e−09')
    """
    text = number.replace("-", "−")
    return text if any(digit in text for digit in "123456789") else text.lstrip("−")


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
