"""Settings of anti-money-laundering work (``configs/aml.yaml``): every limit with its source, none by default."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from domain.bilingual import Sourced
from domain.events import CHANNELS
from domain.money import Money, MoneyField
from domain.settings import Settings
from domain.time import Duration
from domain.working_days import WorkingDays
from scoring.flows.settings import PatternSettings

Party = Literal["person", "entity"]
RiskGrade = Literal["low", "medium", "high"]


class WithSource(Settings):
    """Anything that rests on somebody's word."""

    source: Sourced


class ReportLimit(WithSource):
    """From what sum of a day on a payment is of large value; the limit itself is one ("及以上").

    Parameters
    ----------
    base : for payments in the base currency. foreign : for the others together, in the currency of this limit.
    """

    base: MoneyField
    foreign: MoneyField


class LargeValueSettings(Settings):
    """The large-value report.

    Parameters
    ----------
    exemptions : code → what it stands for; codes are given in due-diligence records or as ``x_exemption`` of a payment.
    filing_days : working days from the day of the payments.
    """

    cash: ReportLimit
    transfer_entity: ReportLimit
    transfer_person_domestic: ReportLimit
    transfer_person_cross_border: ReportLimit
    cash_channels: tuple[str, ...]
    home_country: str = Field(pattern=r"^[A-Z]{2}$")
    exemptions: dict[str, Sourced]
    filing_days: int = Field(ge=1)
    filing_source: Sourced
    working_days: WorkingDays

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        unknown = sorted(set(self.cash_channels) - set(CHANNELS))
        if unknown:
            raise ValueError(f"cash_channels: expected some of {', '.join(CHANNELS)}, got {', '.join(unknown)}")
        monies: list[tuple[Money, Money]] = [(limit.base, limit.foreign) for limit in self.limits.values()]
        if len({base.currency for base, _ in monies}) > 1 or len({foreign.currency for _, foreign in monies}) > 1:
            raise ValueError("expected one base and one foreign currency over all limits")
        if any(money.minor <= 0 for pair in monies for money in pair):
            raise ValueError("expected limits above zero")
        return self

    @property
    def limits(self) -> dict[str, ReportLimit]:
        """Rule → limit."""
        return {
            "cash": self.cash,
            "transfer_entity": self.transfer_entity,
            "transfer_person_domestic": self.transfer_person_domestic,
            "transfer_person_cross_border": self.transfer_person_cross_border,
        }


class StructuringSettings(WithSource):
    """What counts as just below a limit.

    Parameters
    ----------
    below : a sum from ``(1 − below) × limit`` up to the limit is just below it.
    around : the null looks at sums within ``(1 ± around) × limit``.
    least : fewer sums around a limit tell nothing. rate : share of false finds among those reported.
    """

    below: float = Field(gt=0, lt=0.5)
    around: float = Field(gt=0, lt=1)
    least: int = Field(ge=2)
    rate: float = Field(gt=0, lt=0.5)

    @model_validator(mode="after")
    def _nested(self) -> Self:
        if self.below >= self.around:
            raise ValueError(f"expected below under around, got {self.below} and {self.around}")
        return self


class FlowSettings(PatternSettings):
    """Patterns of the graph of payments.

    Parameters
    ----------
    shown : accounts listed. rare : at most this share of accounts shows a pattern as strongly, for one to be listed.
    least_accounts : that paid or were paid within the window, or steps of a cycle, to be listed.
    """

    shown: int = Field(ge=1)
    rare: float = Field(gt=0, lt=1)
    least_accounts: int = Field(ge=2)


class DiligenceSettings(Settings):
    """How often a customer is looked at again, by grade; None: nobody said, the figure is not assessed."""

    review_every: dict[RiskGrade, Duration | None]
    review_source: Sourced
    expiring_within: Duration


class ScreeningSettings(WithSource):
    """Thresholds of name matching, of a similarity from 0 to 1.

    Parameters
    ----------
    hit : from here on a name alone is a hit, unless a date of birth contradicts it.
    possible : from here on it is one where a date of birth agrees, or is not known on either side.
    """

    hit: float = Field(gt=0, le=1)
    possible: float = Field(gt=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.possible > self.hit:
            raise ValueError(f"expected possible up to hit, got {self.possible} and {self.hit}")
        return self


class Retention(WithSource):
    """Years that a class of records is kept.

    Parameters
    ----------
    years : 0 where nothing binds the platform to keep them; ``source`` says why.
    """

    years: int = Field(ge=0, le=100)
    counted_from: Sourced


class RetentionSettings(Settings):
    """Records of anti-money-laundering work, and of service."""

    aml: Retention
    service: Retention


class AmlSettings(Settings):
    """``configs/aml.yaml``; ``officers`` are the names that may act, nobody else."""

    officers: tuple[str, ...]
    diligence: DiligenceSettings
    large_value: LargeValueSettings
    structuring: StructuringSettings
    flows: FlowSettings
    screening: ScreeningSettings
    retention: RetentionSettings
