"""Many lenders have asked about the borrower within weeks."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from pydantic import Field

from domain.decision import Action, Product
from scoring.rules.rule import Example, Facts, FloorRule, Rule, application


class ManyLenders(FloorRule):
    """Many different lenders have asked about the borrower lately: loans may be taken everywhere at once.

    Parameters
    ----------
    lenders : feature that counts distinct lenders.
    at_least : from how many on.
    """

    name = "many_lenders"
    code = "R15"
    products = (Product.LOAN,)

    lenders: str
    at_least: int = Field(ge=2)

    def features(self) -> tuple[str, ...]:
        return (self.lenders,)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return values[0] >= self.at_least

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        read = "inquiry_lender_id_distinct_30d"
        return (
            cls(outcome=Action.REFER, lenders=read, at_least=6),
            Example(Facts(application(amount=100), 100), {read: 6.0}),
            Example(Facts(application(amount=100), 100), {read: 5.0}),
        )
