"""Estimated performance: what calibrated probabilities say of the figures, before labels are mature.

Confidence-based (Garg et al., ICLR 2022; nannyml's CBPE): if a payment of score p is fraud with probability p, then the
expected figures follow from the scores alone. **Assumption**: the calibration still holds, that is, only the mix of
traffic has changed and not what a score means. A new kind of fraud that looks genuine is not seen here; realised
performance sees it once labels are mature.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from monitoring.calculators.calculator import Calculator
from monitoring.performance import FIGURES, figures
from monitoring.reading import Kind
from monitoring.result import Result
from monitoring.traffic import Traffic
from scoring.interval import two_sided

_DRAWS = 100
_SEED = 20_262
ESTIMATED = tuple(name for name in FIGURES if name != "expected over observed")
"""Expected over observed is 1 by assumption, and says nothing."""


class Estimated(Calculator):
    """The expected figures, with the interval in which those of the true labels would lie."""

    name: ClassVar[str] = "estimated"
    kind: ClassVar[Kind] = Kind.ESTIMATED
    needs_columns: ClassVar[tuple[str, ...]] = ("score", "action")

    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        then, now = _scored(reference), _scored(chunk)
        n = len(then), len(now)
        if not min(n):
            for name in ESTIMATED:
                yield Result("performance", name, self.kind, None, *n)
            return
        z = two_sided(self.terms.one_of(len(ESTIMATED)))
        usual, value = _drawn(then), _drawn(now)
        for name in ESTIMATED:
            before, after = (np.array([each[name] for each in drawn]) for drawn in (usual, value))
            before, after = before[np.isfinite(before)], after[np.isfinite(after)]
            if 2 * min(len(before), len(after)) < _DRAWS:
                yield Result("performance", name, self.kind, None, *n, note="too few events are expected")
                continue
            low, high = (float(each) for each in np.quantile(after, [0.025, 0.975]))
            change = float(after.mean() - before.mean())
            # Rows are drawn anew as well as labels: two chunks of one population differ in both.
            by_chance = z * float(np.hypot(before.std(ddof=1), after.std(ddof=1)))
            yield Result(
                "performance", name, self.kind, float(after.mean()), *n, measure=abs(change), low=low, high=high,
                expected=float(before.mean()), by_chance=by_chance, within_chance=abs(change) <= by_chance,
                note="if the calibration holds",
            )  # fmt: skip


def _scored(rows: Traffic) -> Traffic:
    known = np.flatnonzero(~np.isnan(rows.numbers("score")))
    return rows.take(known[np.argsort(rows.numbers("score")[known], kind="stable")])


def _drawn(rows: Traffic) -> list[dict[str, float]]:
    """Figures of rows drawn with replacement, each with a label drawn from its probability."""
    score = rows.numbers("score")
    alert = (rows.frame["action"] != "approve").to_numpy()
    amount = rows.numbers("amount") if rows.has("amount") else np.ones(len(rows))
    rng = np.random.default_rng(_SEED)
    found = []
    for _ in range(_DRAWS):
        y = (rng.random(len(score)) < score).astype(np.float64)
        found.append(figures(y, score, alert, amount, rng.poisson(1.0, len(score)).astype(float)))
    return found
