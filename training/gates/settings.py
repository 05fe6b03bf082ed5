"""Settings of promotion (``configs/gates.yaml``): the limit of each gate and where it comes from."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from domain.settings import Settings
from domain.time import Duration
from training.fields import Source

Unassessed = Literal["refuse", "accept"]


class Calibration(Settings):
    """Limits on how far probabilities may be from what happened on later data.

    Parameters
    ----------
    slope : least and greatest slope of the outcome on the logit of the probability; 1 is perfect.
    intercept : greatest shift of the logit that the whole would need, in either direction; 0 is perfect.
    ece : greatest expected calibration error, as a share of the prevalence.
    least_events : with fewer the gate is not assessed.
    """

    slope: tuple[float, float]
    intercept: float = Field(gt=0)
    ece: float = Field(gt=0)
    least_events: int = Field(ge=1)
    unassessed: Unassessed
    source: Source

    @model_validator(mode="after")
    def _around_one(self) -> Self:
        if not 0 < self.slope[0] < 1 < self.slope[1]:
            raise ValueError(f"slope: expected limits on both sides of 1, got {list(self.slope)}")
        return self


class Stability(Settings):
    """Limits on the stability index between the reference and the test.

    Parameters
    ----------
    score : of the score.
    feature : of one feature; those above it may together bear ``share`` of the model's mean absolute contributions.
    least_rows : with fewer on either side the gate is not assessed.
    """

    score: float = Field(gt=0)
    feature: float = Field(gt=0)
    share: float = Field(gt=0, lt=1)
    least_rows: int = Field(ge=1)
    unassessed: Unassessed
    source: Source


class Monotonicity(Settings):
    """Sweeps of each feature with an expected sign over rows of the reference.

    Parameters
    ----------
    n_rows : rows swept.
    """

    n_rows: int = Field(ge=1)
    source: Source


class Fairness(Settings):
    """Limits on how groups of a protected attribute may fare.

    Parameters
    ----------
    favourable_below : the grade from which on an answer counts as unfavourable.
    impact_ratio : least ratio of favourable shares, a group's over the best one's.
    opportunity : greatest difference of favourable shares among the truly good.
    least_rows : a smaller group is not judged.
    """

    favourable_below: Literal["attention", "warning", "high"]
    impact_ratio: float = Field(gt=0, lt=1)
    opportunity: float = Field(gt=0, lt=1)
    least_rows: int = Field(ge=10)
    unassessed: Unassessed
    source: Source


class Latency(Settings):
    """Limit on the score of one row, µs."""

    score_us: float = Field(gt=0)
    source: Source


class Intake(Settings):
    """The worst finding of the intake audit that may pass."""

    worst: Literal["green", "amber"]
    unassessed: Unassessed
    source: Source


class Labels(Settings):
    """How many outcomes may have been held back at training without a ruling."""

    open: int = Field(ge=0)
    unassessed: Unassessed
    source: Source


class Reviewing(Settings):
    """How long a reviewer's verdict counts, at most and unless said otherwise."""

    valid_for: Duration
    source: Source


class GateSettings(Settings):
    """What a challenger is held against before it may become champion."""

    review: Reviewing

    calibration: Calibration
    stability: Stability
    monotonicity: Monotonicity
    fairness: Fairness
    latency: Latency
    intake: Intake
    labels: Labels
