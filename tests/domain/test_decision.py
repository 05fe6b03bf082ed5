"""The canonical body of a decision: complete, stable, without timings."""

from __future__ import annotations

from dataclasses import fields, replace

from domain.decision import ACTIONS, GRADE_ZH, Action, Decision, Product, Reason, RiskGrade, Versions

DECISION = Decision(
    decision_id="d1",
    product=Product.LOAN,
    event_id="a1",
    decided_at=5,
    risk_grade=RiskGrade.WARNING,
    action=Action.REFER,
    score=0.25,
    reasons=(Reason("c01", "收入低", "low income"),),
    rule_reasons=(),
    versions=Versions("m", "f", "p", "l", "c"),
    credit_grade="B",
    pd_band=(0.02, 0.05),
    pd_horizon="12m",
    timings_us={"score": 40},
)


def test_timings_are_no_part_of_the_body() -> None:
    assert DECISION.canonical() == replace(DECISION, timings_us={"score": 99}).canonical()


def test_every_other_field_is() -> None:
    changed = {
        "decision_id": "d2", "event_id": "a2", "decided_at": 6, "risk_grade": RiskGrade.HIGH,
        "action": Action.DECLINE, "score": 0.5, "reasons": (), "rule_reasons": (Reason("r1", "规则", "rule"),),
        "versions": Versions("m2", "f", "p", "l", "c"), "degraded": "no reasons: deadline", "credit_grade": "C",
        "pd_band": None, "pd_horizon": "6m", "step_up_hint": "otp", "flags": ("stale",), "product": Product.PAYMENT,
    }  # fmt: skip
    assert set(changed) == {field.name for field in fields(Decision)} - {"timings_us"}
    for name, value in changed.items():
        assert replace(DECISION, **{name: value}).canonical() != DECISION.canonical(), name  # type: ignore[arg-type]


def test_credit_fields_are_for_loans_only() -> None:
    payment = replace(DECISION, product=Product.PAYMENT).canonical()
    assert not {"credit_grade", "pd_band", "pd_horizon"} & set(payment)
    assert payment["degraded"] is False


def test_grades_have_chinese_names_and_products_their_actions() -> None:
    assert set(GRADE_ZH) == set(RiskGrade)
    assert Action.DECLINE in ACTIONS[Product.PAYMENT]
    assert Action.STEP_UP not in ACTIONS[Product.LOAN]
    assert set().union(*ACTIONS.values()) == set(Action)
