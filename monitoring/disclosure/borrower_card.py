"""The borrower card: what one application was found to be, from the ledger, for who must judge or answer for it.

Grade and risk level as they were decided, repayment ability from what the applicant declared, the reasons that may be
told, and what the card cannot know. Nobody else's data and nothing of the restricted class can be in it: it reads the
one event and the reasons that book and policy allow to be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from domain.bilingual import Sourced, as_json
from domain.decision import GRADE_ZH, Product, Reason, RiskGrade
from domain.errors import DataError, InputError, expected_got
from domain.money import Money
from domain.time import business_day
from scoring.notice import disclosable
from scoring.pricing import suggest_limit
from scoring.pricing_settings import Pricing
from scoring.replay import Cited

Burden = Literal["comfortable", "tight", "beyond", "not_assessed"]

TIGHT = 0.8
"""Of the affordable share: from there on a burden is tight."""


@dataclass(frozen=True, slots=True)
class Ability:
    """What the applicant can repay, from declared income and debt; shares of monthly income.

    Parameters
    ----------
    debt_to_income : other declared debt. with_loan : the same with the first, largest instalment of this loan.
    affordable_share : the most there may be, and ``source``, who says so. affordable : the largest loan within it.
    note : why something is not assessed; empty otherwise.
    """

    income: str | None
    debt: str | None
    instalment: str | None
    debt_to_income: float | None
    with_loan: float | None
    affordable_share: float | None
    source: Sourced
    affordable: str | None
    burden: Burden
    note: str = ""


@dataclass(frozen=True, slots=True)
class BorrowerCard:
    """One application. ``caveats`` are keys of messages that say what the card does not know."""

    decision_id: str
    application: str
    decided_on: str
    amount: str
    term_months: int | None
    risk_grade: str
    risk_grade_zh: str
    credit_grade: str | None
    pd_band: tuple[float, float] | None
    pd_horizon: str | None
    action: str
    ability: Ability
    reasons: tuple[Reason, ...]
    caveats: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        made = asdict(self)
        made["ability"]["source"] = as_json(self.ability.source)
        return made


def card_of(cited: Cited, pricing: Pricing | None, rate_annual: float | None, *, zone: str) -> BorrowerCard:
    """The card of a recorded decision on a loan application.

    Parameters
    ----------
    pricing : where the affordable share stands with its source. rate_annual : that instalments are computed at.

    Raises
    ------
    InputError
        When the decision is on a payment.
    """
    entry, body = cited.entry, cited.body
    if entry.product != Product.LOAN:
        raise InputError(
            expected_got(
                "a decision on a loan application", f"one on a {entry.product}", f"decision {entry.decision_id}"
            )
        )
    told = [Reason(**reason) for reason in (*body["rule_reasons"], *body["reasons"])]
    try:
        reasons = disclosable(told, cited)
    except DataError:
        reasons = ()
    asked = cited.event.body
    band = body.get("pd_band")
    return BorrowerCard(
        decision_id=entry.decision_id, application=entry.event_id, decided_on=str(business_day(entry.decided_at, zone)),
        amount=str(Money(int(asked["amount"]), str(asked["currency"]))), term_months=_whole(asked, "term_months"),
        risk_grade=entry.risk_grade, risk_grade_zh=GRADE_ZH[RiskGrade(entry.risk_grade)],
        credit_grade=body.get("credit_grade"), pd_band=None if band is None else (band[0], band[1]),
        pd_horizon=body.get("pd_horizon"), action=entry.action,
        ability=ability(asked, pricing, rate_annual), reasons=reasons,
        caveats=_caveats(body, told, reasons),
    )  # fmt: skip


def ability(asked: Mapping[str, Any], pricing: Pricing | None, rate_annual: float | None) -> Ability:
    """Repayment ability of an application.

    Examples
    --------
    >>> figure = {"value": 0.5, "source": "an example"}
    >>> pricing = Pricing(horizon_months=12, term_months=12, affordable_share=figure)
    >>> asked = {"amount": 1_200_000, "currency": "CNY", "term_months": 12, "income_monthly": 400_000}
    >>> found = ability({**asked, "debt_monthly": 40_000}, pricing, 0.12)
    >>> found.debt_to_income, found.with_loan, found.burden, found.affordable
    (0.1, 0.38, 'comfortable', '17142.85 CNY')
    """
    currency = str(asked["currency"])
    income, debt, term = (_whole(asked, name) for name in ("income_monthly", "debt_monthly", "term_months"))
    share = None if pricing is None else pricing.affordable_share
    source = "" if share is None else share.source
    known = None if share is None else share.value
    if income is None or income <= 0:
        return Ability(None, _money(debt, currency), None, None, None, known, source, None, "not_assessed", "no_income")
    other = max(debt or 0, 0)
    money = (_money(income, currency), _money(debt, currency))
    if term is None or term <= 0 or rate_annual is None:
        why = "no_term" if rate_annual is not None else "no_rate"
        return Ability(*money, None, other / income, None, known, source, None, "not_assessed", why)
    amount = int(asked["amount"])
    instalment = amount / term + amount * rate_annual / 12
    burden = (instalment + other) / income
    first = _money(round(instalment), currency)
    if pricing is None or share is None:
        return Ability(*money, first, other / income, burden, None, "", None, "not_assessed", "no_share")
    most = suggest_limit(Money(income, currency), Money(other, currency), rate_annual, pricing, term)
    level: Burden = "beyond" if burden > share.value else "tight" if burden > TIGHT * share.value else "comfortable"
    return Ability(
        *money, first, other / income, burden, share.value, source, None if most is None else str(most), level
    )


def _caveats(body: Mapping[str, Any], told: list[Reason], reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    found = ["declared", "then", "band"]
    if body.get("degraded"):
        found.append("degraded")
    if body.get("credit_grade") is None:
        found.append("ungraded")
    if told and not reasons:
        found.append("not_told")
    return tuple(found)


def _whole(asked: Mapping[str, Any], name: str) -> int | None:
    value = asked.get(name)
    return None if value is None else int(value)


def _money(minor: int | None, currency: str) -> str | None:
    return None if minor is None else str(Money(minor, currency))
