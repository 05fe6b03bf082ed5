"""Sentences that a settings file gives in Chinese and English, or in one language alone.

A page says them in its own language; a terminal, a log and a record that a machine reads say them in English.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from domain.settings import Settings


@dataclass(frozen=True, slots=True)
class Both:
    """Text that a settings file gives in each language.

    Examples
    --------
    >>> Both("查明原因", "find out why").en
    'find out why'
    """

    zh: str
    en: str


class InBothLanguages(Settings):
    """A sentence of a settings file in Chinese and English; both must be there.

    Examples
    --------
    >>> InBothLanguages(zh="本项目自定", en="ours").words
    Both(zh='本项目自定', en='ours')
    """

    zh: str = Field(min_length=2)
    en: str = Field(min_length=2)

    @property
    def words(self) -> Both:
        """As pages say it."""
        return Both(self.zh, self.en)

    def and_also(self, other: InBothLanguages) -> InBothLanguages:
        """Two sentences as one."""
        return InBothLanguages(zh=f"{self.zh}；{other.zh}", en=f"{self.en}; {other.en}")


Sourced = InBothLanguages | Annotated[str, Field(min_length=3)]
"""Who says so, of a settings file: in one language, or in both."""

Owner = InBothLanguages | Annotated[str, Field(min_length=2)]
"""Who must act, of a settings file: a person, a desk; in one language, or in both."""


def in_english(source: InBothLanguages | Both | str) -> str:
    """A source, or any words, for a terminal, a log, an error.

    Examples
    --------
    >>> in_english(InBothLanguages(zh="合同", en="a contract")), in_english("a contract")
    ('a contract', 'a contract')
    """
    return source if isinstance(source, str) else source.en


def as_json(source: InBothLanguages | str) -> str | dict[str, str]:
    """A source for JSON, as the settings file has it.

    Examples
    --------
    >>> as_json(InBothLanguages(zh="合同", en="a contract"))
    {'zh': '合同', 'en': 'a contract'}
    """
    return source if isinstance(source, str) else source.model_dump()
