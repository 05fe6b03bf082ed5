"""The decision: one contract for payments and loans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Product(StrEnum):
    """What is decided on."""

    PAYMENT = "payment"
    LOAN = "loan"


class RiskGrade(StrEnum):
    """The four grades of the handbooks, mildest first."""

    NORMAL = "normal"
    ATTENTION = "attention"
    WARNING = "warning"
    HIGH = "high"


GRADE_ZH = {
    RiskGrade.NORMAL: "正常",
    RiskGrade.ATTENTION: "关注",
    RiskGrade.WARNING: "警告",
    RiskGrade.HIGH: "高风险",
}


class Action(StrEnum):
    """What the flow is told to do, mildest first within each product."""

    APPROVE = "approve"
    STEP_UP = "step_up"
    REVIEW = "review"
    REFER = "refer"
    DECLINE = "decline"


ACTIONS = {
    Product.PAYMENT: (Action.APPROVE, Action.STEP_UP, Action.REVIEW, Action.DECLINE),
    Product.LOAN: (Action.APPROVE, Action.REFER, Action.DECLINE),
}

MAX_REASONS = 4


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason code with its text for a person, in both languages."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Versions:
    """Content addresses of everything that made a decision."""

    model: str
    features: str
    policy: str
    lists: str
    code: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, why, and by which versions.

    ``score`` is the calibrated probability, None when no model was used; ``degraded`` is None or
    says what was dropped and why; ``timings_us`` are stage times up to the commit and are the only
    part left out of the canonical body.
    """

    decision_id: str
    product: Product
    event_id: str
    decided_at: int
    risk_grade: RiskGrade
    action: Action
    score: float | None
    reasons: tuple[Reason, ...]
    rule_reasons: tuple[Reason, ...]
    versions: Versions
    degraded: str | None = None
    credit_grade: str | None = None
    pd_band: tuple[float, float] | None = None
    pd_horizon: str | None = None
    step_up_hint: str | None = None
    flags: tuple[str, ...] = ()
    timings_us: Mapping[str, int] = field(default_factory=dict)

    def canonical(self) -> dict[str, Any]:
        """The body that replay must reproduce bit for bit: everything but the timings.

        ``degraded`` is False or the text of what was dropped; loan fields are there for loans only.
        """
        body: dict[str, Any] = {
            "decision_id": self.decision_id,
            "product": self.product.value,
            "event_id": self.event_id,
            "decided_at": self.decided_at,
            "risk_grade": self.risk_grade.value,
            "risk_grade_zh": GRADE_ZH[self.risk_grade],
            "action": self.action.value,
            "score": self.score,
            "reasons": [_reason(reason) for reason in self.reasons],
            "rule_reasons": [_reason(reason) for reason in self.rule_reasons],
            "versions": {name: getattr(self.versions, name) for name in Versions.__slots__},
            "degraded": self.degraded if self.degraded is not None else False,
            "flags": list(self.flags),
        }
        if self.step_up_hint is not None:
            body["step_up_hint"] = self.step_up_hint
        if self.product is Product.LOAN:
            body["credit_grade"] = self.credit_grade
            body["pd_band"] = None if self.pd_band is None else list(self.pd_band)
            body["pd_horizon"] = self.pd_horizon
        return body


def _reason(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "zh": reason.zh, "en": reason.en}
