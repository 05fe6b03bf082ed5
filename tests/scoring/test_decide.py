from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decision import ACTIONS, GRADE_ZH, Action, Product, RiskGrade
from domain.errors import InputError, ModelError
from domain.events import Event
from features.online import Vector
from scoring.bundle import Bundle, load_bundle, write_bundle
from scoring.canonical import canonical_bytes
from scoring.decide import Decided, Degraded, Part, decide, vector_flags
from scoring.lists import Lists
from scoring.policy import Policy
from scoring.policy_settings import GRADES
from scoring.reasons import Selector
from tests.scoring.bundles import application, empty_lists, parts, payment, policy, requests
from tests.scoring.test_lists import entry
from tests.scoring.test_policy import listed, shipped

PAYMENT, LOAN = Product.PAYMENT, Product.LOAN
PRODUCTS = [PAYMENT, LOAN]
EVENTS = {PAYMENT: payment(), LOAN: application()}
LATE = Degraded(Part.REASONS, "deadline of 20 ms")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[Product, Bundle]:
    folder = tmp_path_factory.mktemp("bundles")
    made = {}
    for product in PRODUCTS:
        write_bundle(folder / product, parts(product))
        made[product] = load_bundle(folder / product, score_golden_in_child=False)
    return made


def rows(bundle: Bundle) -> np.ndarray:
    return bundle.encoder.matrix(requests(bundle.product))


def adverse_row(bundle: Bundle) -> np.ndarray:
    """A row with reasons to give."""
    scores = bundle.scorer.raw_many(rows(bundle))
    return rows(bundle)[int(np.argmax(scores))]


def judge(
    bundle: Bundle | None,
    product: Product,
    row: np.ndarray | None,
    made: Policy | None = None,
    event: Event | None = None,
    lists: Lists | None = None,
    **how: Any,
) -> Decided:
    made = made or policy(product, None if bundle is None else bundle.encoder.names)
    return decide(
        product, event or EVENTS[product], row, bundle, made, lists or empty_lists(),
        decision_id="d1", decided_at=1_790_000_000_500_000, code="0.1.0", **how,
    )  # fmt: skip


def graded(bundle: Bundle, row: np.ndarray, grade: RiskGrade, **changes: Any) -> Policy:
    """The shipped policy with cut-offs that put this very row into a grade."""
    score = bundle.calibrator.probability(bundle.scorer.raw(row))
    place = GRADES.index(grade)
    below = [score * (n + 1) / 5 for n in range(place)]
    above = [score + (1 - score) * (n + 1) / 5 for n in range(3 - place)]
    cuts = dict(zip(("attention", "warning", "high"), below + above, strict=True))
    return policy(bundle.product, bundle.encoder.names, {"cutoffs": cuts, **changes})


def with_floor(bundle: Bundle, floor: float) -> Bundle:
    """The bundle with another floor under its reasons."""
    book = bundle.reason_book.model_copy(update={"floor": floor})
    return replace(bundle, selector=Selector(book, bundle.reason_baseline, bundle.encoder.names))


def with_protected(bundle: Bundle, code: str) -> Bundle:
    """The bundle with one concept marked protected."""
    concepts = tuple(c.model_copy(update={"protected": c.code == code}) for c in bundle.reason_book.concepts)
    book = bundle.reason_book.model_copy(update={"concepts": concepts})
    return replace(bundle, selector=Selector(book, bundle.reason_baseline, bundle.encoder.names))


# ------------------------------------------------------------------------ grades and actions

TABLE = [
    (PAYMENT, RiskGrade.NORMAL, Action.APPROVE),
    (PAYMENT, RiskGrade.ATTENTION, Action.STEP_UP),
    (PAYMENT, RiskGrade.WARNING, Action.REVIEW),
    (PAYMENT, RiskGrade.HIGH, Action.DECLINE),
    (LOAN, RiskGrade.NORMAL, Action.APPROVE),
    (LOAN, RiskGrade.ATTENTION, Action.APPROVE),
    (LOAN, RiskGrade.WARNING, Action.REFER),
    (LOAN, RiskGrade.HIGH, Action.DECLINE),
]


@pytest.mark.parametrize(("product", "grade", "action"), TABLE)
def test_a_grade_becomes_its_action(
    bundles: dict[Product, Bundle], product: Product, grade: RiskGrade, action: Action
) -> None:
    bundle = bundles[product]
    row = adverse_row(bundle)
    decided = judge(bundle, product, row, graded(bundle, row, grade))
    decision = decided.decision
    assert (decision.risk_grade, decision.action) == (grade, action)
    assert decided.raw_score == bundle.scorer.raw(row)
    assert decision.score == bundle.calibrator.probability(bundle.scorer.raw(row))
    assert bool(decision.reasons) == (action is not Action.APPROVE)
    assert (decision.step_up_hint is not None) == (action is Action.STEP_UP)
    assert decision.degraded is None
    assert decision.rule_reasons == ()
    assert decision.versions.model == bundle.hash
    assert decision.versions.features == bundle.feature_set.hash


FLOORS = [
    # The model's grade, the outcome of the watch rule, what is done, and the grade then shown.
    (PAYMENT, "normal", "approve", "approve", "normal"),
    (PAYMENT, "normal", "step_up", "step_up", "attention"),
    (PAYMENT, "normal", "review", "review", "warning"),
    (PAYMENT, "normal", "decline", "decline", "high"),
    (PAYMENT, "attention", "approve", "step_up", "attention"),
    (PAYMENT, "attention", "review", "review", "warning"),
    (PAYMENT, "warning", "step_up", "review", "warning"),
    (PAYMENT, "high", "step_up", "decline", "high"),
    (LOAN, "normal", "refer", "refer", "warning"),
    (LOAN, "normal", "decline", "decline", "high"),
    (LOAN, "attention", "refer", "refer", "warning"),
    (LOAN, "warning", "decline", "decline", "high"),
    (LOAN, "high", "refer", "decline", "high"),
]


@pytest.mark.parametrize(("product", "grade", "outcome", "action", "shown"), FLOORS)
def test_the_more_severe_of_model_and_rule_wins(
    bundles: dict[Product, Bundle], product: Product, grade: str, outcome: str, action: str, shown: str
) -> None:
    bundle = bundles[product]
    row = adverse_row(bundle)
    rules = {**shipped(product)["rules"], "watched_entity": {"outcome": outcome}}
    made = graded(bundle, row, RiskGrade(grade), rules=rules)
    event = EVENTS[product]
    watched = {"payee_id": "w"} if product is PAYMENT else {"device_id": "w"}
    namespace = "account" if product is PAYMENT else "device"
    event = replace(event, body={**event.body, **watched})
    lists = listed(entry(list="watch", namespace=namespace, value="w"))
    decision = judge(bundle, product, row, made, event, lists).decision
    assert (decision.action, decision.risk_grade) == (action, shown)
    assert [reason.code for reason in decision.rule_reasons] == ([] if outcome == "approve" else ["R03"])


def test_the_allow_list_caps_the_model_and_says_so(bundles: dict[Product, Bundle]) -> None:
    bundle = bundles[PAYMENT]
    row = adverse_row(bundle)
    made = graded(bundle, row, RiskGrade.HIGH)
    event = payment(card_id="t1", merchant_id="m1")
    allowed = judge(bundle, PAYMENT, row, made, event, listed(entry(list="allow"))).decision
    assert (allowed.action, allowed.risk_grade, allowed.flags) == (Action.APPROVE, RiskGrade.HIGH, ("allow_listed",))
    both = listed(entry(list="allow"), entry(namespace="merchant", value="m1"))
    blocked = judge(bundle, PAYMENT, row, made, event, both).decision
    assert (blocked.action, blocked.flags) == (Action.DECLINE, ())
    assert [reason.code for reason in blocked.rule_reasons] == ["R01"]
    expired = judge(bundle, PAYMENT, row, made, event, listed(entry(list="allow", expires_at="2026-01-01T00:00:00Z")))
    assert expired.decision.action is Action.DECLINE


@given(place=st.integers(0, 599), other=st.integers(0, 599))
def test_a_higher_score_never_gets_a_milder_action(bundles: dict[Product, Bundle], place: int, other: int) -> None:
    bundle = bundles[PAYMENT]
    found = [judge(bundle, PAYMENT, rows(bundle)[n]) for n in (place, other)]
    low, high = sorted(found, key=lambda decided: decided.raw_score or 0.0)
    assert ACTIONS[PAYMENT].index(low.decision.action) <= ACTIONS[PAYMENT].index(high.decision.action)
    assert GRADES.index(low.decision.risk_grade) <= GRADES.index(high.decision.risk_grade)


# ------------------------------------------------------------------------------- degradation


@pytest.mark.parametrize("product", PRODUCTS)
def test_without_a_model_rules_and_stand_in_decide(product: Product) -> None:
    decision = judge(None, product, None).decision
    assert decision.action is (Action.APPROVE if product is PAYMENT else Action.REFER)
    assert decision.risk_grade is (RiskGrade.NORMAL if product is PAYMENT else RiskGrade.WARNING)
    assert decision.score is None
    assert decision.reasons == ()
    assert decision.degraded == "model dropped: no model is deployed"
    assert (decision.versions.model, decision.versions.features) == ("none", "none")
    assert decision.credit_grade is None
    event = replace(EVENTS[product], body={**EVENTS[product].body, "device_id": "d"})
    blocked = judge(None, product, None, event=event, lists=listed(entry(namespace="device", value="d"))).decision
    assert blocked.action is Action.DECLINE
    assert [reason.code for reason in blocked.rule_reasons] == ["R01"]


@pytest.mark.parametrize(
    ("amount", "action"), [(30_000, "approve"), (30_001, "step_up"), (500_001, "review"), (5_000_001, "review")]
)
def test_payments_fall_back_by_amount_and_are_never_declined_for_our_outage(
    bundles: dict[Product, Bundle], amount: int, action: str
) -> None:
    bundle = bundles[PAYMENT]
    outage = Degraded(Part.MODEL, "kill switch")
    decision = judge(bundle, PAYMENT, adverse_row(bundle), event=payment(amount=amount), degraded=outage).decision
    assert decision.action == action
    assert decision.degraded == "model dropped: kill switch"
    assert (decision.score, decision.reasons) == (None, ())
    assert decision.versions.model == bundle.hash


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("amount", [1, 50_000_000])
def test_what_no_rule_could_be_asked_about_is_put_before_a_person(
    bundles: dict[Product, Bundle], product: Product, amount: int
) -> None:
    bundle = bundles[product]
    event = payment(amount=amount) if product is PAYMENT else application(amount=amount)
    outage = Degraded(Part.RULES, "deadline of 20 ms")
    decision = judge(bundle, product, adverse_row(bundle), event=event, degraded=outage).decision
    assert decision.action == ("review" if product is PAYMENT else "refer")
    assert (decision.score, decision.reasons, decision.rule_reasons) == (None, (), ())
    assert decision.degraded == "rules dropped: deadline of 20 ms"


@pytest.mark.parametrize("product", PRODUCTS)
def test_features_that_were_not_read_are_told_even_where_nobody_says_so(
    bundles: dict[Product, Bundle], product: Product
) -> None:
    decision = judge(bundles[product], product, None).decision
    assert decision.degraded == "features dropped: features were not read"
    assert decision.score is None
    row = adverse_row(bundles[product])
    told = judge(bundles[product], product, row, degraded=Degraded(Part.FEATURES, "state is gone")).decision
    assert (told.degraded, told.score) == ("features dropped: state is gone", None)


def test_features_that_are_said_to_be_gone_are_not_asked_by_rules_either(bundles: dict[Product, Bundle]) -> None:
    bundle = bundles[PAYMENT]
    busy = {**shipped(PAYMENT)["rules"]["velocity_spike"], "recent": "amount", "usual": "amount", "times": 1.0}
    made = policy(PAYMENT, bundle.encoder.names, {"rules": {"velocity_spike": busy}})
    row = adverse_row(bundle)
    for part, spoken in ((Part.MODEL, ["R04"]), (Part.FEATURES, [])):
        decision = judge(bundle, PAYMENT, row, made, degraded=Degraded(part, "x")).decision
        assert [reason.code for reason in decision.rule_reasons] == spoken


@pytest.mark.parametrize(("product", "grade", "action"), TABLE)
def test_reasons_may_be_dropped_but_a_loan_is_never_declined_without_them(
    bundles: dict[Product, Bundle], product: Product, grade: RiskGrade, action: Action
) -> None:
    bundle = bundles[product]
    row = adverse_row(bundle)
    decision = judge(bundle, product, row, graded(bundle, row, grade), degraded=LATE).decision
    assert decision.reasons == ()
    if product is LOAN and action is Action.DECLINE:
        assert (decision.action, decision.flags) == (Action.REFER, ("referred_without_reasons",))
    else:
        assert (decision.action, decision.flags) == (action, ())
    # Nothing was dropped from an approval, which has no reasons to give.
    assert decision.degraded == (None if action is Action.APPROVE else str(LATE))
    assert decision.score is not None


def test_a_loan_that_the_model_cannot_explain_is_referred(bundles: dict[Product, Bundle]) -> None:
    bundle = with_floor(bundles[LOAN], 1e9)
    row = adverse_row(bundle)
    made = graded(bundle, row, RiskGrade.HIGH)
    decision = judge(bundle, LOAN, row, made).decision
    assert (decision.action, decision.reasons, decision.degraded) == (Action.REFER, (), None)
    assert decision.flags == ("referred_without_reasons",)
    # A rule that refers is no reason for the model's decline; a rule that declines is its own.
    heavy = judge(bundle, LOAN, row, made, event=application(debt_monthly=2_000_000)).decision
    assert (heavy.action, [reason.code for reason in heavy.rule_reasons]) == (Action.REFER, ["R10"])
    lists = listed(entry(namespace="person", value="b1"))
    blocked = judge(bundle, LOAN, row, made, lists=lists).decision
    assert (blocked.action, [reason.code for reason in blocked.rule_reasons]) == (Action.DECLINE, ["R01"])


@given(place=st.integers(0, 599), floor=st.floats(0, 3), late=st.booleans(), debt=st.integers(0, 2_000_000))
def test_no_loan_is_ever_declined_without_a_reason(
    bundles: dict[Product, Bundle], place: int, floor: float, late: bool, debt: int
) -> None:
    bundle = with_floor(bundles[LOAN], floor)
    event = application(debt_monthly=debt)
    decision = judge(bundle, LOAN, rows(bundle)[place], event=event, degraded=LATE if late else None).decision
    assert decision.action is not Action.DECLINE or decision.reasons
    assert decision.action in ACTIONS[LOAN]


# ------------------------------------------------------------------------------------ reasons


@pytest.mark.parametrize("product", PRODUCTS)
def test_reasons_for_all_that_is_not_approved_and_for_an_approval_when_asked(
    bundles: dict[Product, Bundle], product: Product
) -> None:
    bundle = bundles[product]
    row = adverse_row(bundle)
    made = graded(bundle, row, RiskGrade.NORMAL)
    assert judge(bundle, product, row, made).decision.reasons == ()
    asked = judge(bundle, product, row, made, want_reasons=True).decision
    assert asked.action is Action.APPROVE
    assert asked.reasons == bundle.selector.select(bundle.explainer.contributions(row), row)
    assert 1 <= len(asked.reasons) <= 4
    dropped = judge(bundle, product, row, made, want_reasons=True, degraded=LATE).decision
    assert (dropped.reasons, dropped.degraded) == ((), None)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_protected_top_reason_puts_a_person_before_the_decision(
    bundles: dict[Product, Bundle], product: Product
) -> None:
    row = adverse_row(bundles[product])
    plain = bundles[product].selector.select(bundles[product].explainer.contributions(row), row)
    top = with_protected(bundles[product], plain[0].code)
    person = Action.REVIEW if product is PAYMENT else Action.REFER
    decision = judge(top, product, row, graded(top, row, RiskGrade.HIGH)).decision
    assert (decision.action, decision.flags) == (person, ("protected_reason",))
    assert decision.reasons == plain, "it blocks the decision and is never suppressed"
    second = with_protected(bundles[product], plain[1].code)
    assert judge(second, product, row, graded(second, row, RiskGrade.HIGH)).decision.action is Action.DECLINE
    # A block is no decision of the model's.
    lists = listed(entry(namespace="device", value="d"))
    event = replace(EVENTS[product], body={**EVENTS[product].body, "device_id": "d"})
    blocked = judge(top, product, row, graded(top, row, RiskGrade.HIGH), event, lists).decision
    assert (blocked.action, blocked.flags) == (Action.DECLINE, ("protected_reason",))
    approved = judge(top, product, row, graded(top, row, RiskGrade.NORMAL), want_reasons=True).decision
    assert (approved.action, approved.flags) == (Action.APPROVE, ("protected_reason",))


# ------------------------------------------------------------------------------------ the body


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_canonical_body(bundles: dict[Product, Bundle], product: Product) -> None:
    bundle = bundles[product]
    row = adverse_row(bundle)
    made = graded(bundle, row, RiskGrade.HIGH)
    decision = judge(bundle, product, row, made, flags=("late", "features_stale")).decision
    raw = canonical_bytes(decision)
    body = json.loads(raw)
    assert list(body) == sorted(body)
    assert body["score"] == decision.score
    assert repr(decision.score).encode() in raw
    assert body["risk_grade_zh"] == GRADE_ZH[decision.risk_grade]
    assert body["flags"] == ["features_stale", "late"]
    assert body["versions"] == {"model": bundle.hash, "features": bundle.feature_set.hash, "policy": made.hash,
                                "lists": empty_lists().hash, "code": "0.1.0"}  # fmt: skip
    assert body["degraded"] is False
    assert "timings_us" not in body
    if product is LOAN:
        assert (body["credit_grade"], body["pd_band"], body["pd_horizon"]) == ("F", [0.32, 1.0], "12m")
    else:
        assert "credit_grade" not in body
    timed = replace(decision, timings_us={"score": 50})
    assert canonical_bytes(timed) == raw


def test_the_same_decision_twice_is_the_same_bytes(bundles: dict[Product, Bundle]) -> None:
    for product in PRODUCTS:
        for row in rows(bundles[product])[:60]:
            first, second = (canonical_bytes(judge(bundles[product], product, row).decision) for _ in range(2))
            assert first == second


def test_flags_are_the_callers_and_none_can_pass_as_ours(bundles: dict[Product, Bundle]) -> None:
    bundle = bundles[PAYMENT]
    row = rows(bundle)[0]
    flags = ("late", "allow_listed", "protected_reason", "referred_without_reasons", "late")
    assert judge(bundle, PAYMENT, row, flags=flags).decision.flags == ("late",)
    vector = Vector(row, (), truncated=True, stale=True)
    assert vector_flags(vector) == ("features_truncated", "features_stale")
    assert vector_flags(replace(vector, truncated=False, stale=False)) == ()


def test_stages_are_marked_in_their_order(bundles: dict[Product, Bundle]) -> None:
    for bundle, row in ((bundles[PAYMENT], rows(bundles[PAYMENT])[0]), (None, None)):
        marks: list[str] = []
        judge(bundle, PAYMENT, row, mark=marks.append)
        assert marks == ["rules", "score", "reasons", "policy"]


def test_what_was_dropped_reads_back() -> None:
    for part in Part:
        for cause in ("deadline of 20 ms", "error: disk: gone", "a\nb"):
            assert Degraded.parse(str(Degraded(part, cause))) == Degraded(part, cause)
    for text in ("", "model", "lists dropped: x", "model dropped: "):
        with pytest.raises(ModelError, match="degraded: expected"):
            Degraded.parse(text)


def test_what_does_not_belong_together_is_refused(bundles: dict[Product, Bundle]) -> None:
    bundle = bundles[PAYMENT]
    row = rows(bundle)[0]
    with pytest.raises(ModelError, match="policy for payment"):
        judge(bundle, PAYMENT, row, policy(LOAN, None))
    with pytest.raises(ModelError, match="policy compiled for its features"):
        judge(bundle, PAYMENT, row, policy(PAYMENT, None))
    with pytest.raises(ModelError, match="a payment bundle"):
        judge(bundles[LOAN], PAYMENT, row, policy(PAYMENT, bundles[LOAN].encoder.names))
    with pytest.raises(ModelError, match="a bundle with the row"):
        judge(None, PAYMENT, row)
    with pytest.raises(ModelError, match="row to score"):
        judge(bundle, PAYMENT, row[:-1])
    with pytest.raises(InputError, match="a currency out of"):
        judge(bundle, PAYMENT, row, event=payment(currency="XXX"))
