"""The instalment with other debt takes more of the declared income than the cap."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from pydantic import Field

from domain.decision import Action, Product
from scoring.rules.rule import Example, Facts, FloorRule, Rule, application, number


class AffordabilityCap(FloorRule):
    """The instalment with other debt takes more of the declared income than the cap.

    The instalment is the first, and largest, of equal repayments of principal: amount / months plus
    one month's interest. Silent where income or term is missing.

    Parameters
    ----------
    max_share : greatest share of monthly income, 0.5 is half.
    rate_annual : nominal annual rate assumed, 0.18 is 18 %.
    """

    name = "affordability_cap"
    code = "R10"
    products = (Product.LOAN,)

    max_share: float = Field(gt=0, le=1)
    rate_annual: float = Field(ge=0, lt=1)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        body = facts.event.body
        income, term = number(body.get("income_monthly")), number(body.get("term_months"))
        if income <= 0 or term <= 0:
            return False
        amount = number(body.get("amount"))
        instalment = amount / term + amount * self.rate_annual / 12
        return instalment + max(number(body.get("debt_monthly")), 0.0) > self.max_share * income

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        body = {"amount": 1_200_000, "term_months": 12, "income_monthly": 300_000}
        return (
            cls(outcome=Action.DECLINE, max_share=0.5, rate_annual=0.12),
            Example(Facts(application(**body, debt_monthly=39_000), 1_200_000)),
            Example(Facts(application(**body, debt_monthly=37_000), 1_200_000)),
        )
