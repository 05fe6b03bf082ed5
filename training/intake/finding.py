"""A finding: what one check saw, how it is graded, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from scoring.pages.words import Catalogue, Lang, Words
from training.intake.settings import Limit, Waiver

MESSAGES = Path(__file__).parent / "messages"
"""Folder of what the checks say."""


class Grade(StrEnum):
    """How much a finding matters; the first is the worst."""

    RED = "red"  # stops training unless waived by name
    AMBER = "amber"  # somebody should look before the model is used
    NOTE = "note"  # worth knowing
    NOT_ASSESSED = "not assessed"  # could not be checked, and why
    GREEN = "green"  # checked, nothing found


ORDER = tuple(Grade)
"""Worst first."""


@dataclass(frozen=True)
class Finding:
    """What one check saw.

    Parameters
    ----------
    words : what was seen, a message of the catalogue, said in a language only when it is read.
    columns : those concerned; one for a red finding that speaks of a column, so that it can be waived by name.
    value, low, high : the figure and its 95 % interval, where there is one.
    n : rows it was measured on; a sample where there were more.
    rows : some row numbers of the file, from 0, as examples.
    limit : what the value was measured against, with its source.
    advice : what to do next.
    waived : who answers for it.
    """

    check: str
    grade: Grade
    words: Words
    columns: tuple[str, ...] = ()
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: Limit | None = None
    n: int = 0
    rows: tuple[int, ...] = ()
    advice: str = ""
    waived: Waiver | None = None

    @property
    def summary(self) -> str:
        """What was seen, in English.

        Examples
        --------
        >>> from scoring.pages.words import say
        >>> Finding("id_column", Grade.GREEN, say("intake.no_id")).summary
        'no column names single rows'
        """
        return said(self.words, "en")

    @property
    def counts_as(self) -> Grade:
        """Its grade after waivers: a waived red finding is amber, never green.

        Examples
        --------
        >>> Finding("leaked_column", Grade.RED, "it ranks alone", ("x",)).counts_as.value
        'red'
        """
        return Grade.AMBER if self.grade is Grade.RED and self.waived is not None else self.grade


@lru_cache(maxsize=1)
def _catalogue() -> Catalogue:
    return Catalogue.read([MESSAGES])


def said(words: Words, lang: Lang) -> str:
    """A message of the checks in one language.

    Examples
    --------
    >>> from scoring.pages.words import say
    >>> said(say("intake.no_id"), "zh")
    '没有哪一列是行的编号'
    """
    return _catalogue().tongue(lang)(words)


def worst(findings: tuple[Finding, ...]) -> str:
    """``red``, ``amber`` or ``green`` after waivers; a note is no objection.

    Examples
    --------
    >>> worst((Finding("a", Grade.NOTE, ""), Finding("b", Grade.AMBER, "")))
    'amber'
    """
    grades = {finding.counts_as for finding in findings}
    return next((grade.value for grade in (Grade.RED, Grade.AMBER) if grade in grades), Grade.GREEN.value)
