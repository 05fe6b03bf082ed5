"""The one who asks is not the one the account, or the identity check, says."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from pydantic import field_validator

from domain.decision import Action, Product
from domain.events import EXTENSION
from scoring.rules.rule import Example, Facts, FloorRule, Rule, application, payment


class IdentityMismatch(FloorRule):
    """Borrower and customer are two persons, or the flow's own identity check failed.

    Assay performs no identity check: the flow reports the result of its own as a number, 1 passed and less than that
    not. Silent where neither is told.

    Parameters
    ----------
    checked : extension column that carries the result.
    """

    name = "identity_mismatch"
    code = "R09"
    products = (Product.PAYMENT, Product.LOAN)

    checked: str = "x_identity_match"

    @field_validator("checked")
    @classmethod
    def _is_an_extension(cls, value: str) -> str:
        if not EXTENSION.fullmatch(value):
            raise ValueError(f"expected the name of an extension column, x_…, got {value!r}")
        return value

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        body = facts.event.body
        borrower, customer = body.get("borrower_id"), body.get("customer_id")
        if borrower is not None and customer is not None and borrower != customer:
            return True
        result = body.get(self.checked)
        return isinstance(result, int | float) and result < 1

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        return (
            cls(outcome=Action.DECLINE),
            Example(Facts(application(amount=100, customer_id="b2"), 100)),
            Example(Facts(payment(customer_id="c1", x_identity_match=1.0), 100)),
        )
