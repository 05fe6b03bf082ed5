"""What the request means for the borrower's means."""

from features.derived import Derived, difference, log1p, ratio

DERIVED = (
    Derived("debt_to_income", ratio("debt_monthly", "income_monthly"), group="affordability", unit="share",
            doc="Declared monthly debt service over declared monthly income", sign=1),
    Derived("amount_to_income", ratio("amount", "income_monthly"), group="affordability", unit="months",
            doc="Amount asked for over declared monthly income", sign=1),
    Derived("instalment_to_income", ratio(ratio("amount", "term_months"), "income_monthly"), group="affordability",
            unit="share", doc="Principal per month over declared monthly income", sign=1),
    Derived("free_income", difference(difference("income_monthly", "debt_monthly"), ratio("amount", "term_months")),
            group="affordability", unit="base currency", doc="Income less debt service and principal per month",
            sign=-1),
    Derived("amount_log", log1p("amount"), group="application", unit="ln(1 + amount)",
            doc="Logarithm of the amount asked for"),
)  # fmt: skip
