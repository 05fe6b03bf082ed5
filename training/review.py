"""A review: what a second pair of eyes found in one bundle, and what it decided.

Findings and verdicts cite the hash of the bundle, so they cannot be carried over to another model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

import pandas as pd

from domain.errors import InputError, ModelError, expected_got
from domain.time import parse_instant


class Severity(StrEnum):
    """How grave a finding is; an open red one stops promotion."""

    RED = "red"
    AMBER = "amber"
    NOTE = "note"


class Status(StrEnum):
    """Where a finding stands."""

    OPEN = "open"
    CLOSED = "closed"
    WAIVED = "waived"


class Ruling(StrEnum):
    """What a reviewer may decide."""

    APPROVE = "approve"
    CONDITIONS = "approve with conditions"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Subject:
    """The version that is reviewed.

    Parameters
    ----------
    bundle : hash of its bundle. trainer : who may neither settle its findings nor rule on it.
    """

    name: str
    version: int
    bundle: str
    trainer: str

    def refuse_trainer(self, person: str, what: str) -> str:
        """The person's name as it is recorded; unverified.

        Raises
        ------
        ModelError
            When nobody is named, or the one who trained the model.

        Examples
        --------
        >>> Subject("fraud", 3, "0" * 64, "lin").refuse_trainer(" wang ", "reviewer")
        'wang'
        """
        named = person.strip()
        if not named:
            raise ModelError(f"{self.name} version {self.version}: expected the name of the {what}, got none")
        if named.casefold() == self.trainer.strip().casefold():
            raise ModelError(
                f"{self.name} version {self.version}: expected a {what} other than the trainer, got {named!r} who "
                "trained it; name yourself with --actor or --reviewer"
            )
        return named


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Parameters
    ----------
    id : F1, F2, … within the bundle. owner : who must act. due : by when, ISO date.
    reason : why it was closed or waived, and by whom.
    """

    id: str
    severity: Severity
    text: str
    owner: str
    due: str
    raised_by: str
    raised_at: str
    status: Status = Status.OPEN
    reason: str = ""

    @property
    def stops(self) -> bool:
        """Whether promotion must wait for it."""
        return self.severity is Severity.RED and self.status is Status.OPEN


@dataclass(frozen=True, slots=True)
class Opinion:
    """A signed verdict; the newest one counts.

    Parameters
    ----------
    expires_at, at : ISO 8601, UTC. conditions : what the approval depends on. mac : the signature.
    """

    ruling: Ruling
    reviewer: str
    at: str
    expires_at: str
    conditions: tuple[str, ...]
    comment: str
    mac: str

    def expired(self, now: int) -> bool:
        """Whether it no longer counts at ``now``, µs UTC."""
        return now >= parse_instant(self.expires_at)


@dataclass(frozen=True)
class Review:
    """All that was said of one bundle."""

    subject: Subject
    findings: tuple[Finding, ...] = ()
    verdict: Opinion | None = None

    @property
    def stopping(self) -> tuple[Finding, ...]:
        """Open red findings."""
        return tuple(finding for finding in self.findings if finding.stops)

    def __getitem__(self, finding: str) -> Finding:
        """One finding by its id.

        Raises
        ------
        InputError
            When there is none.
        """
        for each in self.findings:
            if each.id == finding:
                return each
        known = ", ".join(each.id for each in self.findings) or "none so far"
        raise InputError(expected_got(f"a finding out of {known}", finding, f"review of {self.subject.name}"))

    def standing(self, now: int) -> str:
        """The verdict in a few words at ``now``, µs UTC.

        Examples
        --------
        >>> Review(Subject("fraud", 1, "0" * 64, "lin")).standing(0)
        'none'
        """
        if self.verdict is None:
            return "none"
        return self.verdict.ruling.value + (", expired" if self.verdict.expired(now) else "")

    def table(self) -> pd.DataFrame:
        """One row a finding."""
        names = [name for name in Finding.__dataclass_fields__ if name != "id"]
        rows = {each.id: [str(getattr(each, name)) for name in names] for each in self.findings}
        return pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis("id")

    def as_dict(self) -> dict[str, Any]:
        """The review as JSON."""
        verdict = self.verdict
        return {
            "model": self.subject.name,
            "version": self.subject.version,
            "bundle": self.subject.bundle,
            "trained_by": self.subject.trainer,
            "findings": [{name: str(getattr(f, name)) for name in Finding.__dataclass_fields__} for f in self.findings],
            "verdict": None
            if verdict is None
            else {
                "ruling": verdict.ruling.value, "reviewer": verdict.reviewer, "at": verdict.at,
                "expires_at": verdict.expires_at, "conditions": list(verdict.conditions),
                "comment": verdict.comment, "signature": verdict.mac,
            },
        }  # fmt: skip


def fold(subject: Subject, said: Iterable[tuple[Mapping[str, Any], str]]) -> Review:
    """The state that a bundle's entries (body, signature), oldest first, add up to."""
    findings: dict[str, Finding] = {}
    verdict: Opinion | None = None
    for body, mac in said:
        if body["kind"] == "finding":
            # Numbered by their place in the log: two people who write at once cannot take the same number.
            number = f"F{len(findings) + 1}"
            severity = Severity(body["severity"])
            findings[number] = Finding(
                number, severity, body["text"], body["owner"], body["due"], body["by"], body["at"]
            )
        elif body["kind"] == "status":
            why = f"{body['reason']} ({body['by']}, {body['at']})"
            findings[body["id"]] = replace(findings[body["id"]], status=Status(body["status"]), reason=why)
        elif body["kind"] == "verdict":
            verdict = Opinion(
                Ruling(body["ruling"]), body["by"], body["at"], body["expires_at"], tuple(body["conditions"]),
                body["comment"], mac,
            )  # fmt: skip
    return Review(subject, tuple(findings.values()), verdict)


def check_date(text: str) -> str:
    """An ISO date.

    Raises
    ------
    InputError
        When it is none.

    Examples
    --------
    >>> check_date("2027-01-31")
    '2027-01-31'
    """
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise InputError(expected_got("a date such as 2027-01-31", text, "due")) from error
