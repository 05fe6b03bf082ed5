"""A high payment soon after the customer's details were changed."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from domain.decision import Action, Product
from domain.money import MoneyField
from domain.time import SECOND, Duration
from scoring.rules.rule import Example, Facts, FloorRule, Rule, payment


class ChangedThenPaid(FloorRule):
    """A phone, password or limit was changed and a large payment follows: a takeover prepares itself like that.

    Parameters
    ----------
    since : feature with the seconds since the last change.
    within : how soon after it.
    above : amount from which it matters.
    """

    name = "changed_then_paid"
    code = "R12"
    products = (Product.PAYMENT,)

    since: str
    within: Duration
    above: MoneyField

    def features(self) -> tuple[str, ...]:
        return (self.since,)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return values[0] * SECOND <= self.within and facts.amount_base > self.above.minor

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        read = "customer_profile_change_since_last"
        rule = cls.model_validate({"outcome": Action.STEP_UP, "since": read, "within": "1h", "above": "500.00 CNY"})
        return (
            rule,
            Example(Facts(payment(), 90_000), {read: 3600.0}),
            Example(Facts(payment(), 90_000), {read: 3600.5}),
        )
