"""What the request means for the borrower's means."""

from features.derived import Derived, difference, ratio

RATIONALE = "A loan is repaid from what is left of the income."

_PRINCIPAL = ratio("amount", "term_months")

DERIVED = (
    Derived("debt_to_income", ratio("debt_monthly", "income_monthly"), group="affordability", unit="share",
            doc="Declared monthly debt service over declared monthly income", sign=1),
    Derived("amount_to_income", ratio("amount", "income_monthly"), group="affordability", unit="months",
            doc="Amount asked for over declared monthly income", sign=1),
    Derived("instalment_to_income", ratio(_PRINCIPAL, "income_monthly"), group="affordability",
            unit="share", doc="Principal per month over declared monthly income", sign=1),
    Derived("debt_to_income_after",
            ratio(difference("debt_monthly", difference(0.0, _PRINCIPAL)), "income_monthly"), group="affordability",
            unit="share", doc="Debt service and principal per month over declared monthly income", sign=1),
    Derived("free_income", difference(difference("income_monthly", "debt_monthly"), _PRINCIPAL),
            group="affordability", unit="base currency", doc="Income less debt service and principal per month",
            sign=-1),
)  # fmt: skip
