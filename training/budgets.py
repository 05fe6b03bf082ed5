"""What another alert budget would bring: the cut-offs chosen anew for each, frozen, and priced on the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.errors import DefinitionError, InputError, expected_got
from training.cutoffs import GRADES, choose_cutoffs
from training.regret import CutoffCost, cost_of_cutoffs
from training.report.evidence import Evidence, Rows
from training.stakes import Stakes


@dataclass(frozen=True)
class Budgets:
    """Cut-offs and their cost under each alert budget.

    Parameters
    ----------
    found : alerts a day → what the cut-offs chosen for them cost on the test.
    """

    found: Mapping[int, CutoffCost]

    def table(self) -> pd.DataFrame:
        """One row a budget: where the grades begin, reviews a day, cost, and the share of losses saved."""
        rows = []
        for per_day, made in self.found.items():
            saved = made.spread["saved_share"]
            rows.append(
                {
                    "alerts a day": per_day,
                    **{grade: made.cutoffs[grade] for grade in GRADES},
                    "reviews a day": made.n_reviewed[0],
                    **{name: made.values[name] for name in ("cost", "regret", "saved_share")},
                    "saved_low": saved.low,
                    "saved_high": saved.high,
                }
            )
        return pd.DataFrame(rows).set_index("alerts a day")


def cutoffs_by_budget(evidence: Evidence, per_day: Sequence[int]) -> Budgets:
    """Choose cut-offs on the calibration rows for each budget, and price them on the later test.

    Nothing is chosen by what the test says; whoever then takes the budget with the best line of the table has chosen
    by the test, and should expect a little less.

    Parameters
    ----------
    per_day : alerts a day that people could look at.

    Raises
    ------
    DefinitionError
        When the model's settings give no costs of actions, or probabilities as cut-offs, or its events have no amounts.
    InputError
        When a budget is no positive number.
    """
    settings = evidence.settings
    wrong = [number for number in per_day if number < 1]
    if wrong or not per_day:
        raise InputError(expected_got("alerts a day, each at least 1", list(per_day), "per_day"))
    rows = evidence.test.only(evidence.test.labelled)
    if settings.cutoffs.by == "probability" or settings.costs is None:
        raise DefinitionError(f"{settings.name}: expected costs, and cut-offs by cost or share, got none to choose by")
    asked = settings.cutoffs.model_copy(update={"by": "cost"})
    found = {}
    for number in sorted(set(per_day)):
        calibration, test = (_stakes(evidence, part, number) for part in (evidence.calibration, evidence.test))
        found[number] = cost_of_cutoffs(
            rows.y, rows.day, test, asked, choose_cutoffs(evidence.calibration.probability, asked, calibration),
            currency=settings.costs.review.currency, n_draws=settings.resamples, seed=settings.seed,
        )  # fmt: skip
    return Budgets(found)


def _stakes(evidence: Evidence, part: Rows, per_day: int) -> Stakes:
    settings = evidence.settings
    rows = part.only(part.labelled)
    n_days = float(len(np.unique(part.day)))
    budget = None if settings.alert_budget is None else settings.alert_budget.model_copy(update={"per_day": per_day})
    stakes = Stakes.of(rows.probability, rows.y, rows.amount, n_days, settings.costs, budget)
    if stakes is None:
        raise DefinitionError(
            f"{settings.name}: expected payments with amounts, costs.actions and alert_budget, got none; "
            "without them there is no cost to choose by"
        )
    return stakes
