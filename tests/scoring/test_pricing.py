"""Expected loss, price and limit against plain sums, a month-by-month schedule and the policy's own rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.decision import Action
from domain.errors import InputError
from domain.events import Event
from domain.money import Money
from scoring.pricing import balance_years, expected_loss, expected_loss_share, suggest_limit, suggest_price
from scoring.pricing_settings import Pricing
from scoring.rules import Facts
from scoring.rules.affordability_cap import AffordabilityCap

FIGURES = {
    "lgd": 0.65, "ead": 0.7, "funding": 0.035, "operating": 0.03, "margin": 0.025, "all_in_cap": 0.24,
    "affordable_share": 0.5,
}  # fmt: skip


def pricing(**changes: Any) -> Pricing:
    given_ = {name: None if value is None else {"value": value, "source": "a test"}
              for name, value in {**FIGURES, **{k: v for k, v in changes.items() if k in FIGURES}}.items()}  # fmt: skip
    rest = {name: value for name, value in changes.items() if name not in FIGURES}
    return Pricing.model_validate({"horizon_months": 12, "term_months": 12, **given_, **rest})


@given(st.integers(1, 120), st.integers(1, 60))
def test_balance_years_are_those_of_a_schedule(term: int, months: int) -> None:
    owed, total = 1.0, 0.0
    for _ in range(min(term, months)):
        total += owed / 12
        owed -= 1 / term
    assert balance_years(term, months) == pytest.approx(total)


@given(st.floats(0, 1), st.integers(1, 60))
def test_the_price_earns_the_expected_loss_and_never_passes_the_cap(pd: float, term: int) -> None:
    made = suggest_price(pd, pricing(), term)
    assert made.total is not None
    assert made.expected_loss is not None
    # Interest at the loss rate on the balance of a schedule pays PD × LGD × EAD within the horizon.
    assert made.expected_loss * balance_years(term, 12) == pytest.approx(pd * 0.65 * 0.7)
    assert made.total == pytest.approx(0.09 + made.expected_loss)
    if made.total <= 0.24:
        assert made.offered == made.total
    else:
        assert made.offered is None
        assert made.note.startswith("above the cap")


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_riskier_loan_never_costs_less(a: float, b: float) -> None:
    low, high = sorted((a, b))
    first, second = suggest_price(low, pricing()), suggest_price(high, pricing())
    assert first.total is not None
    assert second.total is not None
    assert first.total <= second.total


@pytest.mark.parametrize("name", ["lgd", "ead", "funding", "operating", "margin", "all_in_cap"])
def test_a_figure_without_a_source_leaves_the_price_not_assessed(name: str) -> None:
    made = suggest_price(0.05, pricing(**{name: None}))
    assert (made.total, made.offered) == (None, None)
    assert made.note == f"not assessed: settings give no {name} with a source"
    loss = expected_loss_share(0.05, pricing(**{name: None}))
    assert (loss is None) == (name in ("lgd", "ead"))


def test_expected_loss_is_money_rounded_up() -> None:
    assert expected_loss(Money(100_001, "CNY"), 0.1, pricing(lgd=1.0, ead=1.0)) == Money(10_001, "CNY")
    assert expected_loss(Money(100_000, "CNY"), 0.1, pricing(lgd=0.5, ead=0.7)) == Money(3_500, "CNY")
    assert expected_loss(Money(1, "CNY"), 0.1, pricing(lgd=None)) is None


incomes = st.integers(0, 10**8)


@given(incomes, st.integers(0, 10**7), st.integers(1, 120), st.floats(0, 0.36), st.floats(0.05, 1))
@example(6_577_112, 466_175, 48, 0.05, 0.7)  # the division alone is a unit too high here
def test_the_limit_is_the_largest_amount_that_the_policy_rule_lets_pass(
    income: int, debt: int, term: int, rate: float, share: float
) -> None:
    limit = suggest_limit(Money(income, "CNY"), Money(debt, "CNY"), rate, pricing(affordable_share=share), term)
    assert limit is not None
    rule = AffordabilityCap(outcome=Action.REFER, max_share=share, rate_annual=rate)

    def refused(amount: int) -> bool:
        body = {"amount": amount, "currency": "CNY", "term_months": term, "income_monthly": income, "borrower_id": "b",
                "debt_monthly": debt}  # fmt: skip
        return rule.hits(Facts(Event("application", "a", 0, 0, body), amount), ())

    if income > 0:
        assert refused(limit.minor + 1)
        assert limit.minor == 0 or not refused(limit.minor)


def test_a_limit_needs_a_share_and_one_currency() -> None:
    assert suggest_limit(Money(100, "CNY"), Money(0, "CNY"), 0.1, pricing(affordable_share=None)) is None
    with pytest.raises(InputError, match=r"limit: expected debt in CNY, got '1\.00 USD'"):
        suggest_limit(Money(100, "CNY"), Money(100, "USD"), 0.1, pricing())
