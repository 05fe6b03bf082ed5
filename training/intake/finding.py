"""A finding: what one check saw, how it is graded, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from training.intake.settings import Limit, Waiver


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
    summary: str
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
    def counts_as(self) -> Grade:
        """Its grade after waivers: a waived red finding is amber, never green.

        Examples
        --------
        >>> Finding("leaked_column", Grade.RED, "it ranks alone", ("x",)).counts_as.value
        'red'
        """
        return Grade.AMBER if self.grade is Grade.RED and self.waived is not None else self.grade


def worst(findings: tuple[Finding, ...]) -> str:
    """``red``, ``amber`` or ``green`` after waivers; a note is no objection.

    Examples
    --------
    >>> worst((Finding("a", Grade.NOTE, ""), Finding("b", Grade.AMBER, "")))
    'amber'
    """
    grades = {finding.counts_as for finding in findings}
    return next((grade.value for grade in (Grade.RED, Grade.AMBER) if grade in grades), Grade.GREEN.value)
