"""Expected loss, price and limit of a loan: pure functions of a probability of default and of figures with a source.

First order, on purpose: nothing is discounted, nobody repays early, and a default costs no further interest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from domain.errors import InputError, expected_got
from domain.money import Money
from scoring.pricing_settings import Pricing

_LOSS = ("lgd", "ead")
_PRICE = (*_LOSS, "funding", "operating", "margin", "all_in_cap")


@dataclass(frozen=True, slots=True)
class Price:
    """A suggested annual rate and what it is made of; shares of the balance a year.

    Parameters
    ----------
    total : funding + expected_loss + operating + margin; None where it is not assessed.
    offered : the total where it keeps within the cap, else None.
    note : empty, why it is not assessed, or that it lies above the cap.
    """

    funding: float | None
    expected_loss: float | None
    operating: float | None
    margin: float | None
    total: float | None
    cap: float | None
    offered: float | None
    note: str = ""


def expected_loss_share(probability: float, pricing: Pricing) -> float | None:
    """PD × LGD × EAD over the horizon, as a share of the amount granted; None where LGD or EAD has no source.

    Examples
    --------
    >>> figure = {"value": 0.5, "source": "an example"}
    >>> pricing = Pricing(horizon_months=12, term_months=12, lgd=figure, ead=figure)
    >>> expected_loss_share(0.04, pricing)
    0.01
    """
    if pricing.missing(*_LOSS):
        return None
    return probability * pricing.value("lgd") * pricing.value("ead")


def expected_loss(amount: Money, probability: float, pricing: Pricing) -> Money | None:
    """Expected loss of a loan over the horizon, rounded up to a minor unit; None where it is not assessed.

    Examples
    --------
    >>> figure = {"value": 0.5, "source": "an example"}
    >>> pricing = Pricing(horizon_months=12, term_months=12, lgd=figure, ead=figure)
    >>> str(expected_loss(Money.parse("10000.00 CNY"), 0.04, pricing))
    '100.00 CNY'
    """
    share = expected_loss_share(probability, pricing)
    return None if share is None else Money(math.ceil(round(amount.minor * share, 6)), amount.currency)


def balance_years(term_months: int, months: int) -> float:
    """Balance owed over the first months of a loan of 1, repaid in equal parts of principal, times years.

    Examples
    --------
    >>> balance_years(12, 12), balance_years(24, 12)
    (0.5416666666666667, 0.7708333333333334)
    """
    paid = min(months, term_months)
    return paid * (1 - (paid - 1) / (2 * term_months)) / 12


def suggest_price(probability: float, pricing: Pricing, term_months: int | None = None) -> Price:
    """Annual rate that pays for funding, the expected loss, operation and margin, if the cap allows it.

    The expected loss over the horizon is spread over the balance that bears interest in that time.

    Parameters
    ----------
    probability : of default within the horizon. term_months : of the loan; the settings' own by default.

    Examples
    --------
    >>> names = ("lgd", "ead", "funding", "operating", "margin")
    >>> given = {name: {"value": 0.03, "source": "an example"} for name in names}
    >>> given |= {"lgd": {"value": 0.65, "source": "an example"}, "ead": {"value": 0.8, "source": "an example"}}
    >>> cap = {"value": 0.24, "source": "an example"}
    >>> pricing = Pricing(horizon_months=12, term_months=12, all_in_cap=cap, **given)
    >>> round(suggest_price(0.02, pricing).offered, 4), suggest_price(0.3, pricing).note
    (0.1092, 'above the cap: 37.8 % against 24 %')
    """
    lacking = pricing.missing(*_PRICE)
    share = expected_loss_share(probability, pricing)
    term = pricing.term_months if term_months is None else term_months
    loss = None if share is None else share / balance_years(term, pricing.horizon_months)
    parts = {name: None if pricing.missing(name) else pricing.value(name) for name in _PRICE}
    made = (parts["funding"], loss, parts["operating"], parts["margin"])
    cap = parts["all_in_cap"]
    if lacking or cap is None:
        note = f"not assessed: settings give no {', '.join(lacking)} with a source"
        return Price(*made, total=None, cap=cap, offered=None, note=note)
    total = math.fsum(part for part in made if part is not None)
    if total > cap:
        note = f"above the cap: {100 * total:.3g} % against {100 * cap:.3g} %"
        return Price(*made, total=total, cap=cap, offered=None, note=note)
    return Price(*made, total=total, cap=cap, offered=total)


def suggest_limit(
    income_monthly: Money, debt_monthly: Money, rate_annual: float, pricing: Pricing, term_months: int | None = None
) -> Money | None:
    """Largest amount whose first instalment, with other declared debt, keeps within the share of income.

    The first instalment is the largest: amount / months plus one month's interest, as the rule `affordability_cap`
    has it. None where the share has no source.

    Raises
    ------
    InputError
        When income and debt are not in one currency.

    Examples
    --------
    >>> share = {"value": 0.5, "source": "an example"}
    >>> pricing = Pricing(horizon_months=12, term_months=12, affordable_share=share)
    >>> str(suggest_limit(Money.parse("3000.00 CNY"), Money.parse("380.00 CNY"), 0.12, pricing))
    '12000.00 CNY'
    """
    if income_monthly.currency != debt_monthly.currency:
        raise InputError(expected_got(f"debt in {income_monthly.currency}", str(debt_monthly), "limit"))
    if pricing.missing("affordable_share"):
        return None
    term = pricing.term_months if term_months is None else term_months
    most = pricing.value("affordable_share") * income_monthly.minor
    debt = max(debt_monthly.minor, 0)

    def fits(amount: int) -> bool:
        return amount / term + amount * rate_annual / 12 + debt <= most

    amount = max(0, math.floor((most - debt) / (1 / term + rate_annual / 12)))
    # The division may miss the last unit by rounding: the rule's own sum decides.
    while amount > 0 and not fits(amount):
        amount -= 1
    while amount > 0 and fits(amount + 1):
        amount += 1
    return Money(amount, income_monthly.currency)
