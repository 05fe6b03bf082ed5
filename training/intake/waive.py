"""Waivers: a red finding that somebody answers for, by name, until a date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from scoring.pages.words import Words, say
from training.intake.finding import Finding, Grade
from training.intake.settings import Waiver

CHECK = "waiver"


def apply_waivers(findings: Sequence[Finding], waivers: Sequence[Waiver], today: date) -> tuple[Finding, ...]:
    """Findings with the waivers that hold for them; a waiver that is expired or that nothing needs is told.

    Examples
    --------
    >>> red = Finding("leaked_column", Grade.RED, "it ranks alone", ("x",))
    >>> told = Waiver(check="leaked_column", column="x", reason="known then", by="lin", until=date(2027, 1, 31))
    >>> [finding.counts_as.value for finding in apply_waivers([red], [told], date(2027, 1, 31))]
    ['amber']
    >>> [finding.counts_as.value for finding in apply_waivers([red], [told], date(2027, 2, 1))]
    ['red', 'amber']
    """
    used: set[int] = set()
    made = []
    for finding in findings:
        match = next((n for n, waiver in enumerate(waivers) if _fits(waiver, finding)), None)
        if finding.grade is not Grade.RED or match is None:
            made.append(finding)
            continue
        used.add(match)
        waiver = waivers[match]
        made.append(replace(finding, waived=waiver) if today <= waiver.until else finding)
        if today > waiver.until:
            made.append(
                _told(
                    waiver,
                    say("intake.expired", until=str(waiver.until)),
                    Grade.AMBER,
                    "Renew it with a reason, or mend the data.",
                )
            )  # fmt: skip
    for number, waiver in enumerate(waivers):
        if number not in used:
            made.append(_told(waiver, say("intake.not_needed"), Grade.NOTE, "Take it out."))
    return tuple(made)


def _fits(waiver: Waiver, finding: Finding) -> bool:
    column = finding.columns[0] if len(finding.columns) == 1 else None
    return waiver.check == finding.check and waiver.column == column


def _told(waiver: Waiver, state: Words, grade: Grade, advice: str) -> Finding:
    columns = () if waiver.column is None else (waiver.column,)
    said = say("intake.waiver_of", check=waiver.check, by=waiver.by, state=state)
    if waiver.column is not None:
        said = say("intake.waiver_of_column", check=waiver.check, column=waiver.column, by=waiver.by, state=state)
    return Finding(CHECK, grade, said, columns, advice=advice)


def how_to_waive(finding: Finding) -> str:
    """The line of a config that waives a finding.

    Examples
    --------
    >>> how_to_waive(Finding("leaked_column", Grade.RED, "", ("x",)))
    '{check: leaked_column, column: x, reason: …, by: NAME, until: DATE}'
    """
    column = f", column: {finding.columns[0]}" if len(finding.columns) == 1 else ""
    return f"{{check: {finding.check}{column}, reason: …, by: NAME, until: DATE}}"
