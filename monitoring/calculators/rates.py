"""Alert rate, grade mix and action mix, in times of what the reference makes expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from domain.bilingual import Both
from domain.decision import Action, RiskGrade
from monitoring.calculators.calculator import Calculator
from monitoring.result import Result
from monitoring.traffic import Traffic
from scoring.clusters import effective
from scoring.interval import difference, wilson

Hits = Callable[[Traffic], NDArray[np.bool_]]
Side = tuple[NDArray[np.bool_], NDArray[np.int64] | None]
"""Which rows hit, and whose each row is."""


class Rates(Calculator):
    """An alert is a decision that does not approve. Rules add to it: a rule that starts to hit shows here."""

    name: ClassVar[str] = "rate"
    needs_columns: ClassVar[tuple[str, ...]] = ("grade", "action")

    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        approve = Action.APPROVE.value
        told = {*reference.frame["action"], *chunk.frame["action"]}
        actions = sorted(told, key=[action.value for action in Action].index)
        wanted: list[tuple[str, str, Hits]] = [
            ("rate", "alert rate", lambda rows: rows.frame["action"].to_numpy(object) != approve)
        ]
        wanted += [("grade", each.value, _is("grade", each.value)) for each in RiskGrade]
        wanted += [("action", each, _is("action", each)) for each in actions]
        confidence = self.terms.one_of(len(wanted))
        for group, name, hits in wanted:
            yield self._rate(group, name, (hits(chunk), chunk.whose), (hits(reference), reference.whose), confidence)

    def _rate(self, group: str, name: str, now: Side, then: Side, confidence: float) -> Result:
        (hits, n), (hits_then, m) = ((int(side[0].sum()), len(side[0])) for side in (now, then))
        worth = effective(*now)
        low, high = wilson(*worth, self.terms.confidence)
        away_low, away_high = difference(*worth, *effective(*then), confidence)
        within = away_low <= 0 <= away_high
        # Half a row stands for none, so that a rate can be compared with an absent one.
        share, usual = max(hits, 0.5) / max(n, 1), max(hits_then, 0.5) / max(m, 1)
        times = max(share / usual, usual / share)
        return Result(
            group, name, self.kind, hits / n if n else None, m, n, measure=times, low=low, high=high,
            expected=hits_then / m if m else None, within_chance=within,
            note="" if within else Both(f"与预期相差{times:.2g}倍", f"{times:.2g} times away from expected"),
        )  # fmt: skip


def _is(column: str, value: str) -> Hits:
    return lambda rows: rows.frame[column].to_numpy(object) == value
