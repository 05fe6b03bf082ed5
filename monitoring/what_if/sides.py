"""Two sides on the same decisions: what each did, what that caught and cost, and the paired difference.

Traffic that was stopped at the time is censored: nobody knows what would have come of it, so it is never ``known``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.decision import Action
from domain.labels import LabelPolicy
from monitoring.by_day import Days, Estimate, Floats
from scoring.labels import CENSORED, join_outcomes, settle

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


@dataclass(frozen=True)
class TwoSides:
    """Decisions with an action of each side, and what is known of them.

    Parameters
    ----------
    day : int64[n], place of the day. old, new : int64[n], places of the actions in ``order``.
    amount : float64[n], whole units. known : mature labels of what was not stopped; fraud : those that are.
    names : what the sides are called in the figures.
    """

    days: Days
    day: NDArray[np.int64]
    old: NDArray[np.int64]
    new: NDArray[np.int64]
    amount: Floats
    known: NDArray[np.bool_]
    fraud: NDArray[np.bool_]
    order: Mapping[Action, int]
    names: tuple[str, str] = ("old", "new")

    def alerts(self) -> dict[str, Estimate]:
        """Decisions a day that do not approve, and of each action."""
        found: dict[str, Estimate] = {}
        for name, one in (("alerts", None), *((action.value, place) for action, place in self.order.items())):
            was, would = ((side > 0 if one is None else side == one).astype(float) for side in (self.old, self.new))
            before, after = self.per_day(was), self.per_day(would)
            found |= self.three(f"{name}_per_day", before, after)
        return found

    def value(self) -> dict[str, Estimate]:
        """Fraudulent money that each side would not have approved, and genuine payments a day that it stops."""
        money = np.where(self.fraud, self.amount, 0.0)
        before, after = (self.per_day(np.where(side > 0, money, 0.0)) for side in (self.old, self.new))
        whole = self.per_day(money)
        total = self.days.total
        return {
            "fraud_value": total(whole),
            f"{self.names[0]}_value_caught": total(before),
            f"{self.names[1]}_value_caught": total(after),
            "change_value_caught": total(after - before),
            f"{self.names[0]}_value_caught_share": self.days.share(before, whole),
            f"{self.names[1]}_value_caught_share": self.days.share(after, whole),
            "change_value_caught_share": self.days.share(after - before, whole),
        } | self._false_alarms()

    def _false_alarms(self) -> dict[str, Estimate]:
        good = self.known & ~self.fraud
        before, after = (self.per_day((good & (side > 0)).astype(float)) for side in (self.old, self.new))
        return self.three("false_alarms_per_day", before, after)

    def costs(self, prices: Prices, unit: float) -> dict[str, Estimate]:
        """What both sides cost over what is known."""
        before, after = (self.per_day(each) for each in self.paid(prices, unit))
        total, (old, new) = self.days.total, self.names
        return {f"{old}_cost": total(before), f"{new}_cost": total(after), "change_cost": total(after - before)}

    def paid(self, prices: Prices, unit: float) -> tuple[Floats, Floats]:
        """Cost of each decision on both sides, 0 where it is not known."""
        columns, every = self.priced(prices, unit), np.arange(len(self.old))
        old, new = (np.where(self.known, columns[every, side], 0.0) for side in (self.old, self.new))
        return old, new

    def priced(self, prices: Prices, unit: float) -> Floats:
        """Cost of each action on each decision, float64[n, actions], mildest first."""
        return np.column_stack([self._cost(action, prices, unit) for action in self.order])

    def _cost(self, action: Action, prices: Prices, unit: float) -> Floats:
        fraud = self.fraud.astype(float)
        price = prices.actions.get(action, ActionPrice(0.0, 0, 0))
        lost = (1 - price.catches) * fraud * self.amount
        return lost + price.each / unit + (1 - fraud) * price.friction / unit

    def per_day(self, values: Floats) -> Floats:
        """Sum of the values of each day."""
        return self.days.sums(self.day, values)

    def three(self, name: str, before: Floats, after: Floats) -> dict[str, Estimate]:
        """Mean a day of both sides, and of the difference."""
        mean, (old, new) = self.days.mean, self.names
        return {f"{old}_{name}": mean(before), f"{new}_{name}": mean(after), f"change_{name}": mean(after - before)}


def labelled(
    subjects: pa.Table, outcomes: pa.Table, labels: LabelPolicy, maturity: int, as_of: int, declined: NDArray[np.bool_]
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Status of each decision's event, int8[n], and whether it was stopped then, bool[n].

    Parameters
    ----------
    subjects : client, event_id, event_time of the decided events. declined : which the decision itself stopped.
    """
    told = join_outcomes(subjects, outcomes, labels)
    times = subjects["event_time"].to_numpy()
    status = settle(times, told, labels, maturity, as_of)
    failed = outcomes.filter(
        pc.and_(pc.equal(outcomes["code"], STEP_UP_FAILED), pc.less_equal(outcomes["known_at"], as_of))
    )
    unconfirmed = set(
        zip(failed["subject_event_id"].to_pylist(), failed["subject_time"].to_pylist(), strict=True)
    )  # fmt: skip
    asked = zip(subjects["event_id"].to_pylist(), times.tolist(), strict=True)
    gave_up = np.array([pair in unconfirmed for pair in asked], bool)
    return status, declined | gave_up | (status == CENSORED)


def action_matrix(
    order: Mapping[Action, int], old: NDArray[np.int64], new: NDArray[np.int64], weight: NDArray[Any]
) -> dict[str, dict[str, Any]]:
    """Sum of the weights for each pair of actions, those of the first side down."""
    return {
        then.value: {now.value: weight[(old == i) & (new == j)].sum().item() for now, j in order.items()}
        for then, i in order.items()
    }
