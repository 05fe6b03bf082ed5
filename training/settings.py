"""Settings of training (``configs/fraud.yaml``, ``configs/credit.yaml``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from domain.decision import Product
from domain.errors import DefinitionError, expected_got
from domain.events import KINDS
from domain.labels import LABEL_POLICIES, LabelPolicy
from domain.settings import Settings
from domain.time import Duration
from features.settings import FeatureSettings
from scoring.pricing_settings import Pricing
from stores.settings_files import load_settings, read_yaml, settings_error
from training.dataset_settings import DropRule, RejectInference, Undersampling
from training.dataset_settings import Maturity as Maturity
from training.families.settings import Challengers, Constraints
from training.fields import Instant as Instant
from training.fields import Source as Source
from training.intake.settings import IntakeSettings
from training.money_settings import AlertBudget as AlertBudget
from training.money_settings import Costs as Costs
from training.money_settings import Cutoffs as Cutoffs
from training.money_settings import ScaleSettings
from training.search_settings import Search as Search

SUBJECT_KINDS = {Product.PAYMENT: "transaction", Product.LOAN: "application"}
"""What each product decides on."""


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
    """Folds of the search, all before calibration.

    ``expanding`` folds learn from all that came before; ``sliding`` ones from the last ``train`` of it, as a model
    does that forgets (give ``windows.train`` too, where the final model is to forget as well).
    """

    n: int = Field(ge=1, le=20)
    valid: Duration | None = None
    window: Literal["expanding", "sliding"] = "expanding"
    train: Duration | None = None

    @model_validator(mode="after")
    def _slides_by_a_length(self) -> Self:
        if (self.window == "sliding") != (self.train is not None):
            raise ValueError(f"expected a length in train exactly when window is sliding, got {self.window}")
        return self


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
    drop: list[DropRule] = []
    search: Search
    family: Literal["lightgbm", "logistic", "tree", "forest", "svm", "scorecard", "isolation_forest"] = "lightgbm"
    constraints: Constraints = Constraints()
    challengers: Challengers = Challengers()
    loss: Literal["binary", "cross_entropy"] = "binary"
    fits: int = Field(default=1, ge=1, le=25)
    max_bin: int = Field(default=255, ge=15, le=65_535)
    max_bin_of: dict[str, Annotated[int, Field(ge=15, le=65_535)]] = {}
    objective: Literal["average_precision", "auc"]
    calibration: Literal["auto", "platt", "isotonic", "beta"] = "auto"
    imbalance: Literal["none", "weights"] | Undersampling = "none"
    cutoffs: Cutoffs
    alert_budget: AlertBudget | None = None
    costs: Costs | None = None
    master_scale: ScaleSettings | None = None
    pricing: Pricing | None = None
    card: str | None = None
    protected: list[str] = []
    reject_inference: RejectInference | None = None
    propensity: str | None = Field(default=None, pattern=r"^x_[a-z][a-z0-9_]*$")
    intake: IntakeSettings = IntakeSettings()
    seed: int = Field(ge=0, lt=2**31)
    threads: int = Field(default=2, ge=1)
    resamples: int = Field(default=500, ge=50, le=10_000)
    report: Literal["full", "light", "none"] = "full"

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
        strange = sorted(set(self.maturity.by_code) - set(policy.verdicts))
        if strange:
            raise ValueError(f"maturity: expected outcome codes of {policy.version}, got {strange}")
        if self.split == "forward" and (self.windows is None or self.folds.valid is None):
            raise ValueError("split forward: expected windows and folds.valid")
        if self.split != "forward" and self.shares is None:
            raise ValueError(f"split {self.split}: expected shares (test, calibration)")
        if (self.split == "grouped") != (self.group is not None):
            raise ValueError(f"group: expected a key column exactly when split is grouped, got {self.group!r}")
        if self.split != "forward" and any(rule.known_positive for rule in self.drop):
            raise ValueError(f"drop: known_positive needs parts that begin at a time, got split {self.split}")
        if self.split != "forward" and self.folds.window == "sliding":
            raise ValueError(f"folds.window: sliding needs time, got split {self.split}")
        self._check_cutoffs()
        self._check_loans()
        columns = KINDS[self.subject_kind]
        unknown = [name for name in self.protected if name not in columns and not name.startswith("x_")]
        if unknown:
            raise ValueError(f"protected: expected columns of {self.subject_kind}, got {unknown}")
        used = sorted(set(self.protected) & set(self.features.own or []))
        if used:
            raise ValueError(f"protected: {used} are kept for validation only; take them out of features.own")
        if self.reject_inference is not None and self.product is not Product.LOAN:
            raise ValueError("reject_inference: only loan applications are refused; take it out")
        if self.propensity in (self.features.own or []):
            raise ValueError(f"propensity: {self.propensity} tells the old policy; take it out of features.own")
        return self

    def _check_loans(self) -> None:
        given = [name for name in ("master_scale", "pricing") if getattr(self, name) is not None]
        if given and self.product is not Product.LOAN:
            raise ValueError(f"{' and '.join(given)}: expected product loan, got {self.product.value}")
        if self.master_scale and self.pricing and self.master_scale.horizon_months != self.pricing.horizon_months:
            raise ValueError(
                f"pricing.horizon_months: expected that of the master scale, {self.master_scale.horizon_months}, "
                f"got {self.pricing.horizon_months}"
            )

    def _check_cutoffs(self) -> None:
        if self.cutoffs.by != "cost":
            return
        if self.product is not Product.PAYMENT:
            raise ValueError("cutoffs.by cost: expected payments, whose amounts are at stake; use share or probability")
        lacking = {"costs.actions": self.costs and self.costs.actions, "alert_budget": self.alert_budget}
        missing = [name for name, given in lacking.items() if not given]
        if missing:
            raise ValueError(
                f"cutoffs.by cost: expected {' and '.join(missing)} with their sources, got none; "
                "give them, or use by: share"
            )


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
