"""What frozen cut-offs cost on later rows, and by how much the best in hindsight would have been cheaper."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from domain.decision import RiskGrade
from domain.money import exponent
from training.cutoffs import GRADES, grade_codes
from training.evaluation import Figure
from training.intervals import Interval, interval_of, resamples
from training.money_settings import Cutoffs
from training.stakes import N_GRADES, Stakes
from training.thresholds import Ladder, Places, cheapest

MOST_HINDSIGHTS = 200
"""Resamples in which the best cut-offs are searched again; more would not move the interval of the regret."""

_POINTS = 200
_SHOWN = ("cost", "cost_without_model", "cost_in_hindsight", "regret", "saved_share")


@dataclass(frozen=True)
class CutoffCost:
    """Cost of cut-offs on labelled rows.

    Parameters
    ----------
    values : cost, cost_without_model (everything approved), cost_in_hindsight (the cheapest cut-offs for these very
        rows under the same budget and shares), regret (cost less that) and saved_share, by name; money in whole
        units of ``currency``.
    spread : their 95 % bootstrap intervals.
    cutoffs, hindsight : grade → probability from which it begins.
    grades : per grade: rows, rows a day, frauds, cost.
    curves : grade → (rows a day at or above it, cost) as its cut-off moves between those of its neighbours.
    n_reviewed : rows a day graded warning, mean over the days and on the busiest one, beside ``per_day``.
    """

    currency: str
    values: Mapping[str, float]
    spread: Mapping[str, Interval]
    cutoffs: Mapping[str, float]
    hindsight: Mapping[str, float]
    grades: tuple[Mapping[str, float | int | str], ...]
    curves: Mapping[str, tuple[tuple[float, float], ...]]
    per_day: int
    n_reviewed: tuple[float, int]
    how: str

    def table(self) -> pd.DataFrame:
        """One row a grade."""
        return pd.DataFrame(list(self.grades)).set_index("grade")

    def plot(self) -> Any:
        """A matplotlib figure: the cost as each cut-off moves, the one chosen, and the regret."""
        from training.money_plots import cost_figure

        return cost_figure(self)

    def to_json(self) -> str:
        """Everything, as JSON."""
        content = asdict(replace(self, grades=tuple(dict(line) for line in self.grades)))
        content["values"] = _finite(self.values)
        content["spread"] = {name: _finite(asdict(limits)) for name, limits in self.spread.items()}
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def cost_figures(made: CutoffCost | None, n: int, n_events: int) -> list[Figure]:
    """Figures of an evaluation, named ``cutoffs_…``; not assessed where the money at stake is not known."""
    if made is None:
        note = "not assessed: settings give no costs.actions and alert_budget with a source, or events no amount"
        return [Figure(f"cutoffs_{name}", None, note=note) for name in ("cost", "regret")]
    figures = []
    for name in _SHOWN:
        note = made.how if name == "saved_share" else f"{made.currency}; {made.how}"
        limits = made.spread[name]
        figures.append(Figure(f"cutoffs_{name}", made.values[name], limits.low, limits.high, n, n_events, note))
    return figures


def cost_of_cutoffs(
    y: np.ndarray,
    day: np.ndarray,
    stakes: Stakes,
    settings: Cutoffs,
    cutoffs: Mapping[str, float],
    *,
    currency: str,
    n_draws: int,
    seed: int,
) -> CutoffCost:
    """Price frozen cut-offs on rows they were not chosen on; intervals are resampled over whole days.

    The regret is against the cheapest cut-offs for these rows that raise no more alerts and touch no more rows than
    is allowed, or than the frozen ones did where those went beyond it; so it is never negative.

    Parameters
    ----------
    y : int8[n]. day : int64[n], business days. stakes : of the same rows.
    settings : whose shares the best in hindsight must keep too, where they are shares.
    """
    codes = grade_codes(stakes.probability, cutoffs)
    paid, nothing = stakes.cost[np.arange(len(codes)), codes], stakes.cost[:, 0]
    hindsight = _Hindsight.of(stakes, settings, codes)
    places, best = hindsight.best(np.ones(len(y)))
    unit = 10 ** exponent(currency)
    drawn: list[dict[str, float]] = []
    by_day = len(np.unique(day)) > 1
    for number, counts in enumerate(resamples(len(y), day if by_day else None, n_draws, seed)):
        weight = counts.astype(np.float64)
        least = hindsight.best(weight)[1] if number < MOST_HINDSIGHTS else np.nan
        drawn.append(_values(weight @ paid, weight @ nothing, least, unit))
    spread = {name: interval_of(np.array([each[name] for each in drawn])) for name in drawn[0]}
    reviewed = np.bincount(np.unique(day, return_inverse=True)[1], weights=codes == GRADES.index("warning") + 1)
    return CutoffCost(
        currency=currency,
        values=_values(paid.sum(), nothing.sum(), best, unit),
        spread=spread,
        cutoffs=dict(cutoffs),
        hindsight=dict(zip(GRADES, hindsight.ladder.cutoffs(places), strict=True)),
        grades=tuple(
            _grade(grade, codes == code, y, paid, stakes.n_days, unit) for code, grade in enumerate(RiskGrade)
        ),
        curves=cost_curves(hindsight.ladder, stakes, cutoffs, unit),
        per_day=stakes.per_day,
        n_reviewed=(float(reviewed.sum() / stakes.n_days), int(reviewed.max())),
        how=f"bootstrap over {len(np.unique(day))} days" if by_day else "bootstrap over rows",
    )


def cost_curves(
    ladder: Ladder, stakes: Stakes, cutoffs: Mapping[str, float], unit: int
) -> dict[str, tuple[tuple[float, float], ...]]:
    """The total cost as one cut-off moves between its neighbours, at most some 200 points a grade."""
    sums = ladder.sums(stakes.cost)
    rows = np.append(0, ladder.last + 1)
    n_steps = len(ladder.step)
    # Steps at or above each cut-off, with the ends of the ladder around them: normal's, attention's, … nobody's.
    ends = [n_steps, *(int((ladder.step >= cutoffs[grade]).sum()) for grade in GRADES), 0]
    total = sum(sums[ends[g], g] - sums[ends[g + 1], g] for g in range(N_GRADES))
    curves = {}
    for place, grade in enumerate(GRADES, start=1):
        least, most = ends[place + 1], ends[place - 1]
        at = np.unique(np.round(np.geomspace(max(least, 1), max(most, 1), _POINTS)).astype(np.int64))
        at = np.unique(np.append(at[(at >= least) & (at <= most)], ends[place]))
        gained = sums[:, place] - sums[:, place - 1]
        moved = total + gained[at] - gained[ends[place]]
        curves[grade] = tuple(zip((rows[at] / stakes.n_days).tolist(), (moved / unit).tolist(), strict=True))
    return curves


@dataclass(frozen=True)
class _Hindsight:
    """The best cut-offs for rows of any weights, on one sorted ladder.

    They raise no more alerts and touch no more rows than is allowed, or than the frozen ones did where those went
    beyond it: regret is never negative.
    """

    ladder: Ladder
    cost_of_grades: np.ndarray
    codes: np.ndarray
    budget: float
    shares: tuple[float, float, float]

    @classmethod
    def of(cls, stakes: Stakes, settings: Cutoffs, codes: np.ndarray) -> _Hindsight:
        # Shares bound hindsight as they bound the choice; probabilities bound nothing.
        shares = (settings.attention, settings.warning, settings.high)
        bounds = (1.0, 1.0, 1.0) if settings.by == "probability" else shares
        return cls(Ladder.of(stakes.probability), stakes.cost, codes, stakes.per_day * stakes.n_days, bounds)

    def best(self, weight: np.ndarray) -> tuple[Places, float]:
        sums = self.ladder.sums(self.cost_of_grades * weight[:, None])
        rows = self.ladder.sums(weight)
        used = [float(weight[self.codes >= code].sum()) for code in (1, 2, 3)]
        most = [max(share * rows[-1], mine) for share, mine in zip(self.shares, used, strict=True)]
        places = cheapest(sums, rows, max(self.budget, used[1] - used[2]), (most[0], most[1], most[2]))
        ends = (len(rows) - 1, *places, 0)
        return places, float(sum(sums[ends[g], g] - sums[ends[g + 1], g] for g in range(N_GRADES)))


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def _values(cost: float, without: float, best: float, unit: int) -> dict[str, float]:
    return {
        "cost": float(cost) / unit,
        "cost_without_model": float(without) / unit,
        "cost_in_hindsight": float(best) / unit,
        "regret": float("nan") if np.isnan(best) else max(0.0, float(cost - best)) / unit,  # sums differ in last places
        "saved_share": float(1 - cost / without) if without else float("nan"),
    }


def _grade(
    grade: RiskGrade, mine: np.ndarray, y: np.ndarray, paid: np.ndarray, n_days: float, unit: int
) -> dict[str, float | int | str]:
    return {
        "grade": grade.value,
        "n": int(mine.sum()),
        "per_day": float(mine.sum() / n_days),
        "share": float(mine.mean()),
        "n_events": int(y[mine].sum()),
        "cost": float(paid[mine].sum()) / unit,
    }
