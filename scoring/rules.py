"""Rules: pure functions of an event, its listed entities and a few features, each with a reason code.

A rule is a class: its fields are the parameters in ``configs/policy/*.yaml``, `Rule.hits` is the
function. Defining a class with a ``code`` registers it, and its examples are its exam.
"""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import Field

from domain.decision import Action, Product
from domain.events import Event, Value
from domain.money import MoneyField
from domain.settings import Settings
from scoring.lists import ListName


@dataclass(frozen=True, slots=True)
class Facts:
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
            Example(Facts(_payment(), 100, listed)),
            Example(Facts(_payment(), 100, frozenset({ListName.ALLOW}))),
        )


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
            Example(Facts(_payment(), 100, frozenset({ListName.ALLOW}))),
            Example(Facts(_payment(), 100, frozenset({ListName.ALLOW, ListName.BLOCK}))),
        )


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
            Example(Facts(_payment(), 100, frozenset({ListName.WATCH}))),
            Example(Facts(_payment(), 100)),
        )


class VelocitySpike(FloorRule):
    """Many payments in a short window, and many times the usual pace of a long one.

    Parameters
    ----------
    recent, usual : count features over the short and the long window.
    at_least : payments in the short window below which the rule is silent.
    windows : short windows in the long one (720 hours in 30 days).
    times : how many times the usual pace.
    """

    name = "velocity_spike"
    code = "R04"
    products = (Product.PAYMENT,)

    recent: str
    usual: str
    at_least: int = Field(ge=1)
    windows: int = Field(ge=1)
    times: float = Field(gt=0)

    def features(self) -> tuple[str, ...]:
        return (self.recent, self.usual)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        recent, usual = values
        return recent >= self.at_least and recent * self.windows >= self.times * usual

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        counts = ("card_count_1h", "card_count_30d")
        return (
            cls(outcome=Action.STEP_UP, recent=counts[0], usual=counts[1], at_least=8, windows=720, times=20),
            Example(Facts(_payment(), 100), dict(zip(counts, (8, 40), strict=True))),
            Example(Facts(_payment(), 100), dict(zip(counts, (7, 7), strict=True))),
        )


class AmountCap(FloorRule):
    """A payment above a limit in the base currency."""

    name = "amount_cap"
    code = "R05"
    products = (Product.PAYMENT,)

    above: MoneyField

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return facts.amount_base > self.above.minor

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        return (
            cls.model_validate({"outcome": "review", "above": "500.00 CNY"}),
            Example(Facts(_payment(), 50_001)),
            Example(Facts(_payment(), 50_000)),
        )


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
        return named and _missing(device) and _missing(payee) and facts.amount_base > self.above.minor

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        seen = ("customer_device_id_since_last", "customer_payee_id_since_last")
        rule = cls.model_validate({"outcome": "review", "device": seen[0], "payee": seen[1], "above": "500.00 CNY"})
        event = _payment(device_id="d1", payee_id="p1")
        return (
            rule,
            Example(Facts(event, 90_000), dict.fromkeys(seen, float("nan"))),
            Example(Facts(event, 90_000), {seen[0]: float("nan"), seen[1]: 60.0}),
        )


class AffordabilityCap(FloorRule):
    """The instalment with other debt takes more of the declared income than the cap.

    The instalment is the first, and largest, of equal repayments of principal: amount / months plus
    one month's interest. Silent where income or term is missing.

    Parameters
    ----------
    max_share : greatest share of monthly income, 0.5 is half.
    rate_annual : nominal annual rate assumed, 0.18 is 18 %.
    """

    name = "affordability_cap"
    code = "R10"
    products = (Product.LOAN,)

    max_share: float = Field(gt=0, le=1)
    rate_annual: float = Field(ge=0, lt=1)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        body = facts.event.body
        income, term = _number(body.get("income_monthly")), _number(body.get("term_months"))
        if income <= 0 or term <= 0:
            return False
        amount = _number(body.get("amount"))
        instalment = amount / term + amount * self.rate_annual / 12
        return instalment + max(_number(body.get("debt_monthly")), 0.0) > self.max_share * income

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        body = {"amount": 1_200_000, "term_months": 12, "income_monthly": 300_000}
        return (
            cls(outcome=Action.DECLINE, max_share=0.5, rate_annual=0.12),
            Example(Facts(_application(**body, debt_monthly=39_000), 1_200_000)),
            Example(Facts(_application(**body, debt_monthly=37_000), 1_200_000)),
        )


class MissingIncome(FloorRule):
    """An application without a declared income above zero: affordability cannot be judged by a machine."""

    name = "missing_income"
    code = "R11"
    products = (Product.LOAN,)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        return _number(facts.event.body.get("income_monthly")) <= 0

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        return (
            cls(outcome=Action.REFER),
            Example(Facts(_application(amount=100), 100)),
            Example(Facts(_application(amount=100, income_monthly=1), 100)),
        )


def _number(value: Value | None) -> float:
    return float(value) if value is not None else 0.0


def _missing(value: float) -> bool:
    return value != value


def _payment(**body: Value) -> Event:
    return Event("transaction", "e1", 0, 0, {"amount": 100, "currency": "CNY", **body})


def _application(**body: Value) -> Event:
    return Event("application", "a1", 0, 0, {"borrower_id": "b1", "currency": "CNY", **body})
