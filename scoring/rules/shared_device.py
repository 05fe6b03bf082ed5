"""One device in the hands of many customers."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from pydantic import Field

from domain.decision import Action, Product
from scoring.rules.rule import Example, Facts, FloorRule, Rule, payment


class SharedDevice(FloorRule):
    """Many customers have paid from this device: a farm, not a family.

    Parameters
    ----------
    customers : feature that counts the other customers of the device.
    at_least : from how many on.
    """

    name = "shared_device"
    code = "R14"
    products = (Product.PAYMENT,)

    customers: str
    at_least: int = Field(ge=2)

    def features(self) -> tuple[str, ...]:
        return (self.customers,)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return values[0] >= self.at_least

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        read = "device_customer_id_shared_with_30d"
        return (
            cls(outcome=Action.REVIEW, customers=read, at_least=10),
            Example(Facts(payment(device_id="d1"), 100), {read: 10.0}),
            Example(Facts(payment(device_id="d1"), 100), {read: 9.0}),
        )
