"""Settings of cut-offs and of what decisions cost; every figure says where it comes from."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from domain.money import Money, MoneyField
from domain.settings import Settings
from training.fields import Source

Stopping = Literal["step_up", "review", "decline"]
"""What a grade beyond normal leads to in the shipped policy of payments, mildest first."""

STOPPING: tuple[Stopping, ...] = ("step_up", "review", "decline")


class Cutoffs(Settings):
    """Where the grades begin.

    Parameters
    ----------
    by : ``share``: shares of traffic at or above each grade. ``probability``: calibrated probabilities. ``cost``:
        the cheapest for the money at stake under the alert budget; the three are then the largest shares of traffic
        that may be at or above each grade.
    """

    by: Literal["share", "probability", "cost"]
    attention: float = Field(gt=0, lt=1)
    warning: float = Field(gt=0, lt=1)
    high: float = Field(gt=0, lt=1)
    source: Source

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        grades = [self.attention, self.warning, self.high]
        wanted = sorted(grades, reverse=self.by != "probability")
        if grades != wanted or len(set(grades)) != len(grades):
            order = "rising probabilities" if self.by == "probability" else "falling shares"
            raise ValueError(f"expected {order} for attention, warning, high, got {grades}")
        return self


class AlertBudget(Settings):
    """Alerts a day that somebody can look at."""

    per_day: int = Field(ge=1)
    source: Source


class ActionCost(Settings):
    """What one action catches and costs.

    Parameters
    ----------
    catches : share of the fraudulent money that it stops; a step-up stops fewer takeovers than a refusal.
    each : spent on every payment it is taken on: a message, an analyst's minutes.
    friction : lost on every genuine payment it is taken on: margin of those who give up, calls to the desk.
    """

    catches: float = Field(ge=0, le=1)
    each: MoneyField
    friction: MoneyField
    source: Source


class Costs(Settings):
    """What a review and a wrongly stopped customer cost; without them cost is not assessed.

    Parameters
    ----------
    review, friction : price a list of alerts that are all looked at, whatever their grade.
    actions : price the grades, each by the action it leads to: attention step_up, warning review, high decline.
        Without them the cost of cut-offs is not assessed, and cut-offs cannot be chosen by cost.
    """

    review: MoneyField
    friction: MoneyField
    source: Source
    actions: dict[Stopping, ActionCost] | None = None

    @model_validator(mode="after")
    def _every_action_in_one_currency(self) -> Self:
        if self.actions is not None and set(self.actions) != set(STOPPING):
            raise ValueError(f"actions: expected each of {', '.join(STOPPING)}, got {', '.join(self.actions)}")
        currencies = {money.currency for money in self.money().values()}
        if len(currencies) > 1:
            raise ValueError(f"expected costs in one currency, got {', '.join(sorted(currencies))}")
        negative = [name for name, money in self.money().items() if money.minor < 0]
        if negative:
            raise ValueError(f"expected costs of 0 or more, got less for {', '.join(negative)}")
        return self

    def money(self) -> dict[str, Money]:
        """Every amount by its place."""
        found = {"review": self.review, "friction": self.friction}
        for name, action in (self.actions or {}).items():
            found |= {f"actions.{name}.each": action.each, f"actions.{name}.friction": action.friction}
        return found


class ScaleSettings(Settings):
    """How a master scale is proposed.

    Parameters
    ----------
    best, worst : upper bound of the best grade, and lower bound of the worst.
    grades : bands between and beside them, in equal steps of the logarithm, before any are joined.
    least_events : defaults that each grade must have on the rows it is fitted on.
    """

    horizon_months: int = Field(ge=1, le=120)
    grades: int = Field(ge=2, le=12)
    best: float = Field(gt=0, lt=1)
    worst: float = Field(gt=0, lt=1)
    least_events: int = Field(ge=1)
    source: Source

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.best >= self.worst:
            raise ValueError(f"expected best below worst, got {self.best} and {self.worst}")
        return self
