"""Realised performance: figures from labels that are mature, against those of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from monitoring.calculators.calculator import Calculator
from monitoring.performance import FIGURES, figures, possible, spread_of
from monitoring.reading import Kind
from monitoring.result import Result
from monitoring.traffic import Traffic
from scoring.interval import two_sided

_DRAWS = 100
_SEED = 20_261
LEAST_EVENTS = 10
"""Events on each side below which no figure is given."""


class Realised(Calculator):
    """Average precision (with its prevalence), AUC, Brier, expected over observed, and value caught.

    Rows whose label is not mature are left out, on both sides. Intervals and chance are those of a Poisson bootstrap of
    the rows; a figure is alarming where it differs from the reference's by more than both spreads explain.
    """

    name: ClassVar[str] = "realised"
    kind: ClassVar[Kind] = Kind.REALISED
    needs_columns: ClassVar[tuple[str, ...]] = ("y", "score", "action")

    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        then, now = mature(reference), mature(chunk)
        n = len(then), len(now)
        events = tuple(int(rows.numbers("y").sum()) for rows in (then, now))
        if min(events) < LEAST_EVENTS:
            why = f"{min(events)} events with mature labels, at least {LEAST_EVENTS} are needed"
            for name in FIGURES:
                yield Result("performance", name, self.kind, None, *n, note=why)
            return
        (usual, usual_spread), (value, spread) = _measured(then), _measured(now)
        z, z95 = two_sided(self.terms.one_of(len(FIGURES))), two_sided(0.95)
        for name in FIGURES:
            if not np.isfinite([value[name], usual[name], spread[name], usual_spread[name]]).all():
                yield Result("performance", name, self.kind, None, *n, note="not defined on these rows")
                continue
            change = value[name] - usual[name]
            by_chance = z * float(np.hypot(spread[name], usual_spread[name]))
            low, high = possible(name, value[name] - z95 * spread[name], value[name] + z95 * spread[name])
            yield Result(
                "performance", name, self.kind, value[name], *n, measure=abs(change),
                low=low, high=high, expected=usual[name],
                by_chance=by_chance, within_chance=abs(change) <= by_chance,
                note=f"{events[1]} events",
            )  # fmt: skip


def mature(rows: Traffic) -> Traffic:
    """The rows with a mature label and a score, in an order of their own: the bootstrap draws by place."""
    known = np.flatnonzero(~(np.isnan(rows.numbers("y")) | np.isnan(rows.numbers("score"))))
    y, score = rows.numbers("y")[known], rows.numbers("score")[known]
    return rows.take(known[np.lexsort((y, score))])


def _measured(rows: Traffic) -> tuple[dict[str, float], dict[str, float]]:
    y, score = rows.numbers("y"), rows.numbers("score")
    alert = (rows.frame["action"] != "approve").to_numpy()
    amount = rows.numbers("amount") if rows.has("amount") else np.ones(len(rows))
    rng = np.random.default_rng(_SEED)
    draws = [figures(y, score, alert, amount, rng.poisson(1.0, len(y)).astype(float)) for _ in range(_DRAWS)]
    return figures(y, score, alert, amount), spread_of(draws)  # type: ignore[arg-type]  # dicts are mappings
