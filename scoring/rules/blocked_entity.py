"""An entity of the event is on the block list."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from domain.decision import Action, Product
from scoring.lists import ListName
from scoring.rules.rule import Example, Facts, FloorRule, Rule, payment


class BlockedEntity(FloorRule):
    """An entity of the event is on the block list."""

    name = "blocked_entity"
    code = "R01"
    products = (Product.PAYMENT, Product.LOAN)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return ListName.BLOCK in facts.listed

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        listed = frozenset({ListName.BLOCK, ListName.ALLOW})
        return (
            cls(outcome=Action.DECLINE),
            Example(Facts(payment(), 100, listed)),
            Example(Facts(payment(), 100, frozenset({ListName.ALLOW}))),
        )
