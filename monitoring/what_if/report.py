"""The figures of a what-if, and what is refused.

Traffic that was stopped at the time is censored: nobody knows what would have come of it, so no figure of value, cost
or catch counts it, and the report says how much of it there is. Of the rest only mature labels are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.decision import ACTIONS, Action, Product
from domain.errors import DataError
from domain.labels import LabelPolicy
from domain.money import exponent
from monitoring.by_day import Days, Estimate, Floats
from monitoring.chunk import Chunker
from monitoring.what_if.rejudge import History
from scoring.labels import CENSORED, NEGATIVE, POSITIVE, join_outcomes, settle

STEP_UP_FAILED = "step_up_failed"
"""Outcome of a payment that its customer could not confirm: it was stopped, whatever its label says."""


@dataclass(frozen=True, slots=True)
class ActionPrice:
    """What an action catches of the fraudulent money and costs, minor units of the base currency."""

    catches: float
    each: int
    friction: int


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of the actions that stop something, and who says so; an approval catches nothing and costs nothing."""

    actions: Mapping[Action, ActionPrice]
    source: str


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
    labels : status → decisions among those that were not stopped.
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
    outcomes: pa.Table,
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
    outcomes : of the journal. maturity : µs. as_of : labels known by then count, µs UTC.
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
    status, stopped = _labelled(history, outcomes, labels, maturity, as_of, old == order[Action.DECLINE])
    known = ~stopped & np.isin(status, (POSITIVE, NEGATIVE))
    fraud = known & (status == POSITIVE)
    view = _View(days, day, old, new, amount, known, fraud, order)
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
        matrix=_matrix(order, old, new, np.ones(len(rows), np.int64)),
        matrix_value=_matrix(order, old, new, amount),
        rules=tuple(view.rule(name, spoke[:, place], without[:, place]) for place, name in enumerate(names)),
        overlap={
            a: {b: int((spoke[:, i] & spoke[:, j]).sum()) for j, b in enumerate(names)} for i, a in enumerate(names)
        },
        labels=_counted(status[~stopped]),
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


@dataclass(frozen=True)
class _View:
    """Columns that every figure is made of."""

    days: Days
    day: NDArray[np.int64]
    old: NDArray[np.int64]
    new: NDArray[np.int64]
    amount: Floats
    known: NDArray[np.bool_]
    fraud: NDArray[np.bool_]
    order: Mapping[Action, int]

    def alerts(self) -> dict[str, Estimate]:
        found: dict[str, Estimate] = {}
        for name, one in (("alerts", None), *((action.value, place) for action, place in self.order.items())):
            was, would = ((side > 0 if one is None else side == one).astype(float) for side in (self.old, self.new))
            before, after = self._per_day(was), self._per_day(would)
            found |= self._three(f"{name}_per_day", before, after)
        return found

    def value(self) -> dict[str, Estimate]:
        money = np.where(self.fraud, self.amount, 0.0)
        before, after = (self._per_day(np.where(side > 0, money, 0.0)) for side in (self.old, self.new))
        whole = self._per_day(money)
        total = self.days.total
        return {
            "fraud_value": total(whole),
            "old_value_caught": total(before),
            "new_value_caught": total(after),
            "change_value_caught": total(after - before),
            "old_value_caught_share": self.days.share(before, whole),
            "new_value_caught_share": self.days.share(after, whole),
            "change_value_caught_share": self.days.share(after - before, whole),
        } | self._false_alarms()

    def _false_alarms(self) -> dict[str, Estimate]:
        good = self.known & ~self.fraud
        before, after = (self._per_day((good & (side > 0)).astype(float)) for side in (self.old, self.new))
        return self._three("false_alarms_per_day", before, after)

    def costs(self, prices: Prices, unit: float) -> dict[str, Estimate]:
        """Cost and regret over what is known: regret is the cost above that of the best action for each decision."""
        columns = np.column_stack([self._cost(action, prices, unit) for action in self.order])
        every = np.arange(len(columns))
        best = columns.min(axis=1)
        paid = [np.where(self.known, columns[every, side], 0.0) for side in (self.old, self.new)]
        least = np.where(self.known, best, 0.0)
        before, after, floor = (self._per_day(each) for each in (*paid, least))
        total = self.days.total
        return {
            "old_cost": total(before),
            "new_cost": total(after),
            "change_cost": total(after - before),
            "old_regret": total(before - floor),
            "new_regret": total(after - floor),
        }

    def _cost(self, action: Action, prices: Prices, unit: float) -> Floats:
        fraud = self.fraud.astype(float)
        price = prices.actions.get(action, ActionPrice(0.0, 0, 0))
        lost = (1 - price.catches) * fraud * self.amount
        return lost + price.each / unit + (1 - fraud) * price.friction / unit

    def rule(self, name: str, spoke: NDArray[np.bool_], without: NDArray[np.int64]) -> RuleLine:
        caught = spoke & self.fraud & (self.new > 0)
        unique = caught & (without == 0)
        return RuleLine(
            name=name,
            hits=int(spoke.sum()),
            hits_per_day=self.days.mean(self._per_day(spoke.astype(float))),
            moved=int((spoke & (without != self.new)).sum()),
            caught=int(caught.sum()),
            value=self.days.total(self._per_day(np.where(caught, self.amount, 0.0))),
            unique=int(unique.sum()),
            unique_value=self.days.total(self._per_day(np.where(unique, self.amount, 0.0))),
        )

    def _per_day(self, values: Floats) -> Floats:
        return self.days.sums(self.day, values)

    def _three(self, name: str, before: Floats, after: Floats) -> dict[str, Estimate]:
        mean = self.days.mean
        return {f"old_{name}": mean(before), f"new_{name}": mean(after), f"change_{name}": mean(after - before)}


def _labelled(
    history: History, outcomes: pa.Table, labels: LabelPolicy, maturity: int, as_of: int, declined: NDArray[np.bool_]
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Status of each decision's event, and whether it was stopped then."""
    subjects = history.subjects
    told = join_outcomes(subjects, outcomes, labels)
    times = subjects["event_time"].to_numpy()
    status = settle(times, told, labels, maturity, as_of)
    place = {seq: position for position, seq in enumerate(subjects["seq"].to_pylist())}
    at = np.array([place[row.seq] for row in history.rows])
    status = status[at]
    failed = outcomes.filter(
        pc.and_(pc.equal(outcomes["code"], STEP_UP_FAILED), pc.less_equal(outcomes["known_at"], as_of))
    )
    unconfirmed = set(
        zip(failed["subject_event_id"].to_pylist(), failed["subject_time"].to_pylist(), strict=True)
    )  # fmt: skip
    asked = zip(subjects["event_id"].to_pylist(), times.tolist(), strict=True)
    gave_up = np.array([pair in unconfirmed for pair in asked], bool)[at]
    return status, declined | gave_up | (status == CENSORED)


def _matrix(
    order: Mapping[Action, int], old: NDArray[np.int64], new: NDArray[np.int64], weight: NDArray[Any]
) -> dict[str, dict[str, Any]]:
    return {
        then.value: {now.value: weight[(old == i) & (new == j)].sum().item() for now, j in order.items()}
        for then, i in order.items()
    }


def _counted(status: Sequence[int] | NDArray[np.int8]) -> dict[str, int]:
    from scoring.labels import count_statuses

    return dict(count_statuses(np.asarray(status, np.int8)))
