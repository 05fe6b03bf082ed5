"""A gate: what was measured, the limit, who set it, and what follows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from domain.bilingual import InBothLanguages, as_json


class Verdict(StrEnum):
    """What a gate says."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ASSESSED = "not assessed"


@dataclass(frozen=True, slots=True)
class Gate:
    """What one gate found.

    Parameters
    ----------
    firm : whether no reason can force it.
    value : what was measured, as a sentence. limit : what it was held against. source : who says so.
    required : whether a gate that could not be assessed holds the promotion up as a failure does.

    Examples
    --------
    >>> gate = Gate("latency", Verdict.PASSED, False, "52 µs", "at most 1,000 µs", "an example")
    >>> gate.holds, str(gate)
    (True, 'latency: passed (52 µs)')
    """

    name: str
    verdict: Verdict
    firm: bool
    value: str
    limit: str
    source: InBothLanguages | str
    required: bool = True

    @property
    def passed(self) -> bool:
        """Whether it was assessed and found good."""
        return self.verdict is Verdict.PASSED

    @property
    def holds(self) -> bool:
        """Whether promotion may go on as far as this gate goes."""
        return self.passed or (self.verdict is Verdict.NOT_ASSESSED and not self.required)

    def __str__(self) -> str:
        return f"{self.name}: {self.verdict.value} ({self.value})"

    def as_dict(self) -> dict[str, str | bool | dict[str, str]]:
        """The gate as JSON; its source in both languages where the settings have both."""
        return {**asdict(self), "verdict": self.verdict.value, "source": as_json(self.source), "holds": self.holds}


def verdict_of(passed: bool) -> Verdict:
    """Passed or failed."""
    return Verdict.PASSED if passed else Verdict.FAILED
