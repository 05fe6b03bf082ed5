"""An application without a declared income above zero: affordability cannot be judged by a machine."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from domain.decision import Action, Product
from scoring.rules.rule import Example, Facts, FloorRule, Rule, application, number


class MissingIncome(FloorRule):
    """An application without a declared income above zero: affordability cannot be judged by a machine."""

    name = "missing_income"
    code = "R11"
    products = (Product.LOAN,)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return number(facts.event.body.get("income_monthly")) <= 0

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        return (
            cls(outcome=Action.REFER),
            Example(Facts(application(amount=100), 100)),
            Example(Facts(application(amount=100, income_monthly=1), 100)),
        )
