"""Cut-offs for other alert budgets: chosen on the calibration rows alone, within each budget, priced on the test."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from domain.errors import DefinitionError, InputError
from training.budgets import cutoffs_by_budget
from training.cutoffs import GRADES, choose_cutoffs, grade_codes
from training.money_settings import Costs
from training.report.evidence import Evidence
from training.stakes import Stakes, grade_costs

ACTIONS = {
    "step_up": {"catches": 0.6, "each": "0.10 CNY", "friction": "2.00 CNY", "source": "a test"},
    "review": {"catches": 0.9, "each": "12.00 CNY", "friction": "1.00 CNY", "source": "a test"},
    "decline": {"catches": 1.0, "each": "0.00 CNY", "friction": "30.00 CNY", "source": "a test"},
}
COSTS = Costs.model_validate({"review": "12.00 CNY", "friction": "30.00 CNY", "source": "a test", "actions": ACTIONS})
BUDGETS = (1, 2, 5, 40)


@pytest.fixture
def priced(fraud_evidence: Evidence) -> Evidence:
    return replace(fraud_evidence, settings=fraud_evidence.settings.model_copy(update={"costs": COSTS}))


def test_each_budget_is_kept_where_it_was_chosen_and_more_people_never_cost_more_there(priced: Evidence) -> None:
    found = cutoffs_by_budget(priced, BUDGETS).found
    rows, whole = priced.calibration.only(priced.calibration.labelled), priced.calibration
    assert rows.amount is not None
    cost, n_days, paid = grade_costs(rows.y, rows.amount, COSTS), len(np.unique(whole.day)), []
    for per_day, made in found.items():
        traffic = grade_codes(whole.probability, made.cutoffs)
        assert (traffic == GRADES.index("warning") + 1).sum() <= per_day * n_days
        paid.append(cost[np.arange(len(rows.y)), grade_codes(rows.probability, made.cutoffs)].sum())
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(paid))
    assert paid[-1] < paid[0]


def test_the_test_is_only_priced(priced: Evidence) -> None:
    changed = replace(priced)
    rng = np.random.default_rng(0)
    test = priced.test
    vars(changed)["test"] = replace(test, y=np.where(test.y >= 0, rng.permutation(test.y), test.y).clip(0))
    one, other = (cutoffs_by_budget(each, BUDGETS) for each in (priced, changed))
    assert [each.cutoffs for each in one.found.values()] == [each.cutoffs for each in other.found.values()]
    assert one.table()["cost"].tolist() != other.table()["cost"].tolist()


def test_a_line_of_the_table_is_the_cost_of_its_cutoffs(priced: Evidence) -> None:
    line = cutoffs_by_budget(priced, [5]).table().loc[5]
    rows, calibration = (part.only(part.labelled) for part in (priced.test, priced.calibration))
    assert priced.settings.alert_budget is not None
    n_days = len(np.unique(priced.calibration.day))
    stakes = Stakes.of(
        calibration.probability, calibration.y, calibration.amount, n_days, COSTS, priced.settings.alert_budget
    )
    cutoffs = choose_cutoffs(
        priced.calibration.probability, priced.settings.cutoffs.model_copy(update={"by": "cost"}), stakes
    )
    assert {grade: line[grade] for grade in GRADES} == cutoffs
    assert rows.amount is not None
    cost = grade_costs(rows.y, rows.amount, COSTS)
    assert line["cost"] == pytest.approx(
        cost[np.arange(len(rows.y)), grade_codes(rows.probability, cutoffs)].sum() / 100
    )


def test_what_cannot_be_chosen_is_said(fraud_evidence: Evidence, priced: Evidence, credit_evidence: Evidence) -> None:
    for evidence in (fraud_evidence, credit_evidence):
        with pytest.raises(DefinitionError, match=r"expected .*costs"):
            cutoffs_by_budget(evidence, [5])
    for budgets in ([0], []):
        with pytest.raises(InputError, match="each at least 1"):
            cutoffs_by_budget(priced, budgets)
