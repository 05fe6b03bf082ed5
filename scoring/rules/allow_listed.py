"""An entity is on the allow list: the model's action is no more severe than the ceiling."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from domain.decision import Action, Product
from scoring.lists import ListName
from scoring.rules.rule import Example, Facts, Hit, Rule, payment


class AllowListed(Rule):
    """An entity is on the allow list: the model's action is no more severe than the ceiling.

    Other rules keep their say; nothing on the allow list outruns a blocked entity.
    """

    name = "allow_listed"
    code = "R02"
    products = (Product.PAYMENT,)

    ceiling: Action

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return ListName.ALLOW in facts.listed and ListName.BLOCK not in facts.listed

    def hit(self) -> Hit:
        """Its ceiling."""
        return Hit(self.code, ceiling=self.ceiling)

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        return (
            cls(ceiling=Action.STEP_UP),
            Example(Facts(payment(), 100, frozenset({ListName.ALLOW}))),
            Example(Facts(payment(), 100, frozenset({ListName.ALLOW, ListName.BLOCK}))),
        )
