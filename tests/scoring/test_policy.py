from __future__ import annotations

import hashlib
import json
import math
from itertools import product as pairs
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from domain.decision import ACTIONS, Action, Product, RiskGrade
from domain.errors import DefinitionError, InputError, ModelError
from features.catalogue import load as load_features
from features.settings import FeatureSettings
from scoring.lists import ListName, Lists, ListSettings
from scoring.policy import POLICY_FILES, Policy, load_policy
from scoring.policy_settings import GRADES, PolicySettings
from tests.scoring.bundles import CONFIGS, CUTOFFS, application, book, empty_lists, payment, platform, policy
from tests.scoring.test_lists import entry

PAYMENT, LOAN = Product.PAYMENT, Product.LOAN
PRODUCTS = [PAYMENT, LOAN]
COUNTS = ("customer_count_1h", "customer_count_30d")
PASSED = ("customer_passed_mfa_count_90d", "customer_passed_biometric_count_90d")
SEEN = ("customer_device_id_since_last_same", "customer_payee_id_since_last_same")

READERS = (
    "velocity_spike", "new_device_new_payee", "impossible_travel", "failed_authentications", "changed_then_paid",
    "many_payees", "shared_device",
)  # fmt: skip
"""Rules of the shipped policy that read features, by code."""


def shipped(product: Product) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CONFIGS / "policy" / POLICY_FILES[product]).read_text())
    return content


def scale(horizon: str, **bounds: float) -> dict[str, Any]:
    return {"horizon": horizon, "grades": [{"grade": grade, "upto": upto} for grade, upto in bounds.items()]}


def listed(*entries: dict[str, Any]) -> Lists:
    return Lists(ListSettings.model_validate({"version": "1", "entries": list(entries)}))


# ---------------------------------------------------------------------------------- loading


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_shipped_policy_fits_the_shipped_features(product: Product) -> None:
    names = load_features(FeatureSettings(product=product.value), platform()).names
    made = load_policy(CONFIGS / "policy" / POLICY_FILES[product], book(product), platform(), names)
    assert made.resting == ()
    assert made.product is product


def test_rules_rest_where_the_model_lacks_their_features_and_they_are_optional() -> None:
    assert policy(PAYMENT, ("amount",)).resting == READERS
    assert policy(PAYMENT, None).resting == READERS
    assert policy(PAYMENT, COUNTS).resting == READERS[1:]


def test_a_rule_that_is_not_optional_needs_its_features() -> None:
    rules = shipped(PAYMENT)["rules"]
    strict = {"rules": {**rules, "velocity_spike": {**rules["velocity_spike"], "optional": False}}}
    with pytest.raises(DefinitionError, match=r"of rule velocity_spike .*'customer_count_1h'.*train with them"):
        policy(PAYMENT, ("amount",), strict)
    assert "velocity_spike" not in policy(PAYMENT, COUNTS, strict).resting
    # Without a model there is nothing to train with: the rule rests.
    assert "velocity_spike" in policy(PAYMENT, None, strict).resting


def test_a_rule_that_is_off_is_neither_asked_nor_needs_features() -> None:
    rules = shipped(PAYMENT)["rules"]
    off = {"rules": {**rules, "velocity_spike": {**rules["velocity_spike"], "enabled": False, "optional": False}}}
    made = policy(PAYMENT, ("amount",), off)
    assert made.resting == READERS[1:]


def test_words_are_needed_for_every_rule() -> None:
    bare = book(PAYMENT).model_copy(update={"rules": book(PAYMENT).rules[1:]})
    settings = PolicySettings.model_validate(shipped(PAYMENT))
    with pytest.raises(DefinitionError, match="a rule reason out of R02"):
        Policy.of(settings, bare, platform(), None)
    with pytest.raises(DefinitionError, match="expected reasons for payment"):
        Policy.of(settings, book(LOAN), platform(), None)


def test_amounts_are_in_the_base_currency() -> None:
    rules = shipped(PAYMENT)["rules"]
    with pytest.raises(DefinitionError, match=r"base currency CNY, got \['9.00 USD'\]"):
        policy(PAYMENT, None, {"rules": {**rules, "amount_cap": {"outcome": "review", "above": "9.00 USD"}}})
    with pytest.raises(DefinitionError, match=r"base currency CNY, got \['9.00 USD'\]"):
        policy(PAYMENT, None, {"stand_in": [{"upto": "9.00 USD", "action": "approve"}, {"action": "review"}]})


@pytest.mark.parametrize(
    ("product", "changes", "message"),
    [
        (PAYMENT, {"cutoffs": "from model"}, "from bundle"),
        (PAYMENT, {"cutoffs": {"attention": 0.2, "warning": 0.2, "high": 0.4}}, "attention < warning < high"),
        (PAYMENT, {"cutoffs": {"attention": 0.2, "warning": 0.3, "high": 1.4}}, "less than 1"),
        (PAYMENT, {"actions": {"normal": "approve"}}, "an action for each grade"),
        (PAYMENT, {"actions": dict(zip(GRADES, ["step_up", "approve", "review", "decline"], strict=True))}, "milder"),
        (PAYMENT, {"actions": dict(zip(GRADES, ["approve", "refer", "refer", "decline"], strict=True))}, "got refer"),
        (LOAN, {"actions": dict(zip(GRADES, ["approve", "step_up", "refer", "decline"], strict=True))}, "got step_up"),
        (PAYMENT, {"rules": {"no_such_rule": {}}}, "rules out of .*blocked_entity"),
        (PAYMENT, {"rules": {"missing_income": {"outcome": "review"}}}, "rules for a payment, got missing_income"),
        (LOAN, {"rules": {"allow_listed": {"ceiling": "approve"}}}, "rules for a loan, got allow_listed"),
        (LOAN, {"rules": {"missing_income": {"outcome": "review"}}}, "got review"),
        (PAYMENT, {"rules": {"amount_cap": {"outcome": "review"}}}, "above"),
        (PAYMENT, {"rules": {"amount_cap": {"outcome": "review", "above": "lots"}}}, "120.00 CNY"),
        (PAYMENT, {"rules": {"watched_entity": {"outcome": "review", "more": 1}}}, "more"),
        (PAYMENT, {"rules": []}, "dict"),
        (PAYMENT, {"stand_in": []}, "at least 1"),
        (PAYMENT, {"stand_in": [{"action": "decline"}]}, "declines nobody for our outage"),
        (PAYMENT, {"stand_in": [{"upto": "1.00 CNY", "action": "approve"}]}, "last tier without one"),
        (PAYMENT, {"stand_in": [{"action": "approve"}, {"action": "review"}]}, "rising `upto`"),
        (PAYMENT, {"stand_in": [{"upto": "1.00 CNY", "action": "review"}, {"action": "approve"}]}, "milder"),
        (LOAN, {"stand_in": [{"action": "approve"}]}, "loans to be referred"),
        (PAYMENT, {"step_up": {"none": "otp"}}, "a step-up for each"),
        (PAYMENT, {"step_up": {**shipped(PAYMENT)["step_up"], "otp": "fax"}}, "mfa"),
        (PAYMENT, {"master_scale": shipped(LOAN)["master_scale"]}, "no master_scale"),
        (LOAN, {"master_scale": None}, "expected a master_scale"),
        (PAYMENT, {"step_up": {**shipped(PAYMENT)["step_up"], "otp": []}}, "one method or more"),
        (PAYMENT, {"held": {"everybody": ["fax"]}}, "biometric"),
        (LOAN, {"step_up": {"none": "otp"}}, "no step_up"),
        (LOAN, {"held": {"everybody": ["otp"]}}, "no held"),
        (LOAN, {"master_scale": scale("12m", A=0.5, B=0.9)}, "end at 1.0"),
        (LOAN, {"master_scale": scale("12m", A=0.5, B=0.4, C=1.0)}, "end at 1.0"),
        (LOAN, {"master_scale": scale("12m", A=1.0)}, "at least 2"),
        (LOAN, {"master_scale": scale("1y", A=0.5, B=1.0)}, "horizon"),
        (PAYMENT, {"version": ""}, "version"),
        (PAYMENT, {"surprise": 1}, "surprise"),
    ],
)  # fmt: skip
def test_settings_that_do_not_hold_together_are_named(
    tmp_path: Path, product: Product, changes: dict[str, Any], message: str
) -> None:
    content = {**shipped(product), **changes}
    plain = yaml.safe_dump({**content, "actions": {str(k): str(v) for k, v in content["actions"].items()}})
    (tmp_path / "policy.yaml").write_text(plain)
    with pytest.raises(DefinitionError, match=rf"policy\.yaml: \d setting(?s:.*){message}"):
        load_policy(tmp_path / "policy.yaml", book(product), platform(), None)


# ---------------------------------------------------------------------------------- content


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_hash_is_that_of_the_content_and_content_reads_back(product: Product) -> None:
    made = policy(product, COUNTS)
    again = Policy.from_content(made.content, COUNTS)
    assert (again.hash, again.content, again.settings) == (made.hash, made.content, made.settings)
    assert made.bound(SEEN).hash == made.hash
    # Cited bytes stay as they were, however a later version would write them.
    spaced = json.dumps(json.loads(made.content), indent=2).encode()
    assert Policy.from_content(spaced, COUNTS).hash == hashlib.sha256(spaced).hexdigest() != made.hash
    assert made.bound(None).names is None


def test_any_change_of_meaning_changes_the_hash() -> None:
    first = policy(LOAN, None).hash
    assert policy(LOAN, None, {"version": "2"}).hash != first
    other_words = book(LOAN).rules[0].model_copy(update={"en": "Something else"})
    reworded = book(LOAN).model_copy(update={"rules": (other_words, *book(LOAN).rules[1:])})
    settings = PolicySettings.model_validate(shipped(LOAN))
    assert Policy.of(settings, reworded, platform(), None).hash != first
    dearer = platform().model_copy(update={"fx": {"USD": {"2018-01-01": "7.00"}}})
    assert Policy.of(settings, book(LOAN), dearer, None).hash != first
    assert Policy.of(settings, book(LOAN), platform(), None).hash == first


def test_what_is_no_policy_is_refused() -> None:
    for content in (b"{", b"{}", b"[]"):
        with pytest.raises(ModelError, match="content a decision cites"):
            Policy.from_content(content, None)


# ----------------------------------------------------------------------------------- judging


def test_a_cut_off_belongs_to_the_grade_above_it() -> None:
    made = policy(PAYMENT, None)
    for name, cut in CUTOFFS.items():
        at, below = made.grade(cut, CUTOFFS), made.grade(math.nextafter(cut, 0), CUTOFFS)
        assert at is RiskGrade(name)
        assert GRADES.index(below) == GRADES.index(at) - 1
    assert made.grade(0.0, CUTOFFS) is RiskGrade.NORMAL
    assert made.grade(1.0, CUTOFFS) is RiskGrade.HIGH
    own = policy(PAYMENT, None, {"cutoffs": {"attention": 0.01, "warning": 0.02, "high": 0.03}})
    assert own.grade(0.025, CUTOFFS) is RiskGrade.WARNING
    with pytest.raises(ModelError, match="cut-offs attention, warning, high"):
        made.grade(0.5, {"attention": 0.1})


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from(ACTIONS[PAYMENT]),
    st.sampled_from([None, *ACTIONS[PAYMENT]]),
)
def test_a_higher_score_is_never_treated_more_mildly(a: float, b: float, floor: Action, ceiling: Action | None) -> None:
    made = policy(PAYMENT, None)
    low, high = sorted((a, b))
    order = ACTIONS[PAYMENT].index

    def action(score: float) -> Action:
        return made.severer(made.capped(made.model_action(made.grade(score, CUTOFFS)), ceiling), floor)

    assert order(action(low)) <= order(action(high))
    assert order(action(low)) >= order(floor)
    assert GRADES.index(made.grade(low, CUTOFFS)) <= GRADES.index(made.grade(high, CUTOFFS))


@given(st.integers(0, 2**53), st.integers(0, 2**53))
def test_a_stand_in_never_declines_and_is_never_milder_for_more_money(a: int, b: int) -> None:
    made = policy(PAYMENT, None)
    small, large = (made.stand_in(amount) for amount in sorted((a, b)))
    assert ACTIONS[PAYMENT].index(small) <= ACTIONS[PAYMENT].index(large) < ACTIONS[PAYMENT].index(Action.DECLINE)
    assert policy(LOAN, None).stand_in(a) is Action.REFER


def test_stand_in_tiers_include_their_limit() -> None:
    made = policy(PAYMENT, None)
    expected = [(0, Action.APPROVE), (30_000, Action.APPROVE), (30_001, Action.STEP_UP), (500_000, Action.STEP_UP),
                (500_001, Action.REVIEW)]  # fmt: skip
    assert [(amount, made.stand_in(amount)) for amount, _ in expected] == expected


def test_amounts_are_converted_at_the_rate_known_then() -> None:
    made = policy(PAYMENT, None)
    assert made.amount_base(payment(amount=10_000, currency="CNY")) == 10_000
    assert made.amount_base(payment(amount=10_000, currency="USD")) == 70_500
    with pytest.raises(InputError, match=r"transaction.currency: expected a currency out of CNY, USD.* got 'XXX'"):
        made.amount_base(payment(currency="XXX"))


def test_master_scale_bands_cover_every_probability() -> None:
    made = policy(LOAN, None)
    scale = shipped(LOAN)["master_scale"]["grades"]
    low = 0.0
    for band in scale:
        placed = (band["grade"], (low, band["upto"]), "12m")
        assert made.credit_grade(low) == placed
        assert made.credit_grade(math.nextafter(band["upto"], 0)) == placed
        low = band["upto"]
    assert made.credit_grade(1.0) == ("F", (0.32, 1.0), "12m")
    assert policy(PAYMENT, None).credit_grade(0.5) is None


def test_a_step_up_asks_for_another_factor() -> None:
    made = policy(PAYMENT, None)
    biometric = {"fingerprint", "face", "iris", "voice"}
    for method in made.settings.step_up:
        for held in ([0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [math.nan, math.nan]):
            hint = policy(PAYMENT, PASSED).step_up_hint(payment(auth_method=method), np.array(held))
            assert hint != method
            assert not (hint == "biometric" and method in biometric)
    event = payment()
    assert made.step_up_hint(type(event)(event.kind, "e", 0, 0, {"amount": 1, "currency": "CNY"}), None) == "otp"


@pytest.mark.parametrize(
    ("used", "mfa", "biometric", "asked"),
    [
        # Everybody has a phone; who used it already is asked for what they have passed before.
        ("password", 0, 0, "otp"),
        ("otp", 0, 3, "biometric"),
        ("otp", 2, 0, "mfa"),
        ("otp", 2, 3, "biometric"),
        ("voice", 0, 0, "otp"),
        ("voice", 1, 0, "mfa"),
        # Nothing else is known of them: the best is asked for, and enrolled where it is not there.
        ("otp", 0, 0, "biometric"),
        ("otp", math.nan, math.nan, "biometric"),
    ],
)
def test_a_step_up_asks_for_what_the_customer_has(used: str, mfa: float, biometric: float, asked: str) -> None:
    made = policy(PAYMENT, PASSED)
    assert made.step_up_hint(payment(auth_method=used), np.array([mfa, biometric])) == asked


def test_without_features_a_step_up_asks_for_what_everybody_has() -> None:
    assert policy(PAYMENT, PASSED).step_up_hint(payment(auth_method="voice"), None) == "otp"
    # A model without the features knows as little.
    assert policy(PAYMENT, ("amount",)).step_up_hint(payment(auth_method="voice"), np.array([5.0])) == "otp"
    # A policy from before there was `held`, and one method where there are lists now, read as they were meant.
    old = {name: asked[0] for name, asked in shipped(PAYMENT)["step_up"].items()}
    assert policy(PAYMENT, PASSED, {"step_up": old, "held": None}).step_up_hint(payment(auth_method="otp"), None) == (
        "biometric"
    )


# ------------------------------------------------------------------------------------- rules


def judge(made: Policy, event: Any, row: dict[str, float] | None = None, lists: Lists | None = None) -> Any:
    values = None if row is None else np.array([row.get(name, math.nan) for name in made.names or ()])
    return made.rule(event, made.amount_base(event), values, lists or empty_lists(), at=0)


def test_no_rule_speaks_on_an_ordinary_payment() -> None:
    ruling = judge(policy(PAYMENT, (*COUNTS, *SEEN)), payment(), dict(zip(COUNTS, (1, 30), strict=True)))
    assert (ruling.floor, ruling.ceiling, ruling.reasons) == (Action.APPROVE, None, ())


def test_the_severest_rule_wins_and_all_that_spoke_are_told() -> None:
    made = policy(PAYMENT, (*COUNTS, *SEEN))
    event = payment(amount=6_000_000, card_id="t1", device_id="d1", payee_id="p9")
    ruling = judge(made, event, dict(zip(COUNTS, (9, 9), strict=True)))
    assert ruling.floor is Action.REVIEW
    assert [reason.code for reason in ruling.reasons] == ["R05", "R04", "R06"]
    ruling = judge(made, event, dict(zip(COUNTS, (9, 9), strict=True)), listed(entry(), entry(list="watch")))
    assert ruling.floor is Action.DECLINE
    assert [reason.code for reason in ruling.reasons] == ["R01", "R03", "R05", "R04"]


def test_rules_on_features_are_silent_when_none_were_read() -> None:
    made = policy(PAYMENT, (*COUNTS, *SEEN))
    event = payment(amount=900_000, device_id="d1", payee_id="p9")
    assert [reason.code for reason in judge(made, event, {}).reasons] == ["R06"]
    assert judge(made, event, None).reasons == ()


def test_the_allow_list_caps_the_model_but_no_rule_and_never_a_block() -> None:
    made = policy(PAYMENT, None)
    event = payment(card_id="t1", merchant_id="m1", amount=6_000_000)
    allowed = judge(made, event, None, listed(entry(list="allow")))
    assert (allowed.floor, allowed.ceiling) == (Action.REVIEW, Action.APPROVE)
    assert [reason.code for reason in allowed.reasons] == ["R05"]
    blocked = judge(made, event, None, listed(entry(list="allow"), entry(namespace="merchant", value="m1")))
    assert (blocked.floor, blocked.ceiling) == (Action.DECLINE, None)
    assert ListName.BLOCK in listed(entry()).hits(event, 0)


def test_the_order_of_rules_in_the_file_changes_nothing() -> None:
    rules = shipped(PAYMENT)["rules"]
    turned = policy(PAYMENT, COUNTS, {"rules": dict(reversed(rules.items()))})
    event = payment(amount=6_000_000, card_id="t1")
    # Watched and too large are both for review: among equals the code decides.
    for counts, lists in pairs(((9, 9), (0, 0)), (listed(entry()), listed(entry(list="watch")), empty_lists())):
        row = dict(zip(COUNTS, counts, strict=True))
        assert judge(turned, event, row, lists) == judge(policy(PAYMENT, COUNTS), event, row, lists)
    assert turned.hash == policy(PAYMENT, COUNTS).hash


def test_loan_rules() -> None:
    made = policy(LOAN, None)
    assert judge(made, application()).floor is Action.APPROVE
    assert [r.code for r in judge(made, application(debt_monthly=1_000_000)).reasons] == ["R10"]
    event = application()
    body = {name: value for name, value in event.body.items() if name != "income_monthly"}
    bare = type(event)(event.kind, event.event_id, event.event_time, event.known_at, body)
    assert (judge(made, bare).floor, [r.code for r in judge(made, bare).reasons]) == (Action.REFER, ["R11"])
