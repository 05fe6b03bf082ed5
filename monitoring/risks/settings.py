"""The risk register (``configs/risk_register.yaml``): scales, rules and risks; every metric has to exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from domain.bilingual import Both, InBothLanguages, Owner, Sourced
from domain.errors import DefinitionError, expected_got
from domain.settings import Settings
from monitoring.indicator import Indicator
from monitoring.limits import LimitSettings
from stores.settings_files import load_settings


class RiskClass(StrEnum):
    """Classes of risk."""

    CREDIT = "credit"
    OPERATIONAL = "operational"
    LEGAL = "legal"
    MARKET = "market"
    LIQUIDITY = "liquidity"
    MODEL = "model"


class RiskLevel(StrEnum):
    """Levels of a risk, mildest first; what is left after controls is the residual risk, on the same levels."""

    ACCEPTABLE = "acceptable"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Effect(StrEnum):
    """How far a control holds, strongest first."""

    STRONG = "strong"
    ADEQUATE = "adequate"
    WEAK = "weak"
    NONE = "none"


class Step(Settings):
    """One step of a scale."""

    step: int = Field(ge=1, le=5)
    name_zh: str
    name_en: str
    zh: str = Field(min_length=2)
    en: str = Field(min_length=2)

    @property
    def name(self) -> Both:
        """As pages say it."""
        return Both(self.name_zh, self.name_en)


class Moves(Settings):
    """What an open breach of a level does: steps of likelihood up, steps of the control's effect down."""

    likelihood: int = Field(default=0, ge=0, le=4)
    control: int = Field(default=0, ge=0, le=3)


class Metric(Settings):
    """An indicator of the early warning that moves a risk; ``where`` is a pattern of its places."""

    indicator: str
    where: str = "*"

    def holds_for(self, indicator: str, place: str) -> bool:
        """Whether a breach of an indicator in a place is meant."""
        return indicator == self.indicator and fnmatchcase(place, self.where)


class Control(InBothLanguages):
    """What holds a risk."""

    effect: Effect


def _as_date(value: object) -> object:
    return date.fromisoformat(value) if isinstance(value, str) else value


class Risk(Settings):
    """One risk.

    Parameters
    ----------
    likelihood, impact : steps of the scales, 1 to 5, before controls.
    review : day by which somebody looks at it again.
    metrics : indicators that move it.
    """

    kind: RiskClass = Field(alias="class")
    title: InBothLanguages
    likelihood: int = Field(ge=1, le=5)
    impact: int = Field(ge=1, le=5)
    control: Control
    owner: Owner
    review: Annotated[date, BeforeValidator(_as_date)]
    metrics: tuple[Metric, ...] = Field(min_length=1)
    source: Sourced


class Register(Settings):
    """Scales, rules and risks.

    Parameters
    ----------
    likelihood, impact : five steps each. source : of scales and rules.
    levels : level → the least product of likelihood and impact that reaches it; below the least all is acceptable.
    reduction : effect of a control → share of the product that it takes away.
    when : level of an open breach → what it moves.
    """

    source: Sourced
    likelihood: tuple[Step, ...]
    impact: tuple[Step, ...]
    levels: Mapping[RiskLevel, float]
    reduction: Mapping[Effect, float]
    when: Mapping[str, Moves]
    risks: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")], Risk]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name in ("likelihood", "impact"):
            steps = [each.step for each in getattr(self, name)]
            if steps != [1, 2, 3, 4, 5]:
                raise ValueError(f"{name}: expected steps 1 to 5 in order, got {steps}")
        bounds = [self.levels.get(each) for each in (RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH)]
        if RiskLevel.ACCEPTABLE in self.levels or None in bounds or bounds != sorted(set(bounds), key=lambda b: b or 0):
            raise ValueError(f"levels: expected low < medium < high, got {dict(self.levels)}")
        taken = [self.reduction.get(each) for each in Effect]
        if None in taken or taken != sorted(taken, key=lambda share: -(share or 0)) or not 0 <= (taken[0] or 0) < 1:
            raise ValueError(f"reduction: expected strong ≥ adequate ≥ weak ≥ none below 1, got {dict(self.reduction)}")
        strange = sorted(set(self.when) - {"attention", "warning", "high"})
        if strange:
            raise ValueError(f"when: expected attention, warning, high, got {', '.join(strange)}")
        absent = sorted(set(RiskClass) - {risk.kind for risk in self.risks.values()})
        if absent:
            raise ValueError(f"risks: expected one of every class, got none of {', '.join(absent)}")
        return self

    def level(self, score: float) -> RiskLevel:
        """The level of a product of likelihood and impact, after controls or before."""
        found = RiskLevel.ACCEPTABLE
        for level in (RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH):
            if score >= self.levels[level]:
                found = level
        return found

    def refuse_unknown(self, known: Iterable[Indicator], limits: LimitSettings) -> None:
        """Refuse metrics that nobody reads, of the restricted class, or without a limit: they would never move a risk.

        Raises
        ------
        DefinitionError
            Naming the risk and the metric.
        """
        open_ = {each.key for each in known if not each.restricted}
        limited = {limit.indicator for limit in limits.limits.values()}
        for key, risk in self.risks.items():
            for metric in risk.metrics:
                where = f"configs/risk_register.yaml: risks.{key}.metrics"
                if metric.indicator not in open_:
                    raise DefinitionError(
                        expected_got(f"indicators out of {', '.join(sorted(open_))}", metric.indicator, where)
                    )
                if metric.indicator not in limited:
                    raise DefinitionError(
                        expected_got("an indicator with a limit in configs/limits.yaml", metric.indicator, where)
                    )


def read_register(configs: Path, known: Iterable[Indicator]) -> Register:
    """The register of a folder of settings, its metrics checked against indicators and limits.

    Raises
    ------
    DefinitionError
        When a file cannot be read, or a metric does not exist.
    """
    register = load_settings(configs / "risk_register.yaml", Register)
    register.refuse_unknown(known, load_settings(configs / "limits.yaml", LimitSettings))
    return register
