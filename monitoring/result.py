"""A result: what a calculator found about a chunk, before any limit is applied.

chunk --calculate--> results --limits--> lines (normal, attention, warning, high, not assessed)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.bilingual import Both, in_english
from domain.decision import RiskGrade
from monitoring.reading import Kind
from monitoring.report import NOT_ASSESSED, Line
from monitoring.settings import Limits

BY_CHANCE = Both("偶然可以解释", "within chance")


@dataclass(frozen=True, slots=True)
class Result:
    """One thing looked at.

    Parameters
    ----------
    group : what it is about: score, feature, missing, rate, grade, action, service, latency, data, performance.
    kind : observed, realised or estimated; never mixed in one column.
    value : None where it cannot be computed; ``note`` says why.
    measure : what limits are held against, where that is not the size of the value itself.
    low, high : interval of the value. expected : what the reference makes expected.
    by_chance : the measure that chance alone stays below. within_chance : whether chance explains it.
    n_reference, n_current : rows on both sides.
    """

    group: str
    name: str
    kind: Kind
    value: float | None
    n_reference: int
    n_current: int
    measure: float | None = None
    low: float | None = None
    high: float | None = None
    expected: float | None = None
    by_chance: float | None = None
    within_chance: bool = False
    note: Both | str = ""

    @property
    def assessed(self) -> bool:
        """Whether there is a value to judge."""
        return self.value is not None

    @property
    def alarming(self) -> bool:
        """Whether chance does not explain the value."""
        return self.assessed and not self.within_chance

    def held_against(self) -> float:
        """What limits are held against."""
        return abs(self.value or 0.0) if self.measure is None else self.measure


def needs(result: Result, least: int) -> Result:
    """The result as it stands, or without its value when either side has fewer rows than ``least``.

    Examples
    --------
    >>> result = Result("score", "raw score", Kind.OBSERVED, 0.3, 5000, 12)
    >>> needs(result, 100).value, in_english(needs(result, 100).note)
    (None, '12 rows, at least 100 are needed')
    """
    n = min(result.n_reference, result.n_current)
    if n >= least:
        return result
    few = Both(f"{n}行，至少需要{least}行", f"{n} rows, at least {least} are needed")
    return replace(result, value=None, low=None, high=None, note=few)


def judge(result: Result, limits: Limits) -> Line:
    """The result held against its limits.

    Examples
    --------
    >>> limits = Limits(attention=0.1, warning=0.25, high=0.5, source="an example")
    >>> judge(Result("score", "raw score", Kind.OBSERVED, 0.3, 5000, 900, by_chance=0.02), limits).status
    'warning'
    >>> judge(Result("score", "raw score", Kind.OBSERVED, 0.3, 50, 40, within_chance=True), limits).status
    'normal'
    """
    held = result.held_against()
    status = NOT_ASSESSED
    if result.assessed:
        status = (RiskGrade.NORMAL if result.within_chance else limits.grade(held)).value
    chance = "" if result.by_chance is None else f"chance alone stays below {result.by_chance:.3f}; "
    note = result.note or (BY_CHANCE if result.assessed and result.within_chance else "")
    return Line(
        result.group,
        result.name,
        status,
        result.value,
        result.n_reference,
        result.n_current,
        kind=result.kind.value,
        low=result.low,
        high=result.high,
        expected=result.expected,
        threshold=max(result.by_chance or 0.0, limits.next_above(held)),
        source=chance + in_english(limits.source),
        note=note,
    )
