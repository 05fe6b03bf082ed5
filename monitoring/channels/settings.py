"""Settings of channel risk (``configs/channels.yaml``): what counts, from where on a rate is high, what is advised."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from domain.bilingual import Sourced
from domain.events import CHANNELS, EXTENSION
from domain.labels import FRAUD_POLICY
from domain.settings import Settings
from domain.time import Duration

_TEXT = Annotated[str, Field(min_length=2, max_length=300)]


class Level(StrEnum):
    """How risky a channel is, mildest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Measure(StrEnum):
    """What a channel is judged by."""

    LOSS = "loss"  # money lost to fraud, of the money paid
    FRAUD = "fraud"  # payments found to be fraud
    DISPUTE = "dispute"  # payments disputed
    FAILURE = "failure"  # payments refused, failed or reversed


class Bounds(Settings):
    """From where on a rate is medium, and high, how much it weighs, and who says so."""

    weight: float = Field(gt=0, le=1)
    medium: float = Field(gt=0, lt=1)
    high: float = Field(gt=0, lt=1)
    source: Sourced

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.medium < self.high:
            raise ValueError(f"expected medium < high, got {self.medium} and {self.high}")
        return self

    def points(self, rate: float) -> float:
        """0 for none, 50 at the medium bound, 100 from the high one on, straight lines between.

        Examples
        --------
        >>> bounds = Bounds(weight=1, medium=0.01, high=0.03, source="custom")
        >>> [round(bounds.points(rate), 6) for rate in (0.0, 0.005, 0.01, 0.02, 0.5)]
        [0.0, 25.0, 50.0, 75.0, 100.0]
        """
        if rate <= self.medium:
            return 50 * rate / self.medium
        return min(100.0, 50 + 50 * (rate - self.medium) / (self.high - self.medium))


class ScoreCuts(Settings):
    """Scores from which a channel is medium, and high."""

    medium: float = Field(gt=0, lt=100)
    high: float = Field(gt=0, le=100)
    source: Sourced

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.medium < self.high:
            raise ValueError(f"expected medium < high, got {self.medium} and {self.high}")
        return self

    def level(self, score: float) -> Level:
        """The level of a score.

        Examples
        --------
        >>> ScoreCuts(medium=40, high=70, source="custom").level(40).value
        'medium'
        """
        return Level.HIGH if score >= self.high else Level.MEDIUM if score >= self.medium else Level.LOW


class Advice(Settings):
    """A recommended measure, in both languages."""

    zh: _TEXT
    en: _TEXT


class After(Settings):
    """How long until it is known, and who says so."""

    after: Duration = Field(gt=0)
    source: Sourced


class ChannelSettings(Settings):
    """How channels are judged.

    Parameters
    ----------
    maturity : of fraud and disputes: what became known within it counts, and only payments that old are judged.
    settled : the same for failures.
    confidence : of all intervals of a report together; each one is wider, so that many may be looked at.
    least_rows : with fewer mature payments a rate is not assessed.
    raw_column : extension column in which importers keep a channel's own name, read where ``channel`` is empty.
    names : name in that column → channel; what is named neither there nor here is listed as unknown.
    dispute_codes, failure_codes : outcome codes that say so.
    measures : bounds of each. levels : of the score. advice : measure → level → what to do.
    """

    maturity: After
    settled: After
    confidence: float = Field(gt=0.5, lt=1)
    least_rows: int = Field(ge=20)
    raw_column: str | None = None
    names: dict[str, str] = {}
    dispute_codes: tuple[str, ...]
    failure_codes: tuple[str, ...]
    measures: Mapping[Measure, Bounds]
    levels: ScoreCuts
    advice: Mapping[Measure, Mapping[Level, Advice]]

    @field_validator("raw_column")
    @classmethod
    def _extension(cls, name: str | None) -> str | None:
        if name is not None and not EXTENSION.fullmatch(name):
            raise ValueError(f"expected an extension column named x_…, got {name}")
        return name

    @field_validator("names")
    @classmethod
    def _known_channels(cls, names: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(names.values()) - set(CHANNELS))
        if unknown:
            raise ValueError(f"expected channels out of {', '.join(CHANNELS)}, got {', '.join(unknown)}")
        return names

    @field_validator("dispute_codes", "failure_codes")
    @classmethod
    def _known_codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(codes) - set(FRAUD_POLICY.verdicts))
        if unknown:
            raise ValueError(f"expected outcome codes of {FRAUD_POLICY.version}, got {', '.join(unknown)}")
        return codes

    @model_validator(mode="after")
    def _complete(self) -> Self:
        absent = [each.value for each in Measure if each not in self.measures]
        absent += [
            f"advice for {each.value} {level.value}"
            for each in Measure
            for level in (Level.MEDIUM, Level.HIGH)
            if level not in self.advice.get(each, {})
        ]
        if absent:
            raise ValueError(f"expected every measure with advice for medium and high, got no {', '.join(absent)}")
        return self
