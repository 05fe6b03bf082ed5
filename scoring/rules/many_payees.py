"""Money to many different payees within a day."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from pydantic import Field

from domain.decision import Action, Product
from scoring.rules.rule import Example, Facts, FloorRule, Rule, payment


class ManyPayees(FloorRule):
    """The customer has paid many different payees within a day, and pays again: an account is being emptied.

    Parameters
    ----------
    payees : feature that counts distinct payees.
    at_least : from how many on.
    """

    name = "many_payees"
    code = "R13"
    products = (Product.PAYMENT,)

    payees: str
    at_least: int = Field(ge=2)

    def features(self) -> tuple[str, ...]:
        return (self.payees,)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return "payee_id" in facts.event.body and values[0] >= self.at_least

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        read = "customer_payee_id_distinct_1d"
        return (
            cls(outcome=Action.STEP_UP, payees=read, at_least=8),
            Example(Facts(payment(payee_id="p9"), 100), {read: 8.0}),
            Example(Facts(payment(), 100), {read: 8.0}),
        )
