"""Alert rate, grade mix and action mix, in times of what the reference makes expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from domain.bilingual import Both
from domain.decision import Action, RiskGrade
from monitoring.calculators.calculator import Calculator
from monitoring.result import Result
from monitoring.traffic import Traffic
from scoring.interval import difference, wilson


class Rates(Calculator):
    """An alert is a decision that does not approve. Rules add to it: a rule that starts to hit shows here."""

    name: ClassVar[str] = "rate"
    needs_columns: ClassVar[tuple[str, ...]] = ("grade", "action")

    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        then, now = _counted(reference), _counted(chunk)
        m, n = len(reference), len(chunk)
        approve = Action.APPROVE.value
        actions = sorted({*then["action"], *now["action"]}, key=[action.value for action in Action].index)
        wanted = [("rate", "alert rate", n - now["action"][approve], m - then["action"][approve])]
        wanted += [("grade", each.value, now["grade"][each.value], then["grade"][each.value]) for each in RiskGrade]
        wanted += [("action", each, now["action"][each], then["action"][each]) for each in actions]
        confidence = self.terms.one_of(len(wanted))
        for group, name, hits, hits_then in wanted:
            yield self._rate(group, name, (hits, n), (hits_then, m), confidence)

    def _rate(self, group: str, name: str, now: tuple[int, int], then: tuple[int, int], confidence: float) -> Result:
        (hits, n), (hits_then, m) = now, then
        low, high = wilson(hits, n, self.terms.confidence)
        away_low, away_high = difference(hits, n, hits_then, m, confidence)
        within = away_low <= 0 <= away_high
        # Half a row stands for none, so that a rate can be compared with an absent one.
        share, usual = max(hits, 0.5) / max(n, 1), max(hits_then, 0.5) / max(m, 1)
        times = max(share / usual, usual / share)
        return Result(
            group, name, self.kind, hits / n if n else None, m, n, measure=times, low=low, high=high,
            expected=hits_then / m if m else None, within_chance=within,
            note="" if within else Both(f"与预期相差{times:.2g}倍", f"{times:.2g} times away from expected"),
        )  # fmt: skip


def _counted(rows: Traffic) -> dict[str, Counter[str]]:
    return {column: Counter(rows.frame[column].tolist()) for column in ("grade", "action")}
