"""A device and a payee never seen before on this account or card, and a high amount: how takeovers look."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from domain.decision import Product
from domain.money import MoneyField
from scoring.rules.rule import Example, Facts, FloorRule, Rule, missing, payment


class NewDeviceNewPayee(FloorRule):
    """A device and a payee never seen before on this account or card, and a high amount: how takeovers look.

    Parameters
    ----------
    device, payee : features that are missing where the pair was never seen (time since last seen together).
    above : amount from which it matters.
    """

    name = "new_device_new_payee"
    code = "R06"
    products = (Product.PAYMENT,)

    device: str
    payee: str
    above: MoneyField

    def features(self) -> tuple[str, ...]:
        return (self.device, self.payee)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        device, payee = values
        named = "device_id" in facts.event.body and "payee_id" in facts.event.body
        return named and missing(device) and missing(payee) and facts.amount_base > self.above.minor

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        seen = ("customer_device_id_since_last", "customer_payee_id_since_last")
        rule = cls.model_validate({"outcome": "review", "device": seen[0], "payee": seen[1], "above": "500.00 CNY"})
        event = payment(device_id="d1", payee_id="p1")
        return (
            rule,
            Example(Facts(event, 90_000), dict.fromkeys(seen, float("nan"))),
            Example(Facts(event, 90_000), {seen[0]: float("nan"), seen[1]: 60.0}),
        )
