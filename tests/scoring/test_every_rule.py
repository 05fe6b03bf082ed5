"""The exam that every rule gets by being defined."""

from __future__ import annotations

import re

import pytest

from domain.decision import ACTIONS, Product
from domain.events import check_event
from scoring.policy_settings import PolicySettings
from scoring.rules import RULES, Example, Rule
from stores.settings_files import load_settings
from tests.scoring.bundles import CONFIGS, application, payment

every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def values(rule: Rule, example: Example) -> tuple[float, ...]:
    return tuple(float(example.features[name]) for name in rule.features())


@every_rule
def test_it_hits_its_example_and_not_the_near_one(rule: type[Rule]) -> None:
    made, hit, near = rule.examples()
    assert made.hits(hit.facts, values(made, hit)) is True
    assert made.hits(near.facts, values(made, near)) is False


@every_rule
def test_it_is_pure(rule: type[Rule]) -> None:
    made, hit, near = rule.examples()
    said = [made.hits(example.facts, values(made, example)) for example in (hit, near, hit, near)]
    assert said == [True, False, True, False]
    assert check_event(hit.facts.event) is hit.facts.event


@every_rule
def test_missing_features_and_a_bare_request_never_break_it(rule: type[Rule]) -> None:
    made, *_ = rule.examples()
    missing = tuple(float("nan") for _ in made.features())
    for event in (payment(), application()):
        for facts in (made.examples()[1].facts, type(made.examples()[1].facts)(event, 0)):
            assert made.hits(facts, missing) in (True, False)


@every_rule
def test_it_has_a_code_a_docstring_and_a_product(rule: type[Rule]) -> None:
    assert re.fullmatch(r"R\d\d", rule.code)
    assert rule.__doc__
    assert rule.__doc__.strip()
    assert rule.products
    assert RULES[rule.name] is rule


def test_codes_are_distinct() -> None:
    assert len({rule.code for rule in RULES.values()}) == len(RULES)


@every_rule
def test_it_says_either_a_floor_or_a_ceiling_of_its_product(rule: type[Rule]) -> None:
    hit = rule.examples()[0].hit()
    assert hit.code == rule.code
    assert (hit.floor is None) != (hit.ceiling is None)
    assert (hit.floor or hit.ceiling) in {action for product in rule.products for action in ACTIONS[product]}


@every_rule
def test_the_shipped_policies_say_what_to_do_with_it(rule: type[Rule]) -> None:
    files = {Product.PAYMENT: "payments.yaml", Product.LOAN: "loans.yaml"}
    for product in rule.products:
        assert rule.name in load_settings(CONFIGS / "policy" / files[product], PolicySettings).rules


def test_affordability_counts_debt_once_and_ignores_a_negative_one() -> None:
    rule = RULES["affordability_cap"].model_validate({"outcome": "refer", "max_share": 0.5, "rate_annual": 0.0})
    facts = type(rule.examples()[1].facts)
    # 100,000 a month of an income of 300,000; the cap is 150,000.
    base = {"amount": 1_200_000, "term_months": 12, "income_monthly": 300_000}
    assert rule.hits(facts(application(**base, debt_monthly=50_001), 1), ()) is True
    assert rule.hits(facts(application(**base, debt_monthly=50_000), 1), ()) is False
    assert rule.hits(facts(application(**{**base, "income_monthly": 199_999, "debt_monthly": -(10**9)}), 1), ()) is True
    silent = application(**{**base, "debt_monthly": 10**9, "income_monthly": 0})
    assert rule.hits(facts(silent, 1), ()) is False


def test_velocity_needs_both_a_count_and_a_pace() -> None:
    rule = RULES["velocity_spike"].examples()[0]
    facts = RULES["velocity_spike"].examples()[1].facts
    assert rule.hits(facts, (8.0, 8.0)) is True
    # 8 in the hour of someone with 288 a month is twenty times the pace exactly; one more a month and it is not.
    assert rule.hits(facts, (8.0, 288.0)) is True
    assert rule.hits(facts, (8.0, 289.0)) is False
    assert rule.hits(facts, (float("nan"), 1.0)) is False
    assert rule.hits(facts, (8.0, float("nan"))) is False


def test_travel_must_be_both_fast_and_far() -> None:
    rule, hit, _ = RULES["impossible_travel"].examples()
    # At 900 km/h and 100 km; neither alone is enough, and a missing place says nothing.
    assert rule.hits(hit.facts, (900.0, 100.0)) is True
    assert rule.hits(hit.facts, (899.9, 9000.0)) is False
    assert rule.hits(hit.facts, (9000.0, 99.9)) is False
    assert rule.hits(hit.facts, (float("nan"), 500.0)) is False


def test_an_identity_differs_by_person_or_by_the_check_that_was_told() -> None:
    rule = RULES["identity_mismatch"].model_validate({"outcome": "refer"})
    facts = type(RULES["identity_mismatch"].examples()[1].facts)
    assert rule.hits(facts(application(customer_id="b1"), 1), ()) is False
    assert rule.hits(facts(application(customer_id="c2"), 1), ()) is True
    assert rule.hits(facts(application(), 1), ()) is False
    assert rule.hits(facts(payment(x_identity_match=0.4), 1), ()) is True
    assert rule.hits(facts(payment(x_identity_match="passed"), 1), ()) is False
    with pytest.raises(ValueError, match="extension column"):
        RULES["identity_mismatch"].model_validate({"outcome": "refer", "checked": "amount"})


def test_a_change_long_past_or_a_small_amount_is_no_takeover() -> None:
    rule, hit, _ = RULES["changed_then_paid"].examples()
    facts = type(hit.facts)
    assert rule.hits(facts(payment(), 50_000), (1.0,)) is False
    assert rule.hits(facts(payment(), 50_001), (1.0,)) is True
    assert rule.hits(facts(payment(), 50_001), (float("nan"),)) is False
