"""A payment above a limit in the base currency."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from domain.decision import Product
from domain.money import MoneyField
from scoring.rules.rule import Example, Facts, FloorRule, Rule, payment


class AmountCap(FloorRule):
    """A payment above a limit in the base currency."""

    name = "amount_cap"
    code = "R05"
    products = (Product.PAYMENT,)

    above: MoneyField

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return facts.amount_base > self.above.minor

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        return (
            cls.model_validate({"outcome": "review", "above": "500.00 CNY"}),
            Example(Facts(payment(), 50_001)),
            Example(Facts(payment(), 50_000)),
        )
