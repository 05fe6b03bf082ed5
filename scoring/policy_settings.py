"""Settings of a policy: choices in YAML, checked as a whole when they are read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from domain.decision import ACTIONS, Action, Product, RiskGrade
from domain.errors import ModelError, expected_got
from domain.events import AUTH_METHODS
from domain.money import MoneyField
from domain.settings import Settings
from scoring.rules import RULES, Rule

GRADES = tuple(RiskGrade)
"""Mildest first."""

CUTS = ("attention", "warning", "high")


class Cutoffs(Settings):
    """Calibrated probabilities from which a grade begins."""

    attention: float = Field(gt=0, lt=1)
    warning: float = Field(gt=0, lt=1)
    high: float = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def _rise(self) -> Cutoffs:
        if not self.attention < self.warning < self.high:
            raise ValueError(f"expected attention < warning < high, got {self.model_dump()}")
        return self

    def values(self) -> tuple[float, float, float]:
        """The three, mildest first."""
        return self.attention, self.warning, self.high


class StandInTier(Settings):
    """What is done without a model up to an amount, inclusive; None is no limit."""

    upto: MoneyField | None = None
    action: Action


class CreditGrade(Settings):
    """A grade of the master scale, up to a probability of default (exclusive; 1 includes it)."""

    grade: str = Field(min_length=1, max_length=8)
    upto: float = Field(gt=0, le=1)


class MasterScale(Settings):
    """Grades by probability of default over a horizon, best first."""

    horizon: str = Field(pattern=r"^\d+m$")
    grades: tuple[CreditGrade, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _bands_cover_everything(self) -> MasterScale:
        bounds = [grade.upto for grade in self.grades]
        if any(a >= b for a, b in pairwise(bounds)) or bounds[-1] != 1.0:
            raise ValueError(f"expected rising bounds that end at 1.0, got {bounds}")
        names = [grade.grade for grade in self.grades]
        if len(set(names)) < len(names):
            raise ValueError(f"expected distinct grades, got {names}")
        return self

    def place(self, probability: float) -> tuple[str, tuple[float, float], str]:
        """Grade, its band [from, to) and the horizon of a probability."""
        low = 0.0
        for grade in self.grades[:-1]:
            if probability < grade.upto:
                return grade.grade, (low, grade.upto), self.horizon
            low = grade.upto
        return self.grades[-1].grade, (low, 1.0), self.horizon


Method = Literal["otp", "mfa", "biometric"]


class Held(Settings):
    """Which step-up methods a customer can be asked for.

    Parameters
    ----------
    everybody : methods that every customer has.
    passed : method → feature that counts how often the customer passed it lately; above 0 means they have it. A
        feature that the model lacks says nothing.
    """

    everybody: tuple[Method, ...] = ()
    passed: dict[Method, str] = {}


class PolicySettings(Settings):
    """``configs/policy/payments.yaml`` and ``loans.yaml``.

    Parameters
    ----------
    cutoffs : probabilities, or ``from bundle`` to take the ones proposed with the model.
    actions : grade → action, never milder for a worse grade.
    rules : rule name → its parameters.
    stand_in : tiers by amount for when no model can be used; they never decline.
    step_up : method just used → methods to ask for, best first (payments).
    held : which of them a customer has; without it the first is asked for.
    master_scale : grades with PD bands (loans).
    """

    version: str = Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
    product: Product
    cutoffs: Literal["from bundle"] | Cutoffs
    actions: dict[RiskGrade, Action]
    rules: dict[str, SerializeAsAny[Rule]]
    stand_in: tuple[StandInTier, ...] = Field(min_length=1)
    step_up: dict[str, tuple[Method, ...]] = {}
    held: Held | None = None
    master_scale: MasterScale | None = None

    @field_validator("rules", mode="before")
    @classmethod
    def _rules_are_known(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        unknown = sorted(set(value) - set(RULES))
        if unknown:
            raise ValueError(f"expected rules out of {', '.join(RULES)}, got {', '.join(unknown)}")
        return {name: RULES[name].model_validate(params) for name, params in value.items()}

    @field_validator("step_up", mode="before")
    @classmethod
    def _one_method_is_a_list_of_one(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {used: [asked] if isinstance(asked, str) else asked for used, asked in value.items()}

    @field_validator("step_up")
    @classmethod
    def _something_is_asked_for(cls, value: dict[str, tuple[Method, ...]]) -> dict[str, tuple[Method, ...]]:
        for used, asked in value.items():
            if not asked or len(set(asked)) < len(asked):
                raise ValueError(f"{used}: expected one method or more, each once, got {list(asked)}")
        return value

    @model_validator(mode="after")
    def _fits_its_product(self) -> PolicySettings:
        order = {action: place for place, action in enumerate(ACTIONS[self.product])}
        named = [*self.actions.values(), *(tier.action for tier in self.stand_in)]
        for name, rule in self.rules.items():
            if self.product not in rule.products:
                raise ValueError(f"expected rules for a {self.product}, got {name}")
            hit = rule.hit()
            named += [action for action in (hit.floor, hit.ceiling) if action is not None]
        foreign = sorted(set(named) - set(order))
        if foreign:
            raise ValueError(f"expected actions out of {', '.join(order)}, got {', '.join(foreign)}")
        if set(self.actions) != set(GRADES):
            raise ValueError(f"expected an action for each grade, got {list(self.actions)}")
        if any(order[self.actions[a]] > order[self.actions[b]] for a, b in pairwise(GRADES)):
            raise ValueError("expected no grade with a milder action than the grade before it")
        self._check_stand_in(order)
        if self.product is Product.PAYMENT and (set(self.step_up) != set(AUTH_METHODS) or self.master_scale):
            raise ValueError(f"expected a step-up for each of {', '.join(AUTH_METHODS)}, and no master_scale")
        if self.product is Product.LOAN and (self.step_up or self.held or self.master_scale is None):
            raise ValueError("expected a master_scale, no step_up and no held for loans")
        return self

    def _check_stand_in(self, order: Mapping[Action, int]) -> None:
        actions = [tier.action for tier in self.stand_in]
        bounds = [tier.upto for tier in self.stand_in]
        if Action.DECLINE in actions:
            raise ValueError("expected a stand_in that declines nobody for our outage")
        if self.product is Product.LOAN and actions != [Action.REFER]:
            raise ValueError(f"expected loans to be referred without a model, got {actions}")
        limits = [bound.minor for bound in bounds[:-1] if bound is not None]
        if bounds[-1] is not None or len(limits) < len(bounds) - 1 or any(a >= b for a, b in pairwise(limits)):
            raise ValueError("expected rising `upto` and a last tier without one")
        if any(order[a] > order[b] for a, b in pairwise(actions)):
            raise ValueError("expected no tier with a milder action than the tier before it")

    def cutoffs_or(self, proposed: Mapping[str, float]) -> tuple[float, float, float]:
        """The cut-offs in force: the policy's own, or those proposed with the model."""
        if isinstance(self.cutoffs, Cutoffs):
            return self.cutoffs.values()
        try:
            return proposed["attention"], proposed["warning"], proposed["high"]
        except KeyError as error:
            raise ModelError(expected_got(f"cut-offs {', '.join(CUTS)}", sorted(proposed), "cutoffs.yaml")) from error
