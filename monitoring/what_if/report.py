"""The figures of a what-if, and what is refused.

Traffic that was stopped at the time is censored: nobody knows what would have come of it, so no figure of value, cost
or catch counts it, and the report says how much of it there is. Of the rest only mature labels are counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.decision import ACTIONS, Action, Product
from domain.errors import DataError
from domain.labels import LabelPolicy
from domain.money import exponent
from domain.time import format_instant
from monitoring.by_day import Days, Estimate, Floats
from monitoring.chunk import Chunker
from monitoring.what_if.hindsight import Hindsight
from monitoring.what_if.rejudge import History
from monitoring.what_if.sides import Prices, TwoSides, action_matrix, labelled
from scoring.labels import NEGATIVE, POSITIVE, count_statuses
from scoring.released import Outcomes

MOST_HINDSIGHTS = 200
"""Resamples in which the best cut-offs are searched again; more would not move the interval of the regret."""


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of the new policy, or the model.

    Parameters
    ----------
    hits : decisions it spoke on. moved : those whose action would be another without it.
    caught : frauds, known by mature labels, that were not stopped then and would not be approved now, among its hits.
    unique : those of them that would be approved without it. value, unique_value : their money.
    """

    name: str
    hits: int
    hits_per_day: Estimate
    moved: int
    caught: int
    value: Estimate
    unique: int
    unique_value: Estimate


@dataclass(frozen=True)
class WhatIf:
    """What history would have been under a policy.

    Parameters
    ----------
    figures : name → estimate; ``old_…``, ``new_…`` and their paired ``change_…``; money in whole units.
    matrix : old action → new action → decisions. matrix_value : the same in money.
    overlap : name → name → decisions on which both spoke.
    labels : status → decisions among those that were not stopped. labels_held : outcomes that were held back.
    labels_as_of : no label known later counts.
    blocked : how many were stopped then, their money, and what the new policy would have done with them.
    not_assessed : figure → why there is none.
    """

    product: str
    old_policies: Mapping[str, int]
    policy: str
    version: str
    n: int
    n_days: int
    currency: str
    figures: Mapping[str, Estimate]
    matrix: Mapping[str, Mapping[str, int]]
    matrix_value: Mapping[str, Mapping[str, float]]
    rules: tuple[RuleLine, ...]
    overlap: Mapping[str, Mapping[str, int]]
    labels: Mapping[str, int]
    labels_held: int
    labels_as_of: str
    blocked: Mapping[str, Any]
    resting: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    not_assessed: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain["figures"] = {name: each.as_dict() for name, each in self.figures.items()}
        plain["rules"] = [
            {
                name: value.as_dict() if isinstance(value := getattr(line, name), Estimate) else value
                for name in RuleLine.__dataclass_fields__
            }
            for line in self.rules
        ]
        return plain


def measure(
    history: History,
    outcomes: Outcomes,
    product: Product,
    *,
    labels: LabelPolicy,
    maturity: int,
    as_of: int,
    chunker: Chunker,
    since: int,
    until: int,
    currency: str,
    prices: Prices | None,
    about: Mapping[str, Any],
    n_draws: int = 1_000,
    seed: int = 7,
) -> WhatIf:
    """Figures over the whole days between ``since`` and ``until``.

    Parameters
    ----------
    outcomes : of the journal that are released. maturity : µs. as_of : labels known by then count, µs UTC.
    prices : None leaves costs and regret out.
    about : old_policies, policy, version, resting, as they are told.

    Raises
    ------
    DataError
        When nothing was decided in the period.
    """
    rows = history.rows
    if not rows:
        raise DataError("what-if: expected decisions in the period that can be judged again, found none")
    chunks = list(chunker.between(chunker.around(since).since, chunker.around(until - 1).until))
    days = Days.of(len(chunks), n_draws, seed)
    starts = np.array([chunk.since for chunk in chunks])
    day = np.searchsorted(starts, np.array([row.decided_at for row in rows]), side="right") - 1
    day = day.astype(np.int64)
    order = {action: place for place, action in enumerate(ACTIONS[product])}
    old = np.array([order[row.old] for row in rows])
    new = np.array([order[row.new] for row in rows])
    unit = 10.0 ** exponent(currency)
    amount = np.array([row.amount for row in rows], np.float64) / unit
    place = {seq: position for position, seq in enumerate(history.subjects["seq"].to_pylist())}
    subjects = history.subjects.take(pa.array([place[row.seq] for row in rows]))
    status, stopped = labelled(subjects, outcomes.table, labels, maturity, as_of, old == order[Action.DECLINE])
    known = ~stopped & np.isin(status, (POSITIVE, NEGATIVE))
    fraud = known & (status == POSITIVE)
    view = TwoSides(days, day, old, new, amount, known, fraud, order)
    figures: dict[str, Estimate] = {}
    not_assessed: dict[str, str] = {}
    figures |= view.alerts()
    if fraud.any():
        figures |= view.value()
    else:
        not_assessed["value_caught"] = "no fraud among mature labels of what was not stopped"
    if prices is None:
        not_assessed["cost"] = "no costs of actions with a source in the training config"
    elif known.any():
        figures |= view.costs(prices, unit)
        figures |= _regret(view, history, prices, unit)
    else:
        not_assessed["cost"] = "no mature label"
    if stopped.any():
        not_assessed["blocked_traffic"] = "what was stopped then has no label: no estimate counts it"
    names = sorted({name for row in rows for name in row.spoke})
    spoke = np.array([[name in row.spoke for name in names] for row in rows], bool).reshape(len(rows), len(names))
    without = np.array(
        [[order[row.without.get(name, row.new)] for name in names] for row in rows], np.int64
    ).reshape(len(rows), len(names))  # fmt: skip
    return WhatIf(
        product=product.value,
        n=len(rows),
        n_days=len(chunks),
        currency=currency,
        figures=figures,
        matrix=action_matrix(order, old, new, np.ones(len(rows), np.int64)),
        matrix_value=action_matrix(order, old, new, amount),
        rules=tuple(_line(view, name, spoke[:, place], without[:, place]) for place, name in enumerate(names)),
        overlap={
            a: {b: int((spoke[:, i] & spoke[:, j]).sum()) for j, b in enumerate(names)} for i, a in enumerate(names)
        },
        labels=dict(count_statuses(status[~stopped])),
        labels_held=len(outcomes.held_seqs),
        labels_as_of=format_instant(as_of),
        blocked={
            "n": int(stopped.sum()),
            "share": float(stopped.mean()),
            "value": float(amount[stopped].sum()),
            "new_actions": {a.value: int((new[stopped] == place).sum()) for a, place in order.items()},
        },
        left_out=dict(history.left_out),
        not_assessed=not_assessed,
        **about,
    )


def _regret(view: TwoSides, history: History, prices: Prices, unit: float) -> dict[str, Estimate]:
    """Cost above that of the cheapest cut-offs in hindsight, under the new policy's rules and actions.

    Decisions without a score cost both what they cost. Bundles with cut-offs of their own are held to one set here.
    """
    columns, (before, after) = view.priced(prices, unit), view.paid(prices, unit)
    score = np.array([np.nan if row.score is None else row.score for row in history.rows])
    chosen = view.known & np.isfinite(score)
    by_grade = np.array([[view.order[action] for action in row.by_grade] for row in history.rows])
    best = Hindsight.of(score[chosen], np.take_along_axis(columns, by_grade, axis=1)[chosen])
    day, days = view.day[chosen], view.days

    def regret(paid: Floats) -> Estimate:
        per_day = days.sums(day, paid[chosen])
        drawn = [counts @ per_day - best.cheapest(counts[day]) for counts in days.counts[:MOST_HINDSIGHTS]]
        return days.estimate(float(per_day.sum()) - best.cheapest(np.ones(len(day))), np.array(drawn))

    return {"old_regret": regret(before), "new_regret": regret(after)}


def _line(view: TwoSides, name: str, spoke: NDArray[np.bool_], without: NDArray[np.int64]) -> RuleLine:
    caught = spoke & view.fraud & (view.new > 0)
    unique = caught & (without == 0)
    return RuleLine(
        name=name,
        hits=int(spoke.sum()),
        hits_per_day=view.days.mean(view.per_day(spoke.astype(float))),
        moved=int((spoke & (without != view.new)).sum()),
        caught=int(caught.sum()),
        value=view.days.total(view.per_day(np.where(caught, view.amount, 0.0))),
        unique=int(unique.sum()),
        unique_value=view.days.total(view.per_day(np.where(unique, view.amount, 0.0))),
    )
