"""Money at stake: what each grade would cost on each payment, by the action that it leads to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.money_settings import STOPPING, AlertBudget, Costs

N_GRADES = 4


@dataclass(frozen=True)
class Stakes:
    """Rows with what each grade would cost on them, and how many of them a day people can look at.

    Parameters
    ----------
    probability : float64[n], calibrated.
    cost : float64[n, 4], minor units, under normal, attention, warning and high.
    n_days : days the rows cover. per_day : rows a day that may be graded warning, whose action is a review.
    """

    probability: np.ndarray
    cost: np.ndarray
    n_days: float
    per_day: int

    @classmethod
    def of(
        cls,
        probability: np.ndarray,
        y: np.ndarray,
        amount: np.ndarray | None,
        n_days: float,
        costs: Costs | None,
        budget: AlertBudget | None,
    ) -> Stakes | None:
        """Stakes of labelled payments; None where there are no amounts, or no costs and budget with a source."""
        if amount is None or budget is None or costs is None or costs.actions is None:
            return None
        return cls(probability, grade_costs(y, amount, costs), n_days, budget.per_day)


def grade_costs(y: np.ndarray, amount: np.ndarray, costs: Costs) -> np.ndarray:
    """Cost of each grade on each payment, float64[n, 4], minor units.

    A fraud costs the part of its amount that the action lets through, and the action; a genuine payment costs the
    action and its friction; an approval costs the amount if it is fraud, else nothing.

    Parameters
    ----------
    y : int8[n]. amount : int64[n], minor units of the currency of the costs.

    References
    ----------
    Bahnsen, Aouada & Ottersten, Example-dependent cost-sensitive decision trees, Expert Systems with Applications
    2015, table 2; here with actions that catch only a share.

    Examples
    --------
    >>> step_up = {"catches": 0.6, "each": "0.10 CNY", "friction": "2.00 CNY", "source": "an example"}
    >>> review = {"catches": 0.9, "each": "12.00 CNY", "friction": "1.00 CNY", "source": "an example"}
    >>> decline = {"catches": 1.0, "each": "0.00 CNY", "friction": "30.00 CNY", "source": "an example"}
    >>> costs = Costs(review="12.00 CNY", friction="30.00 CNY", source="an example",
    ...               actions={"step_up": step_up, "review": review, "decline": decline})
    >>> grade_costs(np.array([1, 0]), np.array([10_000, 10_000]), costs).round().tolist()
    [[10000.0, 4010.0, 2200.0, 0.0], [0.0, 210.0, 1300.0, 3000.0]]
    """
    assert costs.actions is not None  # noqa: S101 - the settings refuse cut-offs by cost without them
    fraud = y.astype(np.float64)
    lost = fraud * amount
    columns = [lost]
    for name in STOPPING:
        action = costs.actions[name]
        columns.append(action.each.minor + (1 - action.catches) * lost + action.friction.minor * (1 - fraud))
    return np.column_stack(columns)
