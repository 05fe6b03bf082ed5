"""Settings of training (``configs/fraud.yaml``, ``configs/credit.yaml``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from domain.decision import Product
from domain.errors import DefinitionError, InputError, expected_got
from domain.events import KINDS
from domain.labels import LABEL_POLICIES, LabelPolicy
from domain.money import MoneyField
from domain.settings import Settings
from domain.time import Duration, parse_instant
from features.settings import FeatureSettings
from stores.settings_files import load_settings, read_yaml, settings_error
from training.intake.settings import IntakeSettings

SUBJECT_KINDS = {Product.PAYMENT: "transaction", Product.LOAN: "application"}
"""What each product decides on."""


def _as_instant(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return parse_instant(str(value))
    except InputError as error:
        raise ValueError(str(error)) from error


Instant = Annotated[int, BeforeValidator(_as_instant)]
"""A pydantic field that reads ISO 8601 with a zone and holds µs UTC."""

Source = Annotated[str, Field(min_length=3, description="where the figure comes from: a contract, a policy, a person")]


class Maturity(Settings):
    """How long after an event its label may be taken as final, and who says so."""

    after: Duration
    source: Source


class Windows(Settings):
    """Lengths of the periods of a forward split, newest last: train, calibration, test.

    ``warm_up`` is left out at the beginning, where features lack history; ``train`` is all that is left
    before calibration unless given; ``end`` is the last matured business day unless given.
    """

    test: Duration
    calibration: Duration
    train: Duration | None = None
    warm_up: Duration = 0
    end: Instant | None = None


class Shares(Settings):
    """Shares of the rows of a split that has no time; the rest trains."""

    test: float = Field(gt=0, lt=1)
    calibration: float = Field(gt=0, lt=1)


class Folds(Settings):
    """Folds of the search, all before calibration."""

    n: int = Field(ge=1, le=20)
    valid: Duration | None = None


class Search(Settings):
    """What the search may spend."""

    trials: int = Field(ge=1)
    seconds: float | None = Field(default=None, gt=0)
    rounds: int = Field(default=400, ge=1, le=20_000)
    patience: int = Field(default=30, ge=1)


class Cutoffs(Settings):
    """Where the grades begin: shares of traffic at or above them, or calibrated probabilities."""

    by: Literal["share", "probability"]
    attention: float = Field(gt=0, lt=1)
    warning: float = Field(gt=0, lt=1)
    high: float = Field(gt=0, lt=1)
    source: Source

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        grades = [self.attention, self.warning, self.high]
        wanted = sorted(grades, reverse=self.by == "share")
        if grades != wanted or len(set(grades)) != len(grades):
            order = "falling shares" if self.by == "share" else "rising probabilities"
            raise ValueError(f"expected {order} for attention, warning, high, got {grades}")
        return self


class AlertBudget(Settings):
    """Alerts a day that somebody can look at."""

    per_day: int = Field(ge=1)
    source: Source


class Costs(Settings):
    """What a review and a wrongly stopped customer cost; without them cost is not assessed."""

    review: MoneyField
    friction: MoneyField
    source: Source


class TrainingSettings(Settings):
    """Everything that is chosen, not computed, about one model.

    Examples
    --------
    >>> TrainingSettings.model_fields["maturity"].is_required()
    True
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")
    product: Product
    features: FeatureSettings
    label_policy: str
    maturity: Maturity
    split: Literal["forward", "grouped", "stratified", "random_unverified"] = "forward"
    group: str | None = None
    windows: Windows | None = None
    shares: Shares | None = None
    embargo: Duration | None = None
    labels_known: Literal["at_test_start", "at_cut"] = "at_test_start"
    folds: Folds
    search: Search
    family: Literal["lightgbm"] = "lightgbm"
    max_bin: int = Field(default=255, ge=15, le=65_535)
    max_bin_of: dict[str, Annotated[int, Field(ge=15, le=65_535)]] = {}
    objective: Literal["average_precision", "auc"]
    calibration: Literal["auto", "platt", "isotonic"] = "auto"
    imbalance: Literal["none", "weights"] = "none"
    cutoffs: Cutoffs
    alert_budget: AlertBudget | None = None
    costs: Costs | None = None
    card: str | None = None
    protected: list[str] = []
    intake: IntakeSettings = IntakeSettings()
    seed: int = Field(ge=0, lt=2**31)
    threads: int = Field(default=2, ge=1)
    resamples: int = Field(default=500, ge=50, le=10_000)

    @property
    def policy(self) -> LabelPolicy:
        """The label policy by its version."""
        return LABEL_POLICIES[self.label_policy]

    @property
    def subject_kind(self) -> str:
        """Event kind that is scored."""
        return SUBJECT_KINDS[self.product]

    @property
    def gap(self) -> int:
        """The embargo, µs: as long as the maturity unless declared."""
        return self.maturity.after if self.embargo is None else self.embargo

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.features.product != self.product.value:
            raise ValueError(f"features.product: expected {self.product.value!r}, got {self.features.product!r}")
        policy = LABEL_POLICIES.get(self.label_policy)
        if policy is None or policy.subject_kind != self.subject_kind:
            fit = [name for name, known in LABEL_POLICIES.items() if known.subject_kind == self.subject_kind]
            raise ValueError(f"label_policy: expected one of {', '.join(fit)}, got {self.label_policy!r}")
        if self.split == "forward" and (self.windows is None or self.folds.valid is None):
            raise ValueError("split forward: expected windows and folds.valid")
        if self.split != "forward" and self.shares is None:
            raise ValueError(f"split {self.split}: expected shares (test, calibration)")
        if (self.split == "grouped") != (self.group is not None):
            raise ValueError(f"group: expected a key column exactly when split is grouped, got {self.group!r}")
        columns = KINDS[self.subject_kind]
        unknown = [name for name in self.protected if name not in columns and not name.startswith("x_")]
        if unknown:
            raise ValueError(f"protected: expected columns of {self.subject_kind}, got {unknown}")
        used = sorted(set(self.protected) & set(self.features.own or []))
        if used:
            raise ValueError(f"protected: {used} are kept for validation only; take them out of features.own")
        return self


def read_training_settings(path: Path, overrides: Path | None = None) -> TrainingSettings:
    """Read a training config; ``overrides`` is a second YAML file of which each top-level field replaces or,
    where both are mappings, is merged into the first's (``configs/quick.yaml`` shortens a run this way).

    Raises
    ------
    DefinitionError
        Naming the file, each wrong field, what was expected and what came.
    """
    if overrides is None:
        return load_settings(path, TrainingSettings)
    base, changes = read_yaml(path), read_yaml(overrides)
    for content, file in ((base, path), (changes, overrides)):
        if not isinstance(content, dict):
            raise DefinitionError(expected_got("a mapping of settings", type(content).__name__, str(file)))
    merged = {
        **base,
        **{
            name: {**base[name], **value} if isinstance(value, dict) and isinstance(base.get(name), dict) else value
            for name, value in changes.items()
        },
    }
    try:
        return TrainingSettings.model_validate(merged)
    except ValidationError as error:
        raise settings_error(f"{path} with {overrides}", error) from error


def settings_text(settings: Settings) -> str:
    """Canonical YAML of a settings object; reading it back gives the same object."""
    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=True, allow_unicode=True)
