"""A payment right after several failed authentications."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from pydantic import Field

from domain.decision import Action, Product
from scoring.rules.rule import Example, Facts, FloorRule, Rule, payment


class FailedAuthentications(FloorRule):
    """Several authentications of the customer failed shortly before: somebody has been guessing.

    Parameters
    ----------
    failed : feature that counts failed authentications in a short window.
    at_least : from how many on.
    """

    name = "failed_authentications"
    code = "R08"
    products = (Product.PAYMENT,)

    failed: str
    at_least: int = Field(ge=1)

    def features(self) -> tuple[str, ...]:
        return (self.failed,)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return values[0] >= self.at_least

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        read = "customer_authentication_failed_count_1h"
        return (
            cls(outcome=Action.STEP_UP, failed=read, at_least=3),
            Example(Facts(payment(), 100), {read: 3.0}),
            Example(Facts(payment(), 100), {read: 2.0}),
        )
