"""An entity of the event is on the watch list."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from domain.decision import Action, Product
from scoring.lists import ListName
from scoring.rules.rule import Example, Facts, FloorRule, Rule, payment


class WatchedEntity(FloorRule):
    """An entity of the event is on the watch list."""

    name = "watched_entity"
    code = "R03"
    products = (Product.PAYMENT, Product.LOAN)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return ListName.WATCH in facts.listed

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        return (
            cls(outcome=Action.REVIEW),
            Example(Facts(payment(), 100, frozenset({ListName.WATCH}))),
            Example(Facts(payment(), 100)),
        )
