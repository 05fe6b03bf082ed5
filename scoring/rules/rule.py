"""What a rule is: a pure function of an event, its listed entities and a few features, with a reason code.

A rule is a class: its fields are the parameters in ``configs/policy/*.yaml``, `Rule.hits` is the function. Defining a
class with a ``code`` registers it, and its examples are its exam.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from domain.decision import Action, Product
from domain.events import Event, Value
from domain.settings import Settings
from scoring.lists import ListName


class Facts(NamedTuple):
    """What a rule may look at.

    Parameters
    ----------
    event : the payment or application.
    amount_base : its amount in minor units of the base currency.
    listed : the lists its entities are on.
    """

    event: Event
    amount_base: int
    listed: frozenset[ListName] = frozenset()


@dataclass(frozen=True, slots=True)
class Example:
    """Facts and feature values (by name) on which a rule hits, or does not."""

    facts: Facts
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that spoke: the least severe action it allows, or the most severe one it leaves to the model."""

    code: str
    floor: Action | None = None
    ceiling: Action | None = None


RULES: dict[str, type[Rule]] = {}
"""name → rule."""


class Rule(Settings):
    """Base of all rules.

    Parameters
    ----------
    enabled : off keeps the parameters in the file and the rule out of decisions.
    optional : run without the rule where the model lacks its features, instead of refusing to load.
    """

    name: ClassVar[str]
    code: ClassVar[str]
    products: ClassVar[tuple[Product, ...]]

    enabled: bool = True
    optional: bool = False

    def __init_subclass__(cls, **options: Any) -> None:
        """Register a rule that has a code."""
        super().__init_subclass__(**options)
        if "code" in cls.__dict__:
            RULES[cls.name] = cls

    def features(self) -> tuple[str, ...]:
        """Names of the features it reads; their values come to `hits` in this order."""
        return ()

    @abstractmethod
    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        """Whether the rule speaks; NaN among the values is a missing feature."""

    @abstractmethod
    def hit(self) -> Hit:
        """What it then says."""

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        """The rule with parameters, facts on which it hits, and near ones on which it does not."""


class FloorRule(Rule):
    """A rule that makes the action at least as severe as its outcome."""

    outcome: Action

    def hit(self) -> Hit:
        """Its outcome as a floor."""
        return Hit(self.code, floor=self.outcome)


def number(value: Value | None) -> float:
    """A column as a number, 0 where it is absent."""
    return float(value) if value is not None else 0.0


def missing(value: float) -> bool:
    """Whether a feature has no value."""
    return value != value


def payment(**body: Value) -> Event:
    """A payment for examples."""
    return Event("transaction", "e1", 0, 0, {"amount": 100, "currency": "CNY", **body})


def application(**body: Value) -> Event:
    """An application for examples."""
    return Event("application", "a1", 0, 0, {"borrower_id": "b1", "currency": "CNY", **body})
