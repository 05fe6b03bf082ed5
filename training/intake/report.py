"""The report of an intake audit: findings by grade, as a table, as JSON, as a picture."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from domain.bilingual import in_english
from domain.errors import DataError
from training.intake.finding import ORDER, Finding, Grade, said, worst
from training.intake.waive import how_to_waive

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {
    Grade.RED: "#b4442f", Grade.AMBER: "#b7791f", Grade.NOTE: "#2f6690", Grade.NOT_ASSESSED: "#6b7280",
    Grade.GREEN: "#3a7d44",
}  # fmt: skip


@dataclass(frozen=True)
class IntakeReport:
    """What was found in a table.

    Parameters
    ----------
    about : what was audited: rows, events, target, split.
    findings : worst first.
    alone : column → AUC of the column alone. drivers : column → AUC of telling test from training by it alone.
    seconds : of each check.
    """

    about: Mapping[str, Any]
    findings: tuple[Finding, ...]
    alone: Mapping[str, float] = field(default_factory=dict)
    drivers: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def worst(self) -> str:
        """``red``, ``amber`` or ``green``; a waived red finding counts as amber."""
        return worst(self.findings)

    def of(self, grade: Grade) -> tuple[Finding, ...]:
        """Findings of one grade, waivers counted."""
        return tuple(finding for finding in self.findings if finding.counts_as is grade)

    def table(self) -> pd.DataFrame:
        """One row a finding, worst first."""
        return pd.DataFrame([_row(finding) for finding in self.findings], columns=list(_COLUMNS))

    def headline(self) -> str:
        """What was audited and how many findings there are, in two sentences."""
        counts = Counter(finding.counts_as for finding in self.findings)
        counted = ", ".join(f"{counts[grade]} {grade.value}" for grade in ORDER if counts[grade])
        about = self.about
        return (
            f"{about['rows']:,} rows, {about['events']:,} events ({about['events'] / max(1, about['rows']):.2%}), "
            f"{about['columns']} columns; {about['split']}. Findings: {counted}."
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        return {
            "worst": self.worst,
            "about": dict(self.about),
            "findings": [_json(finding) for finding in self.findings],
            "alone": dict(self.alone),
            "drivers": dict(self.drivers),
        }

    def to_json(self) -> str:
        """Everything, as JSON; the same table gives the same bytes."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def refuse_red(self) -> None:
        """Stop a flow.

        Raises
        ------
        DataError
            When a red finding is not waived, naming each and the line that waives it.
        """
        red = self.of(Grade.RED)
        if not red:
            return
        lines = [f"intake: {len(red)} red finding{'s stop' if len(red) > 1 else ' stops'} the training:"]
        for finding in red:
            named = f" {', '.join(finding.columns)}" if finding.columns else ""
            lines.append(f"  {finding.check}{named}: {finding.summary}. {finding.advice}")
        lines.append("To go on knowingly, answer for each by name in the config:")
        lines.append("  intake:\n    waive:")
        lines += [f"      - {how_to_waive(finding)}" for finding in red]
        raise DataError("\n".join(lines))

    def plot(self) -> Figure:
        """AUC of single columns beside the drivers between the parts, the largest fifteen of each."""
        from training.intake.picture import draw

        return draw(self)

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in _COLUMNS)
        lines = []
        for finding in self.findings:
            cells = "".join(f"<td style='text-align:left'>{escape(str(cell))}</td>" for cell in _row(finding)[1:])
            colour = _COLOURS[finding.counts_as]
            lines.append(f"<tr><td style='color:{colour}'><b>{escape(_row(finding)[0])}</b></td>{cells}</tr>")
        title = f"<p><b style='color:{_COLOURS[Grade(self.worst)]}'>{self.worst}</b> {escape(self.headline())}</p>"
        return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"

    def __repr__(self) -> str:
        return f"IntakeReport({self.worst}: {self.headline()})"


_COLUMNS = ("grade", "check", "columns", "finding", "value", "limit", "source", "rows", "next")
_NAMED = 6


def _row(finding: Finding) -> list[str]:
    waived = "" if finding.waived is None else " (red, waived)"
    extra = len(finding.columns) - _NAMED
    named = ", ".join(finding.columns[:_NAMED]) + (f" and {extra} more" if extra > 0 else "")
    words = finding.summary
    if finding.rows:
        words += f"; rows {', '.join(map(str, finding.rows))}"
    if finding.waived is not None:
        by = finding.waived
        words += f"; waived by {by.by} until {by.until}: {by.reason}"
    limit = finding.limit
    return [
        finding.counts_as.value + waived, finding.check, named, words,
        "" if finding.value is None else f"{finding.value:.3g}", "" if limit is None else f"{limit.value:g}",
        "" if limit is None else in_english(limit.source), f"{finding.n:,}" if finding.n else "", finding.advice,
    ]  # fmt: skip


def _json(finding: Finding) -> dict[str, Any]:
    numbers = {name: _finite(getattr(finding, name)) for name in ("value", "low", "high")}
    return {
        "check": finding.check,
        "grade": finding.grade.value,
        "counts_as": finding.counts_as.value,
        "columns": list(finding.columns),
        "summary": finding.summary,
        "summary_zh": said(finding.words, "zh"),
        **numbers,
        "limit": None if finding.limit is None else finding.limit.model_dump(),
        "n": finding.n,
        "rows": list(finding.rows),
        "advice": finding.advice,
        "waived": None if finding.waived is None else finding.waived.model_dump(mode="json"),
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)
